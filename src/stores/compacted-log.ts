import { setMaxListeners } from "node:events";
import { type Clock, type Logger, type Random, RetriableError } from "../api/index.js";
import { Backoff } from "../base/backoff.js";
import { mustRun } from "../base/command-loop.js";
import { type Deferred, deferred } from "../base/deferred.js";
import type { LogTransport, StoredRecord, StoredRecords, StoreRecord } from "./log-transport.js";

/** The state behind a compacted topic. Its reader calls it with every record, in each partition's order. (I6) */
export interface LogFold {
  /**
   * Folds one record. Returns why the record is ignored, if it is; an error means the same. In both cases the log warns
   * and reads on, so any changes that the fold has made must be valid without the record.
   */
  apply(record: StoredRecord): string | undefined;
  /** Called after each run of folded records, for listeners. Must not throw. */
  applied?(): void;
}

export interface CompactedLogOptions {
  readonly topic: string;
  /** The file that holds the records, for errors; undefined: the topic does. */
  readonly file?: string;
  readonly transport: LogTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly fold: LogFold;
}

/** Opens the log over a store's topic, with the store's fold. */
export type OpenLog = (fold: LogFold) => CompactedLog;

/** Time for a write, all attempts together. The attempt in flight at the end may still land: then the log shows it. */
const WRITE_TIMEOUT_MS = 30_000;
/** The default timeout of `readToEnd`. */
const READ_TIMEOUT_MS = 30_000;

/** An abort without a reason makes an error, with its stack. */
const READ_OVER = "over";

/** Surely fits into one batch: below the defaults of max.request.size and of a topic's max.message.bytes. */
const BATCH_BYTES = 512 * 1024;

interface OneSend {
  readonly timeoutMs?: number;
  readonly check?: () => void;
  readonly via?: (records: readonly StoreRecord[]) => Promise<void>;
}

interface Waiter {
  readonly ends: readonly number[];
  readonly reached: Deferred<void>;
}

/**
 * A compacted topic as the log of a state (Kafka Connect's KafkaBasedLog): read from the beginning, without end. Own
 * writes return through the log like everyone else's, so that the fold sees one order of events for all writers. (I6)
 */
export class CompactedLog {
  readonly #options: CompactedLogOptions;
  readonly #closing = new AbortController();
  readonly #waiters = new Set<Waiter>();
  /** Attempts whose callers have given up and whose outcome is still unknown. */
  readonly #abandoned = new Set<Promise<void>>();
  #positions: number[] = [];
  #reader: Promise<void> | undefined;

  constructor(options: CompactedLogOptions) {
    this.#options = options;
    setMaxListeners(0, this.#closing.signal); // every write that waits for its next attempt listens
  }

  get topic(): string {
    return this.#options.topic;
  }

  /** Whether other processes write it as well. */
  get isShared(): boolean {
    return this.#options.file === undefined;
  }

  /**
   * Opens the topic. Resolves once its present content is folded, however long that takes. Open transactions are not
   * part of it: those of tasks that died with this worker end when their successors fence them, or by a long timeout.
   */
  async start(): Promise<void> {
    this.#positions = [...(await this.#options.transport.open())];
    if (this.#closing.signal.aborted) throw this.#unreadable("it is closed");
    this.#reader = this.#read();
    mustRun(`The reader of topic ${this.#options.topic}`, this.#reader);
    await this.#reachEnd(undefined, true);
  }

  /**
   * Resolves once every record written before this call, by any writer, is folded.
   *
   * @throws RetriableError STORE_UNREADABLE when the topic cannot be read within `timeoutMs`, or the log is closed.
   */
  async readToEnd(timeoutMs = READ_TIMEOUT_MS): Promise<void> {
    const over = deferred();
    const timer = this.#options.clock.schedule(timeoutMs, () =>
      over.reject(this.#unreadable(`its end was not reached within ${timeoutMs} ms`)),
    );
    const ended = new AbortController();
    try {
      await Promise.race([this.#reachEnd(ended.signal), over.promise]);
    } finally {
      timer.cancel();
      ended.abort(READ_OVER);
    }
  }

  /**
   * Writes records in order. Resolves once they are acknowledged, which is before the fold has them. A failed attempt
   * may still have been written: the next one writes all records again, in the same order. The last record is never
   * written without those before it, because it may put them in force.
   *
   * @param permit called before every attempt with the number of attempts made. Its error ends the write and goes to
   *   the caller.
   * @param via writes them in one transaction; undefined: the log's own transport, in as many steps as they need.
   * @throws RetriableError STORE_UNWRITABLE after 30 s without an acknowledgement, or with the broker's refusal as
   *   cause; STORE_UNREADABLE as `sendOnce`.
   */
  async send(
    records: readonly StoreRecord[],
    permit: (attempts: number) => void = () => {},
    via?: (records: readonly StoreRecord[]) => Promise<void>,
  ): Promise<void> {
    const { clock, random } = this.#options;
    const deadlineMs = clock.monotonicMs() + WRITE_TIMEOUT_MS;
    const backoff = new Backoff({ initialMs: 100, maxMs: 2_000 }, random);
    for (;;) {
      let attempts = backoff.attempts;
      try {
        for (const part of via ? [records] : partsOf(records)) {
          const permitted = () => {
            permit(attempts++);
            return part;
          };
          await this.sendOnce(permitted, {
            timeoutMs: deadlineMs - clock.monotonicMs(),
            check: () => permit(attempts),
            ...(via && { via }),
          });
        }
        return;
      } catch (error) {
        const waitMs = backoff.nextMs();
        const { signal } = this.#closing;
        const isOver = signal.aborted || clock.monotonicMs() + waitMs >= deadlineMs;
        if (isOver || !(error instanceof Error) || !isRetriable(error.cause)) throw error;
        await clock.delay(waitMs, signal);
      }
    }
  }

  /**
   * Writes records in a single attempt, for callers that decide before each attempt.
   *
   * @param decide called when the attempt starts, which may be later than this call: behind attempts that their callers
   *   have given up, once their outcome is folded. Returns the records to write; its error goes to the caller.
   * @param check called before that outcome is read, which may take long. Its error ends the write.
   * @throws RetriableError STORE_UNWRITABLE, with the broker's refusal as cause, or without a cause after `timeoutMs`;
   *   STORE_UNREADABLE when the outcome of an earlier attempt cannot be read.
   */
  async sendOnce(
    decide: () => readonly StoreRecord[],
    {
      timeoutMs = WRITE_TIMEOUT_MS,
      check = () => {},
      via = (records) => this.#options.transport.send(records),
    }: OneSend = {},
  ): Promise<void> {
    const { clock } = this.#options;
    const over = deferred<never>();
    const ended = new AbortController();
    let attempt: Promise<void> | undefined;
    const timer = clock.schedule(timeoutMs, () => {
      if (attempt) this.#abandon(attempt);
      const seconds = WRITE_TIMEOUT_MS / 1000;
      over.reject(
        this.#unwritable(`did not acknowledge within ${seconds} s; check that the brokers of bootstrap.servers answer`),
      );
    });
    try {
      // Behind an abandoned attempt records would only pile up in the producer. It may land at last: `decide` must know.
      while (this.#abandoned.size > 0) {
        await Promise.race([Promise.all(this.#abandoned), over.promise]);
        check();
        await Promise.race([this.#reachEnd(ended.signal), over.promise]);
      }
      attempt = via(decide()).catch((cause: unknown) => {
        throw this.#unwritable(messageOf(cause), cause);
      });
      await Promise.race([attempt, over.promise]);
    } finally {
      timer.cancel();
      ended.abort(READ_OVER);
    }
  }

  /** Ends the attempts in flight, for a writer that is dead. Other writers of the log retry. */
  dropSends(): void {
    this.#options.transport.dropSends();
  }

  /** Stops reading and writing. Pending waits for the end are rejected. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#failWaiters(this.#unreadable("it is closed"));
    await this.#options.transport.close();
    await this.#reader;
  }

  /** @param signal ends the wait when the caller has given up. */
  async #reachEnd(signal?: AbortSignal, isStable = false): Promise<void> {
    const ends = await this.#options.transport.endOffsets(isStable);
    if (this.#reached(ends) || signal?.aborted) return;
    if (this.#closing.signal.aborted) throw this.#unreadable("it is closed");
    const waiter = { ends, reached: deferred() };
    this.#waiters.add(waiter);
    signal?.addEventListener("abort", () => this.#waiters.delete(waiter), { once: true });
    await waiter.reached.promise;
  }

  async #read(): Promise<void> {
    const { transport, clock, logger, topic } = this.#options;
    const backoff = new Backoff({ initialMs: 100, maxMs: 10_000 }, this.#options.random);
    const { signal } = this.#closing;
    while (!signal.aborted) {
      let fetched: readonly StoredRecords[];
      try {
        fetched = await transport.poll(signal);
      } catch (cause) {
        if (signal.aborted) return;
        // Waiting callers must learn of the failure. The state stays, and reading resumes at the same position.
        logger.error("Reading an internal topic failed; it is tried again", { topic }, cause);
        this.#failWaiters(this.#unreadable(messageOf(cause), cause));
        await clock.delay(backoff.nextMs(), signal);
        continue;
      }
      backoff.reset();
      for (const records of fetched) this.#fold(records);
      for (const waiter of this.#waiters) {
        if (!this.#reached(waiter.ends)) continue;
        this.#waiters.delete(waiter);
        waiter.reached.resolve();
      }
    }
  }

  /** One record that cannot be folded must not hide those after it. */
  #fold({ partition, records, nextOffset }: StoredRecords): void {
    const { fold, logger, topic } = this.#options;
    for (const record of records) {
      let why: string | undefined;
      let cause: unknown;
      try {
        why = fold.apply(record);
      } catch (error) {
        why = messageOf(error);
        cause = error;
      }
      if (why === undefined) continue;
      const place = { topic, partition, offset: record.offset, key: record.key?.toString() };
      logger.warn("A record of an internal topic is ignored", { ...place, why }, cause);
    }
    this.#positions[partition] = nextOffset;
    fold.applied?.();
  }

  #reached(ends: readonly number[]): boolean {
    return ends.every((end, partition) => (this.#positions[partition] ?? 0) >= end);
  }

  /** Keeps an attempt in sight until it ends. Its caller already has an error, so a later one is dropped. */
  #abandon(attempt: Promise<void>): void {
    const ended: Promise<void> = attempt.catch(() => {}).then(() => void this.#abandoned.delete(ended));
    this.#abandoned.add(ended);
  }

  #failWaiters(error: Error): void {
    for (const waiter of this.#waiters) waiter.reached.reject(error);
    this.#waiters.clear();
  }

  #unwritable(why: string, cause?: unknown): RetriableError {
    const { topic, file } = this.#options;
    const place = file === undefined ? `Kafka: topic ${topic}` : `file ${file}`;
    const text = cause === undefined ? `${place} ${why}` : `${place}: ${why}`;
    return new RetriableError("STORE_UNWRITABLE", `Error writing to ${text}`, { cause });
  }

  #unreadable(why: string, cause?: unknown): RetriableError {
    const { topic, file } = this.#options;
    const place = file === undefined ? `Topic ${topic}` : `File ${file}`;
    return new RetriableError("STORE_UNREADABLE", `${place} cannot be read: ${why}`, { cause });
  }
}

/**
 * Records that fit into one batch are written whole or not at all, with no other writer's records in between. Larger
 * runs become several batches, and the producer sends the second even if the first has failed: so the last record waits
 * until the others are acknowledged.
 */
function partsOf(records: readonly StoreRecord[]): readonly (readonly StoreRecord[])[] {
  const bytes = records.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0);
  return bytes < BATCH_BYTES || records.length < 2 ? [records] : [records.slice(0, -1), records.slice(-1)];
}

function isRetriable(cause: unknown): boolean {
  return cause instanceof Error && "retriable" in cause && cause.retriable === true;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
