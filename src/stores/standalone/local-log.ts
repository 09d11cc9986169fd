import { deferred } from "../../base/deferred.js";
import type { LogTransport, StoredRecord, StoredRecords, StoreRecord } from "../log-transport.js";

/** Where a local log keeps its records. */
export interface LocalRecords {
  load(): readonly StoreRecord[];
  /** Stores all of them, or throws. */
  store(records: readonly StoreRecord[]): void;
}

/** In memory alone: a standalone worker's configs and statuses end with it. */
export const IN_MEMORY: LocalRecords = { load: () => [], store() {} };

/**
 * A store's log within one process, of one partition, for a standalone worker. A record is kept until the log's only
 * reader has it.
 */
export class LocalLog implements LogTransport {
  #unread: StoredRecord[] = [];
  #end = 0;
  #news = deferred();

  constructor(private readonly records: LocalRecords) {}

  async open(): Promise<readonly number[]> {
    this.#append(this.records.load());
    return [0];
  }

  async endOffsets(): Promise<readonly number[]> {
    return [this.#end];
  }

  async poll(signal: AbortSignal): Promise<readonly StoredRecords[]> {
    const wake = () => this.#news.resolve();
    signal.addEventListener("abort", wake, { once: true });
    try {
      while (this.#unread.length === 0) {
        if (signal.aborted) return [];
        this.#news = deferred();
        await this.#news.promise;
      }
    } finally {
      signal.removeEventListener("abort", wake);
    }
    const records = this.#unread;
    this.#unread = [];
    return [{ partition: 0, records, nextOffset: this.#end }];
  }

  async send(records: readonly StoreRecord[]): Promise<void> {
    this.records.store(records);
    this.#append(records);
  }

  /** No attempt is ever in flight: `send` is one step. */
  dropSends(): void {}

  async close(): Promise<void> {}

  #append(records: readonly StoreRecord[]): void {
    for (const { key, value } of records) this.#unread.push({ key, value, offset: this.#end++ });
    if (records.length > 0) this.#news.resolve();
  }
}
