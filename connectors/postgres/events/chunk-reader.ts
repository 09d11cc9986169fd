import type pg from "pg";
import { DataError } from "../../../src/api/index.js";
import type { IncrementalPosition } from "../position/incremental-position.js";
import { queryRows } from "../server/query-rows.js";
import { endTimeouts } from "../server/session-timeouts.js";
import { quoteIdentifier, quoteLiteral } from "../server/sql-text.js";
import type { CapturedTable } from "../tables/captured-tables.js";
import { defineTable, readCatalog } from "../tables/table-catalog.js";
import type { TableDefinition } from "../tables/table-definition.js";
import type { TableFilter } from "../tables/table-filter.js";
import type { TableSchemas } from "../tables/table-schemas.js";
import { CopyChannel } from "../wal/copy-channel.js";
import { CopyRowReader } from "../wal/copy-row.js";
import type { Lsn } from "../wal/lsn.js";
import type { Tuple } from "../wal/pgoutput-decoder.js";
import type { Chunk, ChunkRow } from "./incremental-snapshot.js";
import { lockTable, rowsOf, TableChanged } from "./table-hold.js";

/** Bytes of a chunk that may wait to be read. */
const QUEUE_BYTES = 2 ** 20;

/** A snapshot of transactions as the server prints it. Transaction ids of the stream have 32 bits. */
export class VisibleTransactions {
  readonly #end: number;
  readonly #open: ReadonlySet<number>;

  /** @param text `xmin:xmax:xip,…`, ids of 64 bits. */
  constructor(text: string) {
    const [, end, open] = text.split(":");
    this.#end = Number(BigInt(end!) & 0xffff_ffffn);
    this.#open = new Set(
      (open ?? "")
        .split(",")
        .filter((xid) => xid !== "")
        .map((xid) => Number(BigInt(xid) & 0xffff_ffffn)),
    );
  }

  has(xid: number): boolean {
    return ((xid - this.#end) | 0) < 0 && !this.#open.has(xid);
  }
}

export interface ChunkReaderOptions {
  /** Of its own: a chunk is read while other queries run. */
  readonly client: pg.Client;
  readonly chunkSize: number;
  readonly filter: TableFilter;
  readonly schemas: TableSchemas;
  /** The captured table of that name; undefined: gone. */
  readonly find: (id: string) => Promise<CapturedTable | undefined>;
  /** Whether some transaction that was streamed is invisible: its changes were sent before the chunk's older rows. */
  readonly lacksStreamed: (visible: VisibleTransactions) => boolean;
  /** Waits before a transaction that has been sent becomes visible. */
  readonly retry: () => Promise<void>;
}

/** Reads the chunks of incremental snapshots. */
export class ChunkReader {
  readonly #options: ChunkReaderOptions;
  readonly #rowReader = new CopyRowReader();
  #isReady = false;

  constructor(options: ChunkReaderOptions) {
    this.#options = options;
  }

  /**
   * The next chunk of the position's first table.
   *
   * @throws DataError if the table is gone or has no key; the server's and the connection's errors unchanged.
   */
  async read(position: IncrementalPosition): Promise<Chunk> {
    const { client, find, retry, lacksStreamed } = this.#options;
    if (!this.#isReady) await endTimeouts(client);
    this.#isReady = true;
    for (;;) {
      const table = await find(position.tables[0]!.id);
      if (!table) throw new DataError("VALUE_INVALID", "the table does not exist, or is not captured");
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
      }
    }
  }

  async #copy(table: CapturedTable, position: IncrementalPosition, highLsn: Lsn): Promise<Chunk> {
    const { chunkSize, schemas } = this.#options;
    const { definition, isUnique } = await this.#describe(table);
    const schema = schemas.get(definition);
    if (schema.keySchema === null) throw new DataError("VALUE_INVALID", "the table has no key");
    if (!isUnique) throw new DataError("VALUE_INVALID", "the table has neither a primary key nor a unique index");
    const { surrogateKey, condition } = position.tables[0]!;
    const { keyColumns } = definition;
    // A surrogate key need not be unique: rows that share it may lie on both sides of a chunk's end.
    const order = surrogateKey === null ? keyColumns : [...new Set([surrogateKey, ...keyColumns])];
    const places = order.map((name) => definition.columns.findIndex((column) => column.name === name));
    if (places.some((at) => at < 0 || definition.columns[at]!.isNullable))
      throw new DataError("VALUE_INVALID", `its order (${order.join(", ")}) is no list of columns that are NOT NULL`);
    const keys = order.map(quoteIdentifier);
    const where = [...(condition === null ? [] : [`(${condition})`])];
    const from = `FROM ${rowsOf(table)}`;
    const maximum = position.maximumKey ?? (await this.#maximum(keys, from, where));
    const { topic } = schema;
    if (maximum === null) return { rows: [], topic, keyColumns, highLsn, lastKey: [], maximumKey: [], isLast: true };
    if (position.lastKey) where.push(`(${keys.join(", ")}) > (${position.lastKey.map(quoteLiteral).join(", ")})`);
    where.push(`(${keys.join(", ")}) <= (${maximum.map(quoteLiteral).join(", ")})`);
    const columns = definition.columns.map(({ name }) => quoteIdentifier(name)).join(", ");
    const rows: ChunkRow[] = [];
    let lastKey: string[] = [];
    await this.#each(
      `COPY (SELECT ${columns} ${from} WHERE ${where.join(" AND ")} ORDER BY ${keys.join(", ")} LIMIT ${chunkSize}) TO STDOUT`,
      (tuple) => {
        const row = schema.readRow(tuple);
        rows.push({ id: schema.readTexts(keyColumns, tuple)!, key: schema.readKey(tuple, row)!, row, schema });
        lastKey = places.map((at) => tuple.bytes.toString("utf8", tuple.starts[at], tuple.ends[at]));
      },
    );
    return { rows, topic, keyColumns, highLsn, lastKey, maximumKey: maximum, isLast: rows.length < chunkSize };
  }

  async #describe(table: CapturedTable): Promise<{ definition: TableDefinition; isUnique: boolean }> {
    const { client, filter, schemas } = this.#options;
    const entry = await readCatalog(client, table.oid);
    if (!entry.table) throw new TableChanged(table);
    schemas.types.see(entry.types);
    const whole = defineTable(entry.table, schemas.types);
    const keys = new Set([...filter.keyColumns(whole), ...whole.keyColumns]);
    const isUsed = (name: string) => keys.has(name) || filter.keepsColumn(whole.schema, whole.table, name);
    const own = entry.table.primaryKey ?? entry.table.uniqueKey;
    return {
      definition: { ...whole, columns: whole.columns.filter(({ name }) => isUsed(name)) },
      isUnique: own !== null && !own.isPartial,
    };
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

  async #each(copy: string, take: (tuple: Tuple) => void): Promise<void> {
    const channel = new CopyChannel(this.#options.client, QUEUE_BYTES);
    try {
      await channel.start(copy);
      for (;;) {
        const frame = channel.next();
        if (frame) take(this.#rowReader.read(frame.bytes, frame.start, frame.end));
        else if (channel.isDone) return;
        else await channel.readable();
      }
    } finally {
      channel.detach();
    }
  }
}
