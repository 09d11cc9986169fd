import { type Clock, type Logger, type Random, RetriableError } from "../api/index.js";
import { Backoff } from "../base/backoff.js";
import { type Deferred, deferred } from "../base/deferred.js";
import type { LogTransport, StoredRecords, StoreRecord } from "./log-transport.js";

export interface CompactedLogOptions {
  readonly topic: string;
  readonly transport: LogTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The fold. Called for every run of records, in the order of each partition, by one reader; never throws for what a record holds. */
  apply(records: StoredRecords): void;
}

/** A write that has not been acknowledged after this long fails its caller (it may still land: the log tells). */
const WRITE_TIMEOUT_MS = 30_000;

interface Waiter {
  readonly ends: readonly number[];
  readonly reached: Deferred<void>;
}

/**
 * A compacted topic as the log of a state (Kafka Connect's KafkaBasedLog): read from the beginning, then for ever. Own
 * writes come back through the log like anybody's, so the fold sees one order of events whoever wrote them. (I6)
 */
export class CompactedLog {
  readonly #options: CompactedLogOptions;
  readonly #closing = new AbortController();
  readonly #waiters = new Set<Waiter>();
  #positions: number[] = [];
  #reader: Promise<void> | undefined;

  constructor(options: CompactedLogOptions) {
    this.#options = options;
  }

  /** Opens the topic, and resolves once all that it held is folded. */
  async start(): Promise<void> {
    this.#positions = [...(await this.#options.transport.open())];
    this.#reader = this.#read();
    await this.readToEnd();
  }

  /**
   * Resolves once everything is folded that was written before this call, by anyone.
   *
   * @throws RetriableError STORE_UNREADABLE when the topic cannot be read, or the log is closed.
   */
  async readToEnd(): Promise<void> {
    const ends = await this.#options.transport.endOffsets();
    if (this.#reached(ends)) return;
    if (this.#closing.signal.aborted) throw this.#unreadable("it is closed");
    const waiter = { ends, reached: deferred() };
    this.#waiters.add(waiter);
    await waiter.reached.promise;
  }

  /**
   * Writes records in order; resolves once they are acknowledged, which is before the fold has them.
   *
   * @throws RetriableError STORE_UNWRITABLE after 30 s without an acknowledgement, or with the broker's refusal as cause.
   */
  async send(records: readonly StoreRecord[]): Promise<void> {
    const { clock, topic, transport } = this.#options;
    const outcome = deferred();
    const timer = clock.schedule(WRITE_TIMEOUT_MS, () => {
      outcome.reject(
        new RetriableError(
          "STORE_UNWRITABLE",
          `Error writing to Kafka: topic ${topic} did not acknowledge within ${WRITE_TIMEOUT_MS / 1000} s; check that the brokers of bootstrap.servers answer`,
        ),
      );
    });
    transport.send(records).then(outcome.resolve, (cause: unknown) => {
      outcome.reject(
        new RetriableError("STORE_UNWRITABLE", `Error writing to Kafka: topic ${topic}: ${messageOf(cause)}`, {
          cause,
        }),
      );
    });
    try {
      await outcome.promise;
    } finally {
      timer.cancel();
    }
  }

  /** Stops reading and writing. Readers that wait are told. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#failWaiters(this.#unreadable("it is closed"));
    await this.#options.transport.close();
    await this.#reader;
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
        // Whoever waits must hear of it; the state stays what it was, and reading goes on where it stopped.
        logger.error("Reading an internal topic failed; it is tried again", { topic }, cause);
        this.#failWaiters(this.#unreadable(messageOf(cause), cause));
        await clock.delay(backoff.nextMs(), signal);
        continue;
      }
      backoff.reset();
      for (const records of fetched) {
        this.#options.apply(records);
        this.#positions[records.partition] = records.nextOffset;
      }
      for (const waiter of this.#waiters) {
        if (!this.#reached(waiter.ends)) continue;
        this.#waiters.delete(waiter);
        waiter.reached.resolve();
      }
    }
  }

  #reached(ends: readonly number[]): boolean {
    return ends.every((end, partition) => (this.#positions[partition] ?? 0) >= end);
  }

  #failWaiters(error: Error): void {
    for (const waiter of this.#waiters) waiter.reached.reject(error);
    this.#waiters.clear();
  }

  #unreadable(why: string, cause?: unknown): RetriableError {
    return new RetriableError("STORE_UNREADABLE", `Topic ${this.#options.topic} cannot be read: ${why}`, { cause });
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
