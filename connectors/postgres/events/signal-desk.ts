import {
  type Clock,
  ConfigError,
  DataError,
  errorKind,
  javaPattern,
  type LogFields,
  type Logger,
  type SourceMap,
  type SourceRecord,
  type Timer,
} from "../../../src/api/index.js";
import { type IncrementalChunks, TableGone } from "../chunks/incremental-chunks.js";
import type { IncrementalSnapshot } from "../chunks/incremental-snapshot.js";
import type { RowPace } from "../chunks/row-pace.js";
import type { SnapshotProgress } from "../chunks/snapshot-progress.js";
import type { IncrementalNotifications, ScanStatus } from "../notifications/incremental-notifications.js";
import type { IncrementalTable } from "../position/incremental-position.js";
import { codeOf, isPermanent } from "../server/failure.js";
import type { PassFault } from "../server/fault-point.js";
import type { SignalInbox } from "../signals/signal-inbox.js";
import type { CapturedTable } from "../tables/captured-tables.js";
import type { Lsn } from "../wal/lsn.js";
import type { ReplicationStream } from "../wal/replication-stream.js";
import type { ChangeEvents } from "./change-event.js";
import { parseSignal, type Signal, type SnapshotSignal } from "./signal.js";
import type { TransactionWalk, WalkedSignal } from "./transaction-walk.js";

/** Before the server is asked again how far it is, if it has not moved. */
const ASK_AGAIN_MS = 100;

/** A blocking snapshot that a signal asks for. */
export interface BlockingRequest {
  readonly tables: readonly CapturedTable[];
  /** By `schema.table`: what to read instead of the whole table. */
  readonly statements: ReadonlyMap<string, string>;
  /** Of its rows: a crash among them brings the signal again. */
  readonly previous: SourceMap;
  /** Of its last row. */
  readonly offset: SourceMap;
}

export interface SignalDeskOptions {
  readonly incremental: IncrementalSnapshot;
  readonly inbox: SignalInbox;
  readonly notes: IncrementalNotifications;
  readonly walk: TransactionWalk;
  readonly stream: Pick<ReplicationStream, "shown" | "requestPosition" | "wake">;
  readonly events: ChangeEvents;
  /** The captured tables but for the signal table. */
  readonly tables: () => Promise<readonly CapturedTable[]>;
  readonly reader: () => Promise<IncrementalChunks>;
  /** No incremental snapshot is left: its connection is not needed. */
  readonly release: () => void;
  readonly progress: SnapshotProgress;
  readonly pace: RowPace;
  readonly pass: PassFault;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Carries out the signals of one connection, and drives the incremental snapshot between the stream's events. */
export class SignalDesk {
  readonly #options: SignalDeskOptions;
  #blocking: BlockingRequest | undefined;
  /** The blocking snapshot that is asked for or taken is that of a signal of the inbox. */
  #isOfInbox = false;
  /** Where the stream was when the server was asked for its position last, and the wait before the next time. */
  #asked: { readonly at: Lsn; readonly again: Timer } | undefined;

  /** Until the next chunk may be read. */
  #paced: Timer | undefined;

  constructor(options: SignalDeskOptions) {
    this.#options = options;
    // A window of an earlier connection has missed events.
    options.incremental.interrupt();
    options.inbox.reopen();
    options.inbox.start(() => options.stream.wake());
  }

  /** Whether a blocking snapshot is to be taken. */
  get isBlocking(): boolean {
    return this.#blocking !== undefined;
  }

  /** The blocking snapshot to take before the stream goes on. */
  takeBlocking(): BlockingRequest | undefined {
    const blocking = this.#blocking;
    this.#blocking = undefined;
    return blocking;
  }

  /** The blocking snapshot is over. */
  blockingEnded(): void {
    if (this.#isOfInbox) this.#options.inbox.done(true);
    this.#isOfInbox = false;
  }

  /**
   * Carries out the signal of a row. One that makes no sense is only logged: it would come again after each restart.
   *
   * @returns the row's own offset. It holds what the signal asks for; of a blocking snapshot, which no offset holds, it
   *   is the one before the row, so that a crash brings the signal again.
   */
  async receive({ columns, previous }: WalkedSignal): Promise<SourceMap> {
    const { walk } = this.#options;
    const [id = "", type = "", data = ""] = columns;
    await this.#orIgnore({ id, type, channel: "source" }, async () => {
      if (columns.length !== 3) throw new DataError("VALUE_INVALID", `its table has ${columns.length} columns, not 3`);
      await this.#carryOut(parseSignal(id, type, data), previous);
    });
    const offset = walk.carry();
    return this.#blocking ? previous : offset;
  }

  /** Opens, or closes, the window of an incremental snapshot's chunk. @returns whether it did. */
  async advance(records: SourceRecord[]): Promise<boolean> {
    const { incremental, walk, stream, release } = this.#options;
    await this.#takeSent();
    if (this.#blocking) return false;
    const { awaited } = incremental;
    if (awaited !== undefined) {
      const passed = Math.max(walk.ended, stream.shown) as Lsn;
      if (walk.isInTransaction || passed < awaited) {
        this.#askFrom(passed);
        return false;
      }
      this.#close(records);
      return true;
    }
    const { next } = incremental;
    if (next === undefined) {
      if (incremental.position.tables.length > 0) return false;
      this.#options.progress.end();
      release();
      return false;
    }
    if (this.#isTooSoon()) return false;
    await this.#open(next);
    return true;
  }

  /** Whether snapshot.max.rows.per.second asks to wait; the stream is then woken in time. */
  #isTooSoon(): boolean {
    const { pace, clock, stream } = this.#options;
    const waitMs = pace.waitMs(clock.monotonicMs());
    if (waitMs === 0) return false;
    this.#paced ??= clock.schedule(waitMs, () => {
      this.#paced = undefined;
      stream.wake();
    });
    return true;
  }

  close(): void {
    this.#paced?.cancel();
    this.#asked?.again.cancel();
  }

  /** The server's answer wakes the loop that calls this: asks again only once the stream has moved, or after a while. */
  #askFrom(at: Lsn): void {
    const { stream, clock } = this.#options;
    if (this.#asked?.at === at) return;
    this.#asked?.again.cancel();
    const again = clock.schedule(ASK_AGAIN_MS, () => {
      this.#asked = undefined;
      stream.wake();
    });
    this.#asked = { at, again };
    stream.requestPosition();
  }

  async #open({ id, oid }: IncrementalTable): Promise<void> {
    const { incremental, walk, reader, notes, progress, logger } = this.#options;
    const { position } = incremental;
    if (!progress.isRunning) progress.begin(position.tables.length, null);
    try {
      const chunk = await (await reader()).read(position);
      this.#options.pass("chunk read");
      incremental.open(chunk);
      if (chunk.rows.length > 0) notes.chunkRead(position, chunk.rows.length, chunk.lastKey, chunk.maximumKey);
    } catch (error) {
      // Only the table is at fault: the stream and the other tables go on.
      if (errorKind(error) !== "data" && errorKind(error) !== "unsupported" && !isPermanent(error)) throw error;
      // Rows of the initial snapshot would be missing for ever.
      if (oid !== null && !(error instanceof TableGone)) throw error;
      logger.warn(
        `The incremental snapshot leaves out table ${id}: ${(error as Error).message}`,
        { code: codeOf(error) ?? null },
        error,
      );
      notes.tableEnded(position, statusOf(error, position.tables[0]!));
      incremental.finish();
      walk.carry();
    }
  }

  #close(records: SourceRecord[]): void {
    const { incremental, walk, events, notes, progress, pace, clock } = this.#options;
    const before = walk.offset;
    const { position } = incremental;
    const rows = incremental.close();
    if (incremental.position.tables.length < position.tables.length) notes.tableEnded(position, "SUCCEEDED");
    progress.add(rows.length);
    pace.take(rows.length, clock.monotonicMs());
    const after = walk.carry();
    for (const [at, { schema, key, row }] of rows.entries()) {
      const offset = at === rows.length - 1 ? after : before;
      records.push(events.row(schema, "r", key, null, row, walk.incrementalSource(schema), offset));
    }
    this.#options.pass("chunk sent");
  }

  /** Carries out what waits in the inbox, up to a blocking snapshot. */
  async #takeSent(): Promise<void> {
    const { inbox, walk } = this.#options;
    for (let sent = inbox.take(); sent !== undefined; sent = this.#blocking ? undefined : inbox.take()) {
      if (sent === "ended") {
        walk.carry();
        continue;
      }
      const { id, type, data, channel } = sent;
      let isHeld = false;
      await this.#orIgnore({ id, type, channel }, async () => {
        isHeld = await this.#carryOut(parseSignal(id, type, data), walk.offset);
      });
      walk.carry();
      if (!this.#blocking) {
        inbox.done(isHeld);
        continue;
      }
      // Its last row's offset says that the signal is done; until then, a lost connection brings it again.
      this.#isOfInbox = true;
      this.#blocking = { ...this.#blocking, offset: { ...walk.offset, ...inbox.nextKeys } };
    }
  }

  /** One that makes no sense is only logged: it would come again after each restart. */
  async #orIgnore(fields: LogFields, carryOut: () => Promise<void>): Promise<void> {
    try {
      await carryOut();
    } catch (error) {
      if (!(error instanceof DataError || error instanceof ConfigError)) throw error;
      this.#options.logger.warn(`A signal was ignored: ${error.message}`, fields);
    }
  }

  /** @returns whether offsets hold what it asks for. */
  async #carryOut(signal: Signal, previous: SourceMap): Promise<boolean> {
    const { incremental, walk, notes, logger } = this.#options;
    const { position } = incremental;
    const isRunning = position.tables.length > 0;
    switch (signal.kind) {
      case "snapshot":
        await this.#snapshot(signal, previous);
        return true;
      case "stop": {
        incremental.stop(signal.tables && matcherOf(signal.tables));
        const left = new Set(incremental.position.tables);
        const stopped = position.tables.filter((table) => !left.has(table)).map(({ id }) => id);
        if (stopped.length > 0) notes.stopped(position, stopped);
        if (signal.tables === null && incremental.isInitial)
          logger.warn("The initial snapshot goes on: stop-snapshot ends it for tables in its data-collections only");
        return stopped.length > 0;
      }
      case "pause":
        // One that comes while nothing runs must not hold up what a later signal asks for.
        if (!isRunning || incremental.isPaused) return false;
        incremental.pause();
        notes.paused(position);
        return false;
      case "resume":
        if (!incremental.isPaused) return false;
        incremental.resume();
        notes.resumed(position);
        return false;
      case "log":
        logger.info(signal.message.replace("{}", JSON.stringify(walk.offset)));
        return false;
      case "none":
        return false;
    }
  }

  async #snapshot(signal: SnapshotSignal, previous: SourceMap): Promise<void> {
    const { incremental, walk, notes, logger } = this.#options;
    const captured = await this.#options.tables();
    // In the order of the patterns. A name that none has stands for itself: a table may be captured later.
    const ids = [
      ...new Set(
        signal.tables.flatMap((pattern) => {
          const isMatch = matcherOf([pattern]);
          const found = captured.map(nameOf).filter(isMatch);
          return found.length > 0 || signal.isBlocking ? found : [pattern];
        }),
      ),
    ];
    const tables = captured.filter((table) => ids.includes(nameOf(table)));
    if (ids.length === 0) throw new DataError("VALUE_INVALID", "its data-collections match no captured table");
    const filters = signal.conditions.map(({ table, filter }) => ({ isMatch: matcherOf([table]), filter }));
    const filterOf = (id: string) => filters.find((condition) => condition.isMatch(id))?.filter ?? null;
    logger.info("A signal asks for a snapshot", {
      id: signal.id,
      tables: ids.length,
      isBlocking: signal.isBlocking,
    });
    if (!signal.isBlocking) {
      const { surrogateKey, id: correlationId } = signal;
      const isRunning = incremental.position.tables.length > 0;
      incremental.add(ids.map((id) => ({ id, condition: filterOf(id), surrogateKey, correlationId, oid: null })));
      if (!isRunning) notes.started(incremental.position);
      return;
    }
    const statements = new Map(
      tables.flatMap((table) => {
        const statement = filterOf(nameOf(table));
        return statement === null ? [] : [[nameOf(table), statement] as const];
      }),
    );
    this.#blocking = { tables, statements, previous, offset: walk.offset };
  }
}

/** The notification status of a table that cannot be read. */
function statusOf(error: unknown, { surrogateKey }: IncrementalTable): ScanStatus {
  if (error instanceof TableGone) return "UNKNOWN_SCHEMA";
  return errorKind(error) === "data" && surrogateKey === null ? "NO_PRIMARY_KEY" : "SQL_EXCEPTION";
}

function nameOf({ schema, table }: CapturedTable): string {
  return `${schema}.${table}`;
}

/** Whole names; unlike those of the configuration, these patterns respect case. */
function matcherOf(patterns: readonly string[]): (id: string) => boolean {
  const compiled = patterns.map((pattern) => javaPattern("data-collections", pattern, { ignoresCase: false }));
  return (id) => patterns.includes(id) || compiled.some((pattern) => pattern.test(id));
}
