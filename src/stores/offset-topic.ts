import type { SourceMap, SourceOffset } from "../api/index.js";
import type { CompactedLog, OpenLog } from "./compacted-log.js";
import type { StoreRecord } from "./log-transport.js";
import { OffsetFold } from "./offset-fold.js";

/** One topic of source offsets, in Kafka Connect's own format (KIP-875). */
export class OffsetTopic {
  readonly #fold = new OffsetFold();
  readonly #log: CompactedLog;

  constructor(openLog: OpenLog) {
    this.#log = openLog(this.#fold);
  }

  get topic(): string {
    return this.#log.topic;
  }

  start(): Promise<void> {
    return this.#log.start();
  }

  /** The stored offsets of these partitions, in the same order, with everything written before the call. */
  async read(connector: string, partitions: readonly SourceMap[]): Promise<SourceOffset[]> {
    await this.#log.readToEnd();
    return partitions.map((partition) => ({ partition, offset: this.#fold.offset(connector, partition) }));
  }

  /** Every stored partition of a connector, with everything written before the call. */
  async list(connector: string): Promise<SourceOffset[]> {
    await this.#log.readToEnd();
    return this.#fold.offsets(connector);
  }

  /**
   * Stores all entries, `offset` null as a tombstone; resolves after the topic's acknowledgement.
   *
   * @param permit called before every attempt. Throws once the task was cancelled: its successor may have stored newer
   *   offsets, and an older one written after them would make the next start read from before the confirmed offset.
   *   (I3)
   */
  async flush(connector: string, entries: readonly SourceOffset[], permit?: () => void): Promise<void> {
    if (entries.length > 0)
      await this.#log.send(
        entries.flatMap((entry) => this.#fold.records(connector, entry)),
        permit,
      );
  }

  /** The records that store these offsets, for a task that writes them in its own transaction. */
  records(connector: string, entries: readonly SourceOffset[]): { topic: string; records: readonly StoreRecord[] } {
    return { topic: this.#log.topic, records: entries.flatMap((entry) => this.#fold.records(connector, entry)) };
  }

  /** Ends the attempts in flight. Their permits are checked again before the next attempt. */
  dropWrites(): void {
    this.#log.dropSends();
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}
