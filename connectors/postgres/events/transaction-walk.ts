import {
  type ConnectValue,
  DataError,
  type SourceMap,
  type SourceRecord,
  type Struct,
} from "../../../src/api/index.js";
import type { IncrementalSnapshot } from "../chunks/incremental-snapshot.js";
import type { Settings } from "../config/settings.js";
import { withoutIncremental } from "../position/incremental-position.js";
import { judgeTransaction, type ResumePoint, type Skip, wasHandedOver } from "../position/resume-point.js";
import {
  furthestOf,
  type MessageType,
  type OffsetOrigin,
  readOffset,
  streamedOffset,
} from "../position/source-offset.js";
import type { SignalInbox } from "../signals/signal-inbox.js";
import type { RelationCache } from "../tables/relation-cache.js";
import { eventTime, type SourceBlocks, type SourceTransaction } from "../tables/source-block.js";
import { selects } from "../tables/table-filter.js";
import type { TableSchema } from "../tables/table-schema.js";
import { type Lsn, NO_LSN } from "../wal/lsn.js";
import type {
  BeginMessage,
  DeleteMessage,
  InsertMessage,
  LogicalMessage,
  PgoutputMessage,
  TruncateMessage,
  Tuple,
  UpdateMessage,
} from "../wal/pgoutput-decoder.js";
import { type ChangeEvents, sameStructs, sameValues } from "./change-event.js";
import type { LogicalMessages } from "./logical-message.js";
import type { TransactionMetadata } from "./transaction-metadata.js";

export interface WalkOptions {
  readonly settings: Settings;
  readonly relations: Pick<RelationCache, "get" | "loosen">;
  readonly events: ChangeEvents;
  readonly sources: SourceBlocks;
  readonly messages: LogicalMessages;
  /** null without provide.transaction.metadata. */
  readonly metadata: TransactionMetadata | null;
  readonly partition: SourceMap;
  readonly resume: ResumePoint;
  readonly origin: OffsetOrigin;
  /** `schema.table` whose inserted rows are signals; null: none. */
  readonly signalTable: string | null;
  readonly incremental: IncrementalSnapshot;
  readonly inbox: Pick<SignalInbox, "keys">;
  /** The stored offset's last commit; null before any. */
  readonly lastCommit: Lsn | null;
  /** The offset resumed from. All but the last record of the first event carry it: a crash among them repeats it. */
  readonly offset: SourceMap;
}

type RowMessage = InsertMessage | UpdateMessage | DeleteMessage | TruncateMessage;

/** A row inserted into the signal table. */
export interface WalkedSignal {
  /** Its values in order. */
  readonly columns: readonly string[];
  /** The offset before it. */
  readonly previous: SourceMap;
  /** Makes its record. Called once, before anything else is walked. null: inserts are skipped, and it has none. */
  readonly row: ((offset: SourceMap) => SourceRecord) | null;
}

/** Transactions remembered as walked. One that was sent becomes visible to others within moments. */
const STREAMED = 1024;

/** Stands for a table in the counts of logical messages. */
const MESSAGES = "LOGICAL_DECODING_MESSAGE";

/** Before the first transaction of the connection. */
const OUTSIDE: SourceTransaction = { time: eventTime(0), txId: null, origin: null, originLsn: null };

/**
 * Turns the messages of one replication connection into records, in order, and skips events handed over before. The
 * caller handles relation messages, because they need the catalog.
 */
export class TransactionWalk {
  readonly #options: WalkOptions;
  #transaction: SourceTransaction = OUTSIDE;
  #isOpen = false;
  #skip: Skip = "nothing";
  /** Position of the last event, and the number of events there so far. */
  #lsn: Lsn = NO_LSN;
  #eventsAtLsn = 0;
  #lastCommit: Lsn | null;
  #ended: Lsn = NO_LSN;
  #offset: SourceMap;
  #emitted = 0;
  #signal: WalkedSignal | undefined;
  /** What offsets hold besides positions; null: nothing. */
  #carried: SourceMap | null;
  readonly #streamed = new Uint32Array(STREAMED);
  #streamedCount = 0;

  constructor(options: WalkOptions) {
    this.#options = options;
    this.#lastCommit = options.lastCommit;
    this.#offset = options.offset;
    const { metadata, events } = options;
    this.#carried = this.#held();
    events.block = metadata && (({ schemaName, tableName }) => metadata.next(`${schemaName}.${tableName}`, this.#lsn));
  }

  /** The signal that the last message carried, which has no record yet. Nothing may be walked before it is handled. */
  takeSignal(): WalkedSignal | undefined {
    const signal = this.#signal;
    this.#signal = undefined;
    return signal;
  }

  /** Whether a transaction walked lately fails the test. */
  hasStreamed(test: (xid: number) => boolean): boolean {
    return this.#streamed.subarray(0, Math.min(this.#streamedCount, STREAMED)).some(test);
  }

  /** The incremental snapshot or xmin has moved, or a signal was carried out: offsets from now on say so. @returns the offset. */
  carry(): SourceMap {
    this.#carried = this.#held();
    this.#offset = { ...withoutIncremental(this.#offset), ...this.#carried };
    return this.#offset;
  }

  #held(): SourceMap | null {
    const { incremental, inbox, sources } = this.#options;
    return orNull({ ...incremental.keys, ...inbox.keys, ...(sources.xmin !== null && { xmin: sources.xmin }) });
  }

  /** The source block of an incremental snapshot's row. */
  incrementalSource(table: TableSchema): Struct {
    const { sources, events } = this.#options;
    const transaction = { time: events.now, txId: null, origin: null, originLsn: null };
    const lsn = readOffset(this.#offset).lsn ?? NO_LSN;
    return sources.block(transaction, lsn, this.#lastCommit, table.schemaName, table.tableName, "incremental");
  }

  /** Offset after everything walked. The next event's records carry it, except the last. */
  get offset(): SourceMap {
    return this.#offset;
  }

  /** Records made so far. */
  get emitted(): number {
    return this.#emitted;
  }

  /** Within a transaction, no position after its beginning may be confirmed. */
  get isInTransaction(): boolean {
    return this.#isOpen;
  }

  /** Commit time of the transaction walked last, in ms since 1970. */
  get committedMs(): number {
    return this.#transaction.time.ms;
  }

  /** End of the last completely walked transaction. */
  get ended(): Lsn {
    return this.#ended;
  }

  /**
   * An offset for a record that is no event, such as a heartbeat: everything before `position` is finished. Never
   * earlier than the offset resumed from: the server starts at the confirmed position and first resends events handed
   * over since. (I3)
   */
  offsetAt(position: Lsn): SourceMap {
    if (this.#isOpen || position <= furthestOf(readOffset(this.#offset))) return this.#offset;
    // Before the first transaction, keep the transaction id and time of the offset resumed from.
    const walked = this.#transaction === OUTSIDE ? readOffset(this.#offset) : undefined;
    const txId = walked ? walked.txId : this.#transaction.txId;
    const timeUs = walked ? (walked.timeUs ?? 0) : this.#transaction.time.us;
    const offset = streamedOffset(this.#options.origin, position, position, "COMMIT", txId, timeUs, 1);
    this.#offset = this.#carried === null ? offset : { ...offset, ...this.#carried };
    return this.#offset;
  }

  /** Processes one message at `lsn` and appends its records to `into`. */
  take(message: PgoutputMessage, lsn: Lsn, into: SourceRecord[]): void {
    switch (message.kind) {
      case "insert":
      case "update":
      case "delete":
      case "truncate":
        if (this.#isNew(lsn)) this.#change(message, lsn, into);
        else if (this.#options.metadata && this.#skip === "part") this.#count(message, lsn);
        break;
      case "message":
        this.#message(message, lsn, into);
        break;
      case "begin":
        this.#begin(message, lsn, into);
        break;
      case "commit":
        this.#commit(message.endLsn, lsn, into);
        break;
      case "origin":
        this.#transaction = { ...this.#transaction, origin: message.name, originLsn: message.lsn };
        break;
      default:
        break;
    }
  }

  #begin({ xid, finalLsn, commitTimeUs }: BeginMessage, lsn: Lsn, into: SourceRecord[]): void {
    this.#isOpen = true;
    this.#transaction = { time: eventTime(commitTimeUs), txId: xid, origin: null, originLsn: null };
    this.#skip = judgeTransaction(this.#options.resume, xid, finalLsn);
    this.#streamed[this.#streamedCount++ % STREAMED] = xid;
    this.#lsn = NO_LSN;
    this.#eventsAtLsn = 0;
    const { metadata } = this.#options;
    if (!metadata || this.#skip === "whole") return;
    metadata.begin(xid, this.#transaction.time.ms);
    // A transaction that was handed over in part has had its beginning. Its offset is the one before it: resuming there
    // sends the whole transaction again.
    if (this.#skip === "nothing") this.#push(into, metadata.beginning(lsn, this.#offset));
  }

  #commit(endLsn: Lsn, lsn: Lsn, into: SourceRecord[]): void {
    this.#isOpen = false;
    this.#lastCommit = endLsn;
    this.#ended = endLsn;
    const { metadata } = this.#options;
    if (!metadata || this.#skip === "whole") return;
    this.#lsn = endLsn;
    this.#eventsAtLsn = 1;
    this.#push(into, metadata.end(lsn, this.#advance(endLsn, "COMMIT")));
  }

  #change(message: RowMessage, lsn: Lsn, into: SourceRecord[]): void {
    switch (message.kind) {
      case "insert":
        this.#insert(message, lsn, into);
        break;
      case "update":
        this.#update(message, lsn, into);
        break;
      case "delete":
        this.#delete(message, lsn, into);
        break;
      case "truncate":
        this.#truncate(message, lsn, into);
        break;
    }
  }

  /** Counts an event that was handed over before, so that those after it keep their order in the transaction. */
  #count(message: RowMessage, lsn: Lsn): void {
    const offset = this.#offset;
    const emitted = this.#emitted;
    this.#change(message, lsn, []);
    this.takeSignal()?.row?.(offset);
    this.#offset = offset;
    this.#emitted = emitted;
  }

  /** Counts the event, captured or not, and returns whether it is new: not handed over before. */
  #isNew(lsn: Lsn): boolean {
    if (lsn === this.#lsn) this.#eventsAtLsn++;
    else {
      this.#lsn = lsn;
      this.#eventsAtLsn = 1;
    }
    if (this.#skip === "nothing") return true;
    return this.#skip === "part" && !wasHandedOver(this.#options.resume, lsn, this.#eventsAtLsn);
  }

  #insert({ relationOid, after }: InsertMessage, lsn: Lsn, into: SourceRecord[]): void {
    const found = this.#table(relationOid, "c");
    if (!found) return;
    const table = this.#fitting(found, relationOid, after);
    const row = table.readRow(after);
    const key = table.readKey(after, row);
    this.#options.incremental.supersede(table, after);
    const previous = this.#offset;
    const offset = this.#advance(lsn, "INSERT");
    if (!this.#isSignal(table)) {
      this.#push(into, this.#row(table, "c", key, null, row, lsn, offset));
      return;
    }
    this.#signal = {
      columns: row.map((value) => (value === null ? "" : String(value))),
      previous,
      row: this.#options.settings.skippedOperations.has("c")
        ? null
        : (own) => {
            this.#emitted++;
            return this.#row(table, "c", key, null, row, lsn, own);
          },
    };
  }

  #update({ relationOid, oldKind, before, after }: UpdateMessage, lsn: Lsn, into: SourceRecord[]): void {
    const found = this.#table(relationOid, "u");
    if (!found) return;
    const loose = before && oldKind === "O" ? this.#fitting(found, relationOid, before) : found;
    const table = this.#fitting(loose, relationOid, after);
    const oldRow = before ? table.readRow(before) : null;
    const row = table.readRow(after, before);
    const { settings, events } = this.#options;
    if (settings.skipUnchanged && oldKind === "O" && oldRow && sameValues(oldRow, row)) return;
    const key = table.readKey(after, row, before);
    const oldKey = before && oldRow ? table.readKey(before, oldRow) : null;
    this.#options.incremental.supersede(table, after, before);
    if (before) this.#options.incremental.supersede(table, before);
    if (!key || !oldKey || !oldRow || sameStructs(key, oldKey)) {
      const offset = this.#advance(lsn, "UPDATE");
      this.#push(into, this.#row(table, "u", key, oldRow, row, lsn, offset));
      return;
    }
    const previous = this.#offset;
    const offset = this.#advance(lsn, "UPDATE");
    const count = into.length;
    events.keyChange(into, table, oldKey, key, oldRow, row, this.#source(table, lsn), previous, offset);
    this.#emitted += into.length - count;
  }

  #delete({ relationOid, oldKind, before }: DeleteMessage, lsn: Lsn, into: SourceRecord[]): void {
    const found = this.#table(relationOid, "d");
    if (!found) return;
    const table = oldKind === "O" ? this.#fitting(found, relationOid, before) : found;
    const row = table.readRow(before);
    const previous = this.#offset;
    const offset = this.#advance(lsn, "DELETE");
    const count = into.length;
    const key = table.readKey(before, row);
    this.#options.incremental.supersede(table, before);
    this.#options.events.delete(into, table, key, row, this.#source(table, lsn), previous, offset);
    this.#emitted += into.length - count;
  }

  #truncate({ relationOids }: TruncateMessage, lsn: Lsn, into: SourceRecord[]): void {
    const tables = relationOids.flatMap((oid) => this.#table(oid, "t") ?? []);
    if (tables.length === 0) return;
    const previous = this.#offset;
    const offset = this.#advance(lsn, "TRUNCATE");
    for (const [at, table] of tables.entries()) {
      this.#options.incremental.clear(table);
      const own = at === tables.length - 1 ? offset : previous;
      this.#push(into, this.#row(table, "t", null, null, null, lsn, own));
    }
  }

  /** The server sends a message outside a transaction in commit order: it counts as a transaction that ends there. */
  #message(message: LogicalMessage, lsn: Lsn, into: SourceRecord[]): void {
    const { settings, events, messages, metadata, sources, partition, resume } = this.#options;
    if (message.isTransactional) {
      if (!this.#isNew(lsn)) {
        if (this.#skip === "part" && selects(settings.messagePrefixes, message.prefix)) metadata?.next(MESSAGES, lsn);
        return;
      }
    } else {
      if (lsn <= resume.committed) return;
      this.#lastCommit = lsn;
      this.#ended = lsn;
      // It has no time of its own: use the last known one, as Debezium does.
      const time = this.#transaction === OUTSIDE ? events.now : this.#transaction.time;
      this.#transaction = { time, txId: null, origin: null, originLsn: null };
      this.#lsn = lsn;
      this.#eventsAtLsn = 1;
    }
    if (message.prefix === settings.heartbeatPrefix || !selects(settings.messagePrefixes, message.prefix)) return;
    const offset = this.#advance(lsn, "MESSAGE");
    const block = (message.isTransactional && metadata?.next(MESSAGES, lsn)) || null;
    const source = sources.block(this.#transaction, lsn, this.#lastCommit, "", "");
    this.#push(into, messages.record(message, source, events.now.ms, partition, offset, block));
  }

  /** undefined: not captured, or its operation is skipped. A signal is carried out even if its row is not sent. */
  #table(oid: number, operation: string): TableSchema | undefined {
    const relation = this.#options.relations.get(oid);
    if (relation === undefined)
      throw new DataError(
        "VALUE_INVALID",
        `No metadata registered for captured table with relation id ${oid}: the server sends it before the first row. Restart the task, and report this.`,
      );
    if (relation === "filtered") return undefined;
    const isSkipped = this.#options.settings.skippedOperations.has(operation);
    return isSkipped && !(operation === "c" && this.#isSignal(relation)) ? undefined : relation;
  }

  #isSignal({ schemaName, tableName }: TableSchema): boolean {
    return this.#options.signalTable === `${schemaName}.${tableName}`;
  }

  /** The version that can hold a whole row: a NULL in a NOT NULL column was written before the column became so. */
  #fitting(table: TableSchema, oid: number, tuple: Tuple): TableSchema {
    const names = table.unexpectedNulls(tuple);
    return names === undefined ? table : this.#options.relations.loosen(oid, names);
  }

  #advance(lsn: Lsn, type: MessageType): SourceMap {
    const { txId, time } = this.#transaction;
    const offset = streamedOffset(this.#options.origin, lsn, this.#lastCommit, type, txId, time.us, this.#eventsAtLsn);
    this.#offset = this.#carried === null ? offset : { ...offset, ...this.#carried };
    return this.#offset;
  }

  #row(
    table: TableSchema,
    op: "c" | "u" | "t",
    key: Struct | null,
    before: ConnectValue[] | null,
    after: ConnectValue[] | null,
    lsn: Lsn,
    offset: SourceMap,
  ): SourceRecord {
    return this.#options.events.row(table, op, key, before, after, this.#source(table, lsn), offset);
  }

  #source(table: TableSchema, lsn: Lsn): Struct {
    return this.#options.sources.block(this.#transaction, lsn, this.#lastCommit, table.schemaName, table.tableName);
  }

  #push(into: SourceRecord[], record: SourceRecord): void {
    into.push(record);
    this.#emitted++;
  }
}

function orNull(keys: SourceMap): SourceMap | null {
  return Object.keys(keys).length === 0 ? null : keys;
}
