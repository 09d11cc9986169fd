import { deferred } from "../../src/base/deferred.js";
import type { LogTransport, StoredRecord, StoredRecords, StoreRecord } from "../../src/stores/log-transport.js";

/** A topic in memory that a test can hold back, and let fail. */
export class MemoryLog implements LogTransport {
  readonly #partitions: StoredRecord[][];
  readonly #read: number[];
  #news = deferred();
  /** Records that `poll` does not give yet, though they are written. */
  held = false;
  /** What the next `poll` or `send` fails with. */
  pollError: Error | undefined;
  sendError: Error | undefined;
  /** When set, sends wait for it. */
  sendGate: Promise<void> | undefined;

  constructor(partitions = 1) {
    this.#partitions = Array.from({ length: partitions }, () => []);
    this.#read = this.#partitions.map(() => 0);
  }

  /** Every record written, by partition. */
  get partitions(): readonly (readonly StoredRecord[])[] {
    return this.#partitions;
  }

  /** All records as text, in order of partition. */
  get texts(): (readonly [string, string | null])[] {
    return this.#partitions.flat().map(({ key, value }) => [String(key), value === null ? null : String(value)]);
  }

  async open(): Promise<readonly number[]> {
    this.#read.fill(0);
    return [...this.#read];
  }

  async endOffsets(): Promise<readonly number[]> {
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
      signal.addEventListener("abort", () => this.#news.resolve(), { once: true });
      await this.#news.promise;
    }
  }

  async send(records: readonly StoreRecord[]): Promise<void> {
    await this.sendGate;
    if (this.sendError) {
      const error = this.sendError;
      this.sendError = undefined;
      throw error;
    }
    for (const record of records) this.append(record);
  }

  /** Writes as another worker would. */
  append({ key, value }: StoreRecord): void {
    const partition = this.#partitions[key.length % this.#partitions.length]!;
    partition.push({ key, value, offset: partition.length });
    this.wake();
  }

  /** Makes a waiting `poll` look again. */
  wake(): void {
    this.#news.resolve();
  }

  async close(): Promise<void> {
    this.#news.resolve();
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
