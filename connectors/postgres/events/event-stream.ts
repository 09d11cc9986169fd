import type pg from "pg";
import type { Clock, SourceRecord } from "../../../src/api/index.js";
import { type Progress, planConfirmation } from "../position/progress.js";
import type { RelationCache } from "../tables/relation-cache.js";
import { eventTime } from "../tables/source-block.js";
import { type Lsn, NO_LSN } from "../wal/lsn.js";
import { PgoutputDecoder } from "../wal/pgoutput-decoder.js";
import type { ReplicationStream } from "../wal/replication-stream.js";
import type { ChangeEvents } from "./change-event.js";
import type { Heartbeat } from "./heartbeat.js";
import type { SignalDesk } from "./signal-desk.js";
import type { TransactionWalk } from "./transaction-walk.js";

/** Records this recent mean that more will follow soon. A single change after a quiet time is never delayed. */
const FLOWING_MS = 5;
const GATHER_MS = 2;

export interface EventStreamOptions {
  readonly stream: ReplicationStream;
  readonly walk: TransactionWalk;
  readonly relations: RelationCache;
  readonly events: ChangeEvents;
  readonly heartbeat: Heartbeat;
  readonly heartbeatAction: () => Promise<void>;
  readonly signals: SignalDesk;
  /** Whether the task has records of its own to add. */
  readonly isOwed: () => boolean;
  readonly progress: Progress;
  readonly catalog: () => Promise<pg.Client>;
  readonly maxBatchSize: number;
  /** False: lsn.flush.mode=manual, another process moves the slot. */
  readonly confirmsLsn: boolean;
  readonly clock: Clock;
  readonly stopping: AbortSignal;
}

/** Streaming over one connection: pulls messages, makes records, confirms positions. */
export class EventStream {
  readonly #options: EventStreamOptions;
  readonly #decoder = new PgoutputDecoder();
  #handedOver = 0;
  #lastRecordsMs = Number.NEGATIVE_INFINITY;
  #failure: { readonly error: unknown } | undefined;
  #behindMs: number | undefined;
  /** The records read before a signal that has none of its own: only offsets made later hold what it asks for. */
  #unheldAt: number | undefined;

  constructor(options: EventStreamOptions) {
    this.#options = options;
    options.stopping.addEventListener("abort", this.#onStopping, { once: true });
  }

  /**
   * The records received so far, up to the batch size; waits for the first one. [] only when stopping, or when a
   * blocking snapshot is to be taken, or the task has something to add.
   *
   * @throws the connection's error, after the records received before it.
   */
  async read(): Promise<SourceRecord[]> {
    const records: SourceRecord[] = [];
    try {
      if (this.#failure) throw this.#failure.error;
      while (records.length === 0 && !this.#options.stopping.aborted) {
        await this.#drain(records);
        await this.#beatIfDue(records);
        const hasAdvanced = await this.#options.signals.advance(records);
        if (records.length > 0 || this.#options.signals.isBlocking || this.#options.isOwed()) break;
        this.confirm();
        if (!hasAdvanced) await this.#waitForMore();
      }
    } catch (error) {
      if (records.length === 0) throw error;
      this.#failure = { error };
    }
    const { progress, walk } = this.#options;
    if (walk.emitted !== this.#handedOver) this.#behindMs = Math.max(0, this.#options.clock.nowMs() - walk.committedMs);
    if (records.length > 0) {
      progress.handOver(records.at(-1)!.sourceOffset);
      this.#lastRecordsMs = this.#options.clock.monotonicMs();
    }
    this.#handedOver = walk.emitted;
    if (this.#unheldAt !== undefined) this.#unheldAt = records.length > this.#unheldAt ? undefined : 0;
    return records;
  }

  /** From the commit of the last change that `read` returned to its return, in ms; undefined before the first. */
  get behindMs(): number | undefined {
    return this.#behindMs;
  }

  /**
   * Confirms the stored position. Called after offsets were stored, and after all received messages were walked. (I3)
   */
  confirm(): void {
    const { stream, walk, progress, confirmsLsn } = this.#options;
    if (!confirmsLsn) return;
    const walked = walk.isInTransaction ? NO_LSN : (Math.max(walk.ended, stream.shown) as Lsn);
    // `progress` does not count records made but not yet handed over: these, too, forbid confirming a walked position.
    const isHandedOver = walk.emitted === this.#handedOver && this.#unheldAt === undefined;
    const isSettled = progress.isSettled && isHandedOver;
    stream.confirm(planConfirmation(progress.stored, isSettled, walked));
  }

  close(): void {
    this.#options.stopping.removeEventListener("abort", this.#onStopping);
    this.#options.stream.close();
  }

  readonly #onStopping = (): void => this.#options.stream.wake();

  async #drain(records: SourceRecord[]): Promise<void> {
    const { stream, walk, relations, events, signals, clock, maxBatchSize, catalog } = this.#options;
    events.now = eventTime(clock.nowMs() * 1000);
    while (records.length < maxBatchSize) {
      const message = stream.next();
      if (message === null) return;
      const decoded = this.#decoder.decode(message.bytes, message.start, message.end);
      if (decoded.kind === "relation") await relations.learn(decoded, catalog);
      else if (decoded.kind === "type") relations.learnType(decoded);
      else walk.take(decoded, message.lsn, records);
      const signal = walk.takeSignal();
      if (signal === undefined) continue;
      const offset = await signals.receive(signal);
      if (signal.row) records.push(signal.row(offset));
      else this.#unheldAt = records.length;
      return;
    }
  }

  async #beatIfDue(records: SourceRecord[]): Promise<void> {
    const { heartbeat, heartbeatAction, walk, stream } = this.#options;
    if (heartbeat.inMs !== 0) return;
    await heartbeatAction();
    records.push(heartbeat.beat(walk.offsetAt(Math.max(walk.ended, stream.shown) as Lsn)));
  }

  /** Creates one promise and no abort signal, because it may run once per transaction. */
  async #waitForMore(): Promise<void> {
    const { stream, heartbeat, clock, stopping } = this.#options;
    const { inMs } = heartbeat;
    const timer = inMs === undefined ? undefined : clock.schedule(inMs, () => stream.wake());
    await stream.readable();
    timer?.cancel();
    // In a steady flow the next messages arrive within milliseconds: one wait joins them into one read and one batch.
    const isFlowing = clock.monotonicMs() - this.#lastRecordsMs < FLOWING_MS;
    if (isFlowing && !stopping.aborted) await stream.gather(GATHER_MS);
    // One turn of the event loop, so data already in the socket is read first.
    await clock.turn();
  }
}
