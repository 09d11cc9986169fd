import type pg from "pg";
import {
  type Clock,
  type ConnectValue,
  type Logger,
  type SourceMap,
  type SourceRecord,
  type Struct,
  UnsupportedError,
} from "../../../src/api/index.js";
import type { Settings } from "../config/settings.js";
import { snapshotOffset } from "../position/source-offset.js";
import { queryRows } from "../server/query-rows.js";
import { endTimeouts } from "../server/session-timeouts.js";
import { quoteIdentifier, quoteLiteral } from "../server/sql-text.js";
import type { CapturedTable } from "../tables/captured-tables.js";
import { eventTime, type SnapshotMarker, type SourceBlocks, type SourceTransaction } from "../tables/source-block.js";
import { defineTable, readCatalog } from "../tables/table-catalog.js";
import { type TableDefinition, withNullable } from "../tables/table-definition.js";
import type { TableFilter } from "../tables/table-filter.js";
import type { TableSchema } from "../tables/table-schema.js";
import type { TableSchemas } from "../tables/table-schemas.js";
import { CopyChannel } from "../wal/copy-channel.js";
import { CopyRowReader } from "../wal/copy-row.js";
import type { Lsn } from "../wal/lsn.js";
import type { ServerIdentity } from "../wal/server-identity.js";
import type { ChangeEvents } from "./change-event.js";
import { isChanged, lockTable, rowsOf, TableChanged, throwChanged } from "./table-hold.js";

const BEGIN = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";

/** A table whose name changes again each time between two statements is given up. */
const MOST_RENAMES = 5;

/** What every snapshot of a session has. */
export interface SnapshotParts {
  /** Not the connection that exported the snapshot. Used only by the snapshot until it ends. */
  readonly client: pg.Client;
  /** The server that positions belong to; null if streaming never follows. */
  readonly identity: ServerIdentity | null;
  readonly settings: Settings;
  readonly filter: TableFilter;
  readonly schemas: TableSchemas;
  readonly events: ChangeEvents;
  readonly sources: SourceBlocks;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface SnapshotOptions extends SnapshotParts {
  /** The slot's exported snapshot, if this start created the slot. */
  readonly snapshotName: string | null;
  /** Where streaming starts afterwards. The rows must include every change before this position. */
  readonly lsn: Lsn;
  /** Called within the snapshot's transaction. */
  readonly tables: (client: pg.Client) => Promise<readonly CapturedTable[]>;
  /** By `schema.table`: a SELECT to read instead of the whole table. Its columns are matched by name. */
  readonly statements: ReadonlyMap<string, string>;
  /** Of a snapshot that interrupts the stream; null: of an initial one. */
  readonly offsets: { readonly running: SourceMap; readonly completed: SourceMap } | null;
}

/** A row held back until the next one is known: its marker depends on it. */
interface HeldRow {
  table: TableSchema;
  key: Struct | null;
  row: ConnectValue[];
  marker: SnapshotMarker;
}

/** Reads all captured tables by COPY, in one REPEATABLE READ transaction but for those that change meanwhile. */
export class Snapshot {
  readonly #options: SnapshotOptions;
  readonly #rowReader = new CopyRowReader();
  #transaction: SourceTransaction = { time: eventTime(0), txId: null, origin: null, originLsn: null };
  #offset: SourceMap = {};
  #held: HeldRow | undefined;
  #isFirstRow = true;
  /** The shared source block of the rows in the middle of a table, which are nearly all rows. */
  #middleBlock: { readonly table: TableSchema; readonly block: Struct } | undefined;

  constructor(options: SnapshotOptions) {
    this.#options = options;
  }

  /** The last record's offset. Valid once the snapshot has begun. */
  completedOffset(): SourceMap {
    const { offsets } = this.#options;
    if (offsets) return offsets.completed;
    const { time, txId } = this.#transaction;
    return snapshotOffset(this.#options.identity, this.#options.lsn, txId, time.us, true);
  }

  /**
   * The rows, in batches as they arrive; nothing if all tables are empty. Only the last record's offset marks the
   * snapshot as complete.
   */
  async *batches(maxBatchSize: number): AsyncGenerator<SourceRecord[], void, void> {
    const { client, logger } = this.#options;
    await this.#begin();
    const tables = await this.#options.tables(client);
    if (tables.length === 0)
      logger.warn(
        "After applying the include/exclude list filters, no changes will be captured. Please check your configuration!",
      );
    logger.info("Snapshot started", { tables: tables.length });
    const changed: CapturedTable[] = [];
    for (const table of tables) {
      await client.query("SAVEPOINT unread");
      try {
        const described = await this.#describe(table);
        if (described) yield* this.#copyTable(table, described, maxBatchSize);
        await client.query("RELEASE SAVEPOINT unread");
      } catch (error) {
        if (!(error instanceof TableChanged)) throw error;
        await client.query("ROLLBACK TO SAVEPOINT unread");
        changed.push(table);
      }
    }
    await client.query("ROLLBACK");
    for (const table of changed) yield* this.#readChanged(table, maxBatchSize);
    const last = this.#release("last", this.completedOffset());
    logger.info("Snapshot ended", { tables: tables.length });
    if (last) yield [last];
  }

  async #begin(): Promise<void> {
    const { client, snapshotName, identity, lsn } = this.#options;
    await endTimeouts(client);
    // Rows hidden by a policy become an error: the stream would send their changes, but the snapshot never the rows.
    await client.query("SET row_security=off");
    await client.query(BEGIN);
    if (snapshotName !== null) await client.query(`SET TRANSACTION SNAPSHOT ${quoteLiteral(snapshotName)}`);
    await this.#identify();
    const { txId, time } = this.#transaction;
    this.#offset = this.#options.offsets?.running ?? snapshotOffset(identity, lsn, txId, time.us, false);
  }

  /** Reads the transaction's time and id. */
  async #identify(): Promise<void> {
    const [now] = await queryRows(
      this.#options.client,
      `SELECT (extract(epoch FROM CURRENT_TIMESTAMP) * 1000000)::int8 AS us,
              CASE WHEN NOT pg_is_in_recovery() THEN txid_current() END AS xid`,
    );
    const xid = now?.["xid"] ?? null;
    const time = eventTime(Number(now!["us"]));
    this.#transaction = { time, txId: xid === null ? null : Number(xid), origin: null, originLsn: null };
    this.#middleBlock = undefined;
  }

  /**
   * Reads a table that was rewritten, altered or renamed since the snapshot began, in a transaction of its own that
   * locks it before it sees anything: no change can come between. The rows are newer than the others, and the stream
   * then sends their changes from the snapshot's position on, as after a snapshot on an older slot.
   *
   * @throws UnsupportedError if its name never stays.
   */
  async *#readChanged(table: CapturedTable, maxBatchSize: number): AsyncGenerator<SourceRecord[], void, void> {
    const { client, filter, logger } = this.#options;
    for (let left = MOST_RENAMES; left > 0; left--) {
      const [name] = await queryRows(
        client,
        "SELECT nspname AS schema, relname AS table FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE c.oid = $1",
        [table.oid],
      );
      // Dropped, or under a name that is not captured.
      if (!name || !filter.capturesTable(name["schema"]!, name["table"]!)) return;
      const now = { ...table, schema: name["schema"]!, table: name["table"]! };
      logger.info("Reading a table again that was changed during the snapshot", {
        table: `${now.schema}.${now.table}`,
      });
      await client.query(BEGIN);
      try {
        await lockTable(client, now);
        await this.#identify();
        const described = await this.#describe(now);
        if (described) yield* this.#copyTable(now, described, maxBatchSize);
        await client.query("ROLLBACK");
        return;
      } catch (error) {
        if (!(error instanceof TableChanged)) throw error;
        await client.query("ROLLBACK");
      }
    }
    throw new UnsupportedError(
      "POSTGRES_TABLE_UNREADABLE",
      `Table ${table.schema}.${table.table} was renamed or replaced ${MOST_RENAMES} times while it was to be read`,
    );
  }

  async #describe(table: CapturedTable): Promise<{ definition: TableDefinition; schema: TableSchema } | undefined> {
    const { client, filter, schemas } = this.#options;
    const entry = await readCatalog(client, table.oid);
    if (!entry.table) return undefined;
    schemas.types.see(entry.types);
    const whole = defineTable(entry.table, schemas.types);
    const key = new Set(filter.keyColumns(whole));
    // A key column is read even if the filters exclude it from the value.
    const definition = {
      ...whole,
      columns: whole.columns.filter(({ name }) => key.has(name) || filter.keepsColumn(whole.schema, whole.table, name)),
    };
    return { definition, schema: schemas.get(definition) };
  }

  async *#copyTable(
    table: CapturedTable,
    described: { definition: TableDefinition; schema: TableSchema },
    maxBatchSize: number,
  ): AsyncGenerator<SourceRecord[], void, void> {
    const { client, settings, schemas, events, clock, logger } = this.#options;
    let { definition, schema } = described;
    const statement = this.#options.statements.get(`${table.schema}.${table.table}`);
    const from = statement === undefined ? rowsOf(table) : `(${statement.replace(/;\s*$/, "")}) AS chosen`;
    await lockTable(client, table);
    if (await isChanged(client, table)) throw new TableChanged(table);
    const columns = await this.#columnsOf(definition, statement === undefined ? null : from);
    const channel = new CopyChannel(client, settings.maxQueueBytes);
    let count = 0;
    try {
      const copy = `COPY (SELECT ${columns} FROM ${from}) TO STDOUT`;
      await channel.start(copy).catch((error) => throwChanged(table, error));
      let batch: SourceRecord[] = [];
      events.now = eventTime(clock.nowMs() * 1000);
      for (;;) {
        const frame = channel.next();
        if (frame) {
          const tuple = this.#rowReader.read(frame.bytes, frame.start, frame.end);
          const nulls = schema.unexpectedNulls(tuple);
          // PostgreSQL 18 and later: a NOT NULL constraint that is NOT VALID may have rows that violate it.
          if (nulls) {
            definition = withNullable(definition, nulls);
            schema = schemas.get(definition);
          }
          const row = schema.readRow(tuple);
          const released = this.#hold(schema, schema.readKey(tuple, row), row, count++ === 0);
          if (released && batch.push(released) < maxBatchSize) continue;
          if (!released) continue;
        } else if (channel.isDone) {
          break;
        } else if (batch.length === 0) {
          await channel.readable();
          events.now = eventTime(clock.nowMs() * 1000);
          continue;
        }
        yield batch;
        batch = [];
        events.now = eventTime(clock.nowMs() * 1000);
      }
      // The snapshot's first row keeps its marker, even if it is also the last of its table.
      if (this.#held && count > 0 && this.#held.marker !== "first") this.#held.marker = "last_in_data_collection";
      if (batch.length > 0) yield batch;
    } finally {
      channel.detach();
    }
    logger.info("Exported records of a table", { table: `${table.schema}.${table.table}`, records: count });
  }

  /** The list to select. @param chosen a SELECT, which may lack columns: they are NULL. */
  async #columnsOf({ columns }: TableDefinition, chosen: string | null): Promise<string> {
    if (chosen === null) return columns.map(({ name }) => quoteIdentifier(name)).join(", ");
    const { fields } = await this.#options.client.query(`SELECT * FROM ${chosen} LIMIT 0`);
    const found = new Set(fields.map(({ name }) => name));
    return columns.map(({ name }) => (found.has(name) ? quoteIdentifier(name) : "NULL")).join(", ");
  }

  /** Holds a row back and returns the record of the one before it. */
  #hold(
    table: TableSchema,
    key: Struct | null,
    row: ConnectValue[],
    isFirstOfTable: boolean,
  ): SourceRecord | undefined {
    const held = this.#held;
    const marker = this.#isFirstRow ? "first" : isFirstOfTable ? "first_in_data_collection" : "true";
    this.#isFirstRow = false;
    if (!held) {
      this.#held = { table, key, row, marker };
      return undefined;
    }
    const record = this.#record(held, held.marker, this.#offset);
    held.table = table;
    held.key = key;
    held.row = row;
    held.marker = marker;
    return record;
  }

  #release(marker: SnapshotMarker, offset: SourceMap): SourceRecord | undefined {
    const held = this.#held;
    this.#held = undefined;
    return held && this.#record(held, marker, offset);
  }

  #record({ table, key, row }: HeldRow, marker: SnapshotMarker, offset: SourceMap): SourceRecord {
    return this.#options.events.row(table, "r", key, null, row, this.#block(table, marker), offset);
  }

  #block(table: TableSchema, marker: SnapshotMarker): Struct {
    if (marker === "true" && this.#middleBlock?.table === table) return this.#middleBlock.block;
    const { sources, lsn } = this.#options;
    const block = sources.block(this.#transaction, lsn, null, table.schemaName, table.tableName, marker);
    if (marker === "true") this.#middleBlock = { table, block };
    return block;
  }
}
