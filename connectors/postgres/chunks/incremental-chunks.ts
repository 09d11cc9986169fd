import type pg from "pg";
import { DataError, type Logger, UnsupportedError } from "../../../src/api/index.js";
import type { IncrementalPosition, IncrementalTable } from "../position/incremental-position.js";
import { queryRows } from "../server/query-rows.js";
import { endTimeouts } from "../server/session-timeouts.js";
import { quoteIdentifier, quoteLiteral } from "../server/sql-text.js";
import type { CapturedTable } from "../tables/captured-tables.js";
import type { TableFilter } from "../tables/table-filter.js";
import type { TableSchemas } from "../tables/table-schemas.js";
import type { Lsn } from "../wal/lsn.js";
import type { Tuple } from "../wal/pgoutput-decoder.js";
import { ChunkReader, type DescribedTable } from "./chunk-reader.js";
import type { Chunk, ChunkRow } from "./incremental-snapshot.js";
import { lockTable, rowsOf, TableChanged } from "./table-hold.js";
import { VisibleTransactions } from "./visible-transactions.js";

/** A table that is renamed or replaced again each time is given up. */
const MOST_CHANGES = 5;

export interface IncrementalChunksOptions {
  /** Of its own: a chunk is read while other queries run. */
  readonly client: pg.Client;
  readonly chunkSize: number;
  /** Of a chunk's rows: one that has more ends early. */
  readonly limitBytes: number;
  readonly filter: TableFilter;
  readonly schemas: TableSchemas;
  readonly logger: Logger;
  /** The captured table; undefined: gone. */
  readonly find: (table: IncrementalTable) => Promise<CapturedTable | undefined>;
  /** Whether some transaction that was streamed is invisible: its changes were sent before the chunk's older rows. */
  readonly lacksStreamed: (visible: VisibleTransactions) => boolean;
  /** Waits before a transaction that has been sent becomes visible. */
  readonly retry: () => Promise<void>;
}

/** The table to read is gone, or under a name that is not captured. */
export class TableGone extends DataError {
  constructor() {
    super("VALUE_INVALID", "the table does not exist, or is not captured");
  }
}

/** Why a table cannot be read in chunks; undefined: it can. @param surrogateKey a column to read it by. */
export function chunkObstacle(
  { definition, isUnique }: DescribedTable,
  hasKey: boolean,
  surrogateKey: string | null,
): string | undefined {
  if (!hasKey) return "the table has no key";
  if (!isUnique) return "the table has neither a primary key nor a unique index";
  const order = chunkOrder(definition.keyColumns, surrogateKey);
  const columns = new Map(definition.columns.map((column) => [column.name, column]));
  if (order.every((name) => columns.get(name)?.isNullable === false)) return undefined;
  return `its order (${order.join(", ")}) is no list of columns that are NOT NULL`;
}

/** A surrogate key need not be unique: rows that share it may lie on both sides of a chunk's end. */
function chunkOrder(keyColumns: readonly string[], surrogateKey: string | null): readonly string[] {
  return surrogateKey === null ? keyColumns : [...new Set([surrogateKey, ...keyColumns])];
}

/** Reads the chunks of incremental snapshots, each in a transaction of its own. */
export class IncrementalChunks {
  readonly #options: IncrementalChunksOptions;
  readonly #reader: ChunkReader;
  #isReady = false;
  /** The table read last, and the most rows of its chunks: fewer once they were cut for their bytes. */
  #latest = { id: "", rows: 0 };

  constructor(options: IncrementalChunksOptions) {
    this.#options = options;
    this.#reader = new ChunkReader(options);
  }

  /**
   * The next chunk of the position's first table.
   *
   * @throws DataError if the table is gone or has no key; UnsupportedError if it does not hold still; the server's and
   *   the connection's errors unchanged.
   */
  async read(position: IncrementalPosition): Promise<Chunk> {
    const { client, find, retry, lacksStreamed } = this.#options;
    const wanted = position.tables[0]!;
    if (!this.#isReady) await endTimeouts(client);
    this.#isReady = true;
    for (let changes = 0; changes < MOST_CHANGES; ) {
      const table = await find(wanted);
      if (!table) throw new TableGone();
      await client.query("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY");
      try {
        // Before the transaction's snapshot: a table truncated after it would look empty.
        await lockTable(client, table);
        const [now] = await queryRows(
          client,
          `SELECT txid_current_snapshot() AS visible,
                  (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END - '0/0'::pg_lsn)::int8 AS lsn`,
        );
        if (lacksStreamed(new VisibleTransactions(now!["visible"]!))) {
          await client.query("ROLLBACK");
          await retry();
          continue;
        }
        const chunk = await this.#copy(table, position, Number(now!["lsn"]) as Lsn);
        await client.query("ROLLBACK");
        return chunk;
      } catch (error) {
        await client.query("ROLLBACK");
        if (!(error instanceof TableChanged)) throw error;
        changes++;
      }
    }
    throw new UnsupportedError(
      "POSTGRES_TABLE_UNREADABLE",
      `Table ${wanted.id} was renamed or replaced ${MOST_CHANGES} times while a chunk of it was to be read`,
    );
  }

  async #copy(table: CapturedTable, position: IncrementalPosition, highLsn: Lsn): Promise<Chunk> {
    const { chunkSize, limitBytes, schemas, logger } = this.#options;
    const described = await this.#reader.describe(table);
    if (!described) throw new TableChanged(table);
    const { definition } = described;
    const schema = schemas.get(definition);
    const { id, surrogateKey, condition } = position.tables[0]!;
    const obstacle = chunkObstacle(described, schema.keySchema !== null, surrogateKey);
    if (obstacle !== undefined) throw new DataError("VALUE_INVALID", obstacle);
    const { keyColumns } = definition;
    const order = chunkOrder(keyColumns, surrogateKey);
    const places = order.map((name) => definition.columns.findIndex((column) => column.name === name));
    const keys = order.map(quoteIdentifier);
    const where = [...(condition === null ? [] : [`(${condition})`])];
    const typed = await this.#typed(table, order);
    const done = isSameOrder(position.order, typed) ? position : { lastKey: null, maximumKey: null };
    if (position.lastKey && !done.lastKey)
      logger.warn(`The key of table ${id} was altered while its rows were read: they are read from the beginning`);
    const maximum = done.maximumKey ?? (await this.#maximum(keys, `FROM ${rowsOf(table)}`, where));
    const { schemaName, tableName } = schema;
    const of = { schemaName, tableName, keyColumns, highLsn, order: typed };
    if (maximum === null) return { ...of, rows: [], lastKey: [], maximumKey: [], isLast: true };
    if (done.lastKey) where.push(`(${keys.join(", ")}) > (${done.lastKey.map(quoteLiteral).join(", ")})`);
    where.push(`(${keys.join(", ")}) <= (${maximum.map(quoteLiteral).join(", ")})`);
    const limit = this.#latest.id === id ? this.#latest.rows : chunkSize;
    const rows: ChunkRow[] = [];
    let lastKey: string[] = [];
    let bytes = 0;
    let count = 0;
    const chunk = await this.#reader.open(table, described, { where, orderBy: keys, limit });
    try {
      while (!chunk.isDone) {
        const tuple = chunk.next();
        if (tuple === null) {
          await chunk.readable();
          continue;
        }
        count++;
        if (bytes > limitBytes) continue;
        bytes += sizeOf(tuple);
        const fitting = chunk.schema;
        const row = fitting.readRow(tuple);
        const key = fitting.readKey(tuple, row)!;
        rows.push({ id: fitting.readTexts(keyColumns, tuple)!, key, row, schema: fitting });
        lastKey = places.map((at) => tuple.bytes.toString("utf8", tuple.starts[at], tuple.ends[at]));
      }
    } catch (error) {
      // In the middle of a COPY the connection would not answer any more, not even to ROLLBACK.
      await chunk.drain();
      throw error;
    } finally {
      chunk.close();
    }
    this.#latest = { id, rows: bytes > limitBytes ? rows.length : limit };
    return {
      ...of,
      rows,
      lastKey,
      maximumKey: maximum,
      isLast: count < limit && rows.length === count,
    };
  }

  /** Columns with what decides about the order of their values. */
  async #typed({ oid }: CapturedTable, columns: readonly string[]): Promise<string[]> {
    const found = await queryRows(
      this.#options.client,
      `SELECT attname AS name, concat_ws(' ', attname, format_type(atttypid, NULL), collname) AS typed
       FROM pg_attribute LEFT JOIN pg_collation c ON c.oid = attcollation
       WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped`,
      [oid],
    );
    const texts = new Map(found.map((row) => [row["name"]!, row["typed"]!]));
    return columns.map((name) => texts.get(name)!);
  }

  async #maximum(keys: readonly string[], from: string, where: readonly string[]): Promise<string[] | null> {
    const [row] = await queryRows(
      this.#options.client,
      `SELECT ${keys.map((key, at) => `${key} AS k${at}`).join(", ")} ${from}
       ${where.length > 0 ? `WHERE ${where.join(" AND ")}` : ""}
       ORDER BY ${keys.map((key) => `${key} DESC`).join(", ")} LIMIT 1`,
    );
    return row ? keys.map((_, at) => row[`k${at}`]!) : null;
  }
}

/** @param stored null: an older offset does not say. */
function isSameOrder(stored: readonly string[] | null, now: readonly string[]): boolean {
  return stored === null || JSON.stringify(stored) === JSON.stringify(now);
}

function sizeOf({ starts, ends, count }: Tuple): number {
  return count === 0 ? 0 : ends[count - 1]! - starts[0]!;
}
