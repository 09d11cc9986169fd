import type pg from "pg";
import {
  type Clock,
  type Logger,
  type SourceMap,
  type SourceRecord,
  type Struct,
  UnsupportedError,
} from "../../../src/api/index.js";
import type { ChunkRange, DescribedTable } from "../chunks/chunk-reader.js";
import { type HeldRow, HeldRows, type HoldsRow } from "../chunks/held-rows.js";
import type { RowPace } from "../chunks/row-pace.js";
import { beginStatement } from "../chunks/snapshot-isolation.js";
import type { SnapshotProgress } from "../chunks/snapshot-progress.js";
import { SnapshotWorker } from "../chunks/snapshot-worker.js";
import { lockTable, TableChanged } from "../chunks/table-hold.js";
import type { Settings } from "../config/settings.js";
import type { SnapshotNotifications } from "../notifications/snapshot-notifications.js";
import { snapshotOffset } from "../position/source-offset.js";
import { closeClient } from "../server/database-client.js";
import type { PassFault } from "../server/fault-point.js";
import { queryRows } from "../server/query-rows.js";
import type { CapturedTable } from "../tables/captured-tables.js";
import { eventTime, type SourceBlocks, type SourceTransaction } from "../tables/source-block.js";
import type { TableFilter } from "../tables/table-filter.js";
import type { TableSchemas } from "../tables/table-schemas.js";
import type { Lsn } from "../wal/lsn.js";
import type { ServerIdentity } from "../wal/server-identity.js";
import type { ChangeEvents } from "./change-event.js";

const BEGIN = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";

/** A table whose name changes again each time between two statements is given up. */
const MOST_RENAMES = 5;

/** What every snapshot of a session has. */
export interface SnapshotParts {
  /** Not the connection that exported the snapshot. Used only by the snapshot until it ends. */
  readonly client: pg.Client;
  /** A new connection, which the snapshot closes. */
  readonly connect: () => Promise<pg.Client>;
  /** The server that positions belong to; null if streaming never follows. */
  readonly identity: ServerIdentity | null;
  readonly settings: Settings;
  readonly filter: TableFilter;
  readonly schemas: TableSchemas;
  readonly events: ChangeEvents;
  readonly sources: SourceBlocks;
  readonly progress: SnapshotProgress;
  readonly pace: RowPace;
  readonly pass: PassFault;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stopping: AbortSignal;
}

interface SnapshotOptions extends SnapshotParts {
  readonly notes: SnapshotNotifications;
  /** The slot's exported snapshot, if this start created the slot. */
  readonly snapshotName: string | null;
  /** Where streaming starts afterwards. The rows must include every change before this position. */
  readonly lsn: Lsn;
  /** Called within the snapshot's transaction. */
  readonly tables: (client: pg.Client) => Promise<readonly CapturedTable[]>;
  /** By `schema.table`: a SELECT to read instead of the whole table. Its columns are matched by name. */
  readonly statements: ReadonlyMap<string, string>;
  /** What the last offset holds beside. */
  readonly carried: () => SourceMap;
  /** Of a snapshot that interrupts the stream; null: of an initial one. */
  readonly offsets: { readonly running: SourceMap; readonly completed: SourceMap } | null;
}

/** A table while it is read. */
interface OpenTable extends HoldsRow<OpenTable> {
  readonly table: CapturedTable;
  readonly described: DescribedTable;
  /** Holds its lock. */
  readonly holder: SnapshotWorker;
  /** Of the snapshot that its rows are read from. */
  readonly transaction: SourceTransaction;
  /** Parts that were not read to their end. */
  partsLeft: number;
  records: number;
  /** The shared source block of the rows in the middle, which are nearly all rows. */
  middleBlock: Struct | undefined;
}

/** A part of a table that a connection may read. */
interface Part {
  readonly of: OpenTable;
  readonly range: ChunkRange;
  /** No other may read it than the one that holds the table's lock. */
  readonly isHolders: boolean;
}

/**
 * Reads all captured tables by COPY, in one snapshot but for those that change meanwhile; over several connections, if
 * `snapshot.max.threads` says so.
 */
export class Snapshot {
  readonly #options: SnapshotOptions;
  readonly #held: HeldRows<OpenTable>;
  #transaction: SourceTransaction = { time: eventTime(0), txId: null, origin: null, originLsn: null };
  #offset: SourceMap = {};
  #tables: CapturedTable[] = [];
  #changed: CapturedTable[] = [];
  #parts: Part[] = [];
  /** What each worker with an open chunk reads. */
  readonly #reading = new Map<SnapshotWorker, OpenTable>();
  #wake: (() => void) | undefined;

  constructor(options: SnapshotOptions) {
    this.#options = options;
    this.#held = new HeldRows((held, isLast) => this.#record(held, isLast));
  }

  /** The last record's offset. Valid once the snapshot has begun. */
  completedOffset(): SourceMap {
    const { offsets } = this.#options;
    if (offsets) return offsets.completed;
    const { time, txId } = this.#transaction;
    const { identity, lsn, carried } = this.#options;
    return { ...snapshotOffset(identity, lsn, txId, time.us, true), ...carried() };
  }

  /**
   * The rows, in batches as they arrive; nothing if all tables are empty. Only the last record's offset marks the
   * snapshot as complete.
   */
  async *batches(maxBatchSize: number): AsyncGenerator<SourceRecord[], void, void> {
    const { client, logger, settings } = this.#options;
    const workers = await this.#begin();
    let isRead = false;
    try {
      this.#options.pass("snapshot begun");
      const tables = await this.#options.tables(client);
      logger.info("Snapshot started", { tables: tables.length, connections: workers.length });
      this.#options.notes.begun(tables.map(nameOf));
      this.#tables = [...tables];
      yield* this.#read(workers, settings.snapshotParts, maxBatchSize);
      // Nothing is locked any more when the others are read: what changes them may wait for a table of this snapshot.
      for (const worker of workers) await worker.client.query("ROLLBACK");
      const changed = this.#changed;
      for (const table of changed) yield* this.#readChanged(workers[0]!, table, maxBatchSize);
      this.#options.pass("snapshot read");
      const last = this.#held.finish();
      logger.info("Snapshot ended", { tables: tables.length });
      isRead = last === undefined;
      if (!last) return;
      this.#options.progress.add(1);
      yield [last];
      isRead = true;
    } finally {
      for (const worker of workers) {
        if (worker.client === client) continue;
        // In the middle of a COPY, the server would send on to its end.
        if (isRead) closeClient(worker.client);
        else worker.client.connection.stream.destroy();
      }
    }
  }

  /** @returns the snapshot's connections, the first of them the one that it was given. */
  async #begin(): Promise<SnapshotWorker[]> {
    const { client, connect, snapshotName, identity, lsn, settings, filter, schemas } = this.#options;
    const { snapshotThreads, maxQueueBytes } = settings;
    const limitBytes = Math.ceil(maxQueueBytes / snapshotThreads);
    const first = new SnapshotWorker({ client, filter, schemas, limitBytes });
    const [server] = await queryRows(client, "SELECT pg_is_in_recovery() AS is_standby");
    const begin = beginStatement(settings.snapshotIsolation, {
      isImported: snapshotName !== null,
      // Parts of a table, too, must be of one snapshot: a row may move between them.
      isShared: snapshotThreads > 1 || settings.snapshotParts > 1,
      isStandby: server!["is_standby"] === "t",
    });
    await first.begin(begin, snapshotName);
    await this.#identify();
    const { txId, time } = this.#transaction;
    this.#offset = this.#options.offsets?.running ?? snapshotOffset(identity, lsn, txId, time.us, false);
    if (snapshotThreads === 1) return [first];
    const name = snapshotName ?? (await queryRows(client, "SELECT pg_export_snapshot() AS name"))[0]!["name"]!;
    const others: SnapshotWorker[] = [];
    try {
      while (others.length < snapshotThreads - 1) {
        const worker = new SnapshotWorker({ client: await connect(), filter, schemas, limitBytes });
        others.push(worker);
        await worker.begin(BEGIN, name);
      }
    } catch (error) {
      for (const worker of others) closeClient(worker.client);
      throw error;
    }
    return [first, ...others];
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
  }

  /**
   * Reads a table that was rewritten, altered or renamed since the snapshot began, in a transaction of its own that
   * locks it before it sees anything: no change can come between. The rows are newer than the others, and the stream
   * then sends their changes from the snapshot's position on, as after a snapshot on an older slot.
   *
   * @throws UnsupportedError if its name never stays.
   */
  async *#readChanged(
    worker: SnapshotWorker,
    table: CapturedTable,
    maxBatchSize: number,
  ): AsyncGenerator<SourceRecord[], void, void> {
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
      logger.info("Reading a table last that was changed or locked during the snapshot", {
        table: `${now.schema}.${now.table}`,
      });
      await worker.begin(BEGIN, null);
      try {
        await lockTable(client, now);
      } catch (error) {
        if (!(error instanceof TableChanged)) throw error;
        await client.query("ROLLBACK");
        continue;
      }
      await this.#identify();
      this.#tables = [now];
      this.#changed = [];
      yield* this.#read([worker], 1, maxBatchSize);
      await client.query("ROLLBACK");
      if (this.#changed.length === 0) return;
    }
    throw new UnsupportedError(
      "POSTGRES_TABLE_UNREADABLE",
      `Table ${table.schema}.${table.table} was renamed or replaced ${MOST_RENAMES} times while it was to be read`,
    );
  }

  /** Reads `#tables`, with all workers at once. @param parts how many of them may share a table. */
  async *#read(
    workers: readonly SnapshotWorker[],
    parts: number,
    maxBatchSize: number,
  ): AsyncGenerator<SourceRecord[], void, void> {
    const { events, clock, pace, progress, stopping } = this.#options;
    const most = pace.most(maxBatchSize);
    const wake = () => this.#wake?.();
    let first = 0;
    try {
      for (;;) {
        const waitMs = pace.waitMs(clock.monotonicMs());
        if (waitMs > 0) await clock.delay(waitMs, stopping);
        events.now = eventTime(clock.nowMs() * 1000);
        const batch: SourceRecord[] = [];
        for (let at = 0; at < workers.length && batch.length < most; at++) {
          const worker = workers[(first + at) % workers.length]!;
          worker.rethrow();
          this.#drain(worker, batch, most);
          if (!worker.chunk && !worker.isOpening) this.#assign(worker, parts, wake);
        }
        // The one that has filled the batch is the last to be asked for the next one.
        first++;
        if (batch.length > 0) {
          progress.add(batch.length);
          pace.take(batch.length, clock.monotonicMs());
          yield batch;
          continue;
        }
        if (!workers.some((worker) => worker.chunk || worker.isOpening)) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
          for (const worker of workers) worker.watch(wake);
        });
      }
    } finally {
      for (const worker of workers) worker.release();
    }
  }

  /** Turns the rows that have arrived into records. */
  #drain(worker: SnapshotWorker, batch: SourceRecord[], maxBatchSize: number): void {
    const { chunk } = worker;
    if (!chunk) return;
    const open = this.#reading.get(worker)!;
    while (batch.length < maxBatchSize) {
      const tuple = chunk.next();
      if (tuple === null) {
        if (!chunk.isDone) return;
        worker.release();
        if (--open.partsLeft === 0) this.#end(open, batch);
        return;
      }
      const { schema } = chunk;
      const row = schema.readRow(tuple);
      this.#held.take(open, schema, schema.readKey(tuple, row), row, batch);
      open.records++;
    }
  }

  #end(open: OpenTable, batch: SourceRecord[]): void {
    this.#held.end(open, batch);
    this.#options.pass("table read");
    const { notes, logger } = this.#options;
    logger.info("Exported records of a table", { table: nameOf(open.table), records: open.records });
    notes.tableEnded(nameOf(open.table), open.records);
  }

  /** Gives an idle worker the next part of an open table, or the next table. */
  #assign(worker: SnapshotWorker, parts: number, wake: () => void): void {
    const at = this.#parts.findIndex(({ of, isHolders }) => !isHolders || of.holder === worker);
    const [part] = at < 0 ? [] : this.#parts.splice(at, 1);
    if (part) {
      worker.carryOut(this.#openPart(worker, part), wake);
      return;
    }
    const table = this.#tables.shift();
    if (table) worker.carryOut(this.#openTable(worker, table, parts), wake);
  }

  async #openTable(worker: SnapshotWorker, table: CapturedTable, parts: number): Promise<void> {
    this.#options.notes.tableBegun(nameOf(table));
    try {
      const statement = this.#options.statements.get(`${table.schema}.${table.table}`);
      const found = await worker.find(table, statement, parts);
      if (!found) return;
      const { described, ranges } = found;
      const open: OpenTable = {
        table,
        described,
        holder: worker,
        transaction: this.#transaction,
        partsLeft: ranges.length,
        records: 0,
        held: undefined,
        middleBlock: undefined,
      };
      await this.#start(worker, open, ranges[0]!);
      this.#options.pass("table begun");
      this.#parts.push(...ranges.slice(1).map((range) => ({ of: open, range, isHolders: false })));
    } catch (error) {
      if (!(error instanceof TableChanged)) throw error;
      await worker.undo();
      this.#changed.push(table);
    }
  }

  /** @throws an Error that the task retries if the table, although locked, has another name by now. */
  async #openPart(worker: SnapshotWorker, part: Part): Promise<void> {
    try {
      if (part.of.holder === worker || (await worker.share(part.of.table)))
        await this.#start(worker, part.of, part.range);
      else this.#parts.push({ ...part, isHolders: true });
    } catch (error) {
      throw error instanceof TableChanged ? new Error(error.message, { cause: error }) : error;
    }
  }

  async #start(worker: SnapshotWorker, of: OpenTable, range: ChunkRange): Promise<void> {
    await worker.open(of.table, of.described, range);
    this.#reading.set(worker, of);
  }

  #record({ of, schema, key, row, marker }: HeldRow<OpenTable>, isLast: boolean): SourceRecord {
    const { events, sources, lsn } = this.#options;
    let block = marker === "true" ? of.middleBlock : undefined;
    if (!block) {
      block = sources.block(of.transaction, lsn, null, schema.schemaName, schema.tableName, marker);
      if (marker === "true") of.middleBlock = block;
    }
    return events.row(schema, "r", key, null, row, block, isLast ? this.completedOffset() : this.#offset);
  }
}

function nameOf({ schema, table }: CapturedTable): string {
  return `${schema}.${table}`;
}
