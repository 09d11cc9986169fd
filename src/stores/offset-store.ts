import type { SourceMap, SourceOffset } from "../api/index.js";
import type { CompactedLog, OpenLog } from "./compacted-log.js";
import { OffsetFold } from "./offset-fold.js";

/** Source offsets of all connectors: the offsets topic, in Kafka Connect's own format (KIP-875). */
export class OffsetStore {
  readonly #fold = new OffsetFold();
  readonly #log: CompactedLog;

  constructor(openLog: OpenLog) {
    this.#log = openLog(this.#fold);
  }

  start(): Promise<void> {
    return this.#log.start();
  }

  /** The stored offsets of these partitions in the same order, everything written before the call included. */
  async read(connector: string, partitions: readonly SourceMap[]): Promise<SourceOffset[]> {
    await this.#log.readToEnd();
    return partitions.map((partition) => ({ partition, offset: this.#fold.offset(connector, partition) }));
  }

  /** Every stored partition of a connector, everything written before the call included. */
  async list(connector: string): Promise<SourceOffset[]> {
    await this.#log.readToEnd();
    return this.#fold.offsets(connector);
  }

  /** Stores all entries, `offset` null as a tombstone; resolves after the topic's acknowledgement. */
  async flush(connector: string, entries: readonly SourceOffset[]): Promise<void> {
    if (entries.length > 0) await this.#log.send(entries.map((entry) => this.#fold.record(connector, entry)));
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}
