import type { Clock, Logger, Random } from "../../src/api/index.js";
import { deferred } from "../../src/base/deferred.js";
import { KafkaError } from "../../src/protocol/kafka-error.js";
import { CompactedLog, type OpenLog } from "../../src/stores/compacted-log.js";
import type { LogTransport, StoredRecord, StoredRecords, StoreRecord } from "../../src/stores/log-transport.js";

export interface LogEnvironment {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * The fate of one send. `refused`: not written, and another attempt may succeed. `answer-lost`: written, but the
 * caller gets a timeout. `late`: the caller gets a timeout, and the record is written when the test calls `land`.
 */
export type SendFate = "refused" | "answer-lost" | "late";

/** A topic in memory whose reads and writes a test can delay, and fail like those of a broker behind a network. */
export class MemoryLog implements LogTransport {
  readonly #partitions: StoredRecord[][];
  readonly #read: number[];
  #news = deferred();
  /** Written records that `poll` does not return yet. */
  held = false;
  /** The error of the next `poll` or `send`. */
  pollError: Error | undefined;
  sendError: Error | undefined;
  /** When set, sends wait for it and are then written, even if their callers have given up. */
  sendGate: Promise<void> | undefined;
  /** When set, `endOffsets` waits for it. */
  endsGate: Promise<void> | undefined;
  /** The fates of the next sends, one each; later ones succeed. */
  readonly fates: SendFate[] = [];
  /** All sends, whatever their fate. */
  sends = 0;
  /** The transport was closed. */
  closed = false;
  readonly #late: StoreRecord[] = [];
  #dropped = deferred();

  constructor(partitions = 1) {
    this.#partitions = Array.from({ length: partitions }, () => []);
    this.#read = this.#partitions.map(() => 0);
  }

  /** Every record written, by partition. */
  get partitions(): readonly (readonly StoredRecord[])[] {
    return this.#partitions;
  }

  /** All records as text, ordered by partition. */
  get texts(): (readonly [string, string | null])[] {
    return this.#partitions.flat().map(({ key, value }) => [String(key), value === null ? null : String(value)]);
  }

  async open(): Promise<readonly number[]> {
    this.#read.fill(0);
    return [...this.#read];
  }

  async endOffsets(): Promise<readonly number[]> {
    await this.endsGate;
    return this.#partitions.map((records) => records.length);
  }

  async poll(signal: AbortSignal): Promise<readonly StoredRecords[]> {
    for (;;) {
      if (this.pollError) {
        const error = this.pollError;
        this.pollError = undefined;
        throw error;
      }
      const fetched = this.held || signal.aborted ? [] : this.#unread();
      if (fetched.length > 0 || signal.aborted) return fetched;
      this.#news = deferred();
      const end = () => this.#news.resolve();
      signal.addEventListener("abort", end, { once: true });
      await this.#news.promise;
      signal.removeEventListener("abort", end);
    }
  }

  async send(records: readonly StoreRecord[]): Promise<void> {
    if (records.length === 0) return;
    this.sends++;
    if (this.sendGate && !(await this.#passesGate(this.sendGate))) {
      // Its sender has given up, but the request is still in flight.
      void this.sendGate.then(() => {
        for (const record of records) this.append(record);
      });
      throw new KafkaError("NETWORK_EXCEPTION", "Producing");
    }
    if (this.sendError) {
      const error = this.sendError;
      this.sendError = undefined;
      throw error;
    }
    const fate = this.fates.shift();
    if (fate === "late") this.#late.push(...records);
    else if (fate !== "refused") for (const record of records) this.append(record);
    if (fate === "refused") throw new KafkaError("NOT_LEADER_OR_FOLLOWER", "Producing");
    if (fate !== undefined) throw new KafkaError("REQUEST_TIMED_OUT", "Producing");
  }

  dropSends(): void {
    this.#dropped.resolve();
    this.#dropped = deferred();
  }

  /** Writes the records of `late` sends. */
  land(): void {
    for (const record of this.#late.splice(0)) this.append(record);
  }

  /** Writes as if from another worker. */
  append({ key, value, headers = [] }: StoreRecord): void {
    const partition = this.#partitions[key.length % this.#partitions.length]!;
    partition.push({ key, value, headers, offset: partition.length });
    this.wake();
  }

  /** Wakes a waiting `poll`. */
  wake(): void {
    this.#news.resolve();
  }

  async close(): Promise<void> {
    this.closed = true;
    this.#news.resolve();
  }

  #passesGate(gate: Promise<void>): Promise<boolean> {
    return Promise.race([gate.then(() => true), this.#dropped.promise.then(() => false)]);
  }

  #unread(): StoredRecords[] {
    return this.#partitions.flatMap((all, partition) => {
      const from = this.#read[partition]!;
      if (from === all.length) return [];
      this.#read[partition] = all.length;
      return [{ partition, records: all.slice(from), nextOffset: all.length }];
    });
  }
}

/** Opens logs over a topic in memory. */
export function openLogOver(transport: LogTransport, options: LogEnvironment, topic = "t"): OpenLog {
  return (fold) => new CompactedLog({ topic, transport, ...options, fold });
}
