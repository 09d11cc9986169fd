import type { SourceMap, SourceOffset } from "../api/index.js";
import type { CompactedLog, OpenLog } from "./compacted-log.js";
import type { StoreRecord } from "./log-transport.js";
import { type Era, nextEra, OffsetFold, type TaskOffset } from "./offset-fold.js";

/** A record that was to be written again has come back, or another one has replaced it. */
class OvertakenError extends Error {}

/** One topic of source offsets, in Kafka Connect's own format (KIP-875). */
export class OffsetTopic {
  readonly #fold = new OffsetFold();
  readonly #log: CompactedLog;
  #isRewriting = false;

  /** @param unhealed called when an altered offset could not be written again. */
  constructor(
    openLog: OpenLog,
    private readonly unhealed: (error: unknown) => void,
  ) {
    this.#log = openLog({
      apply: (record) => this.#fold.apply(record),
      applied: () => void this.#rewriteHidden(),
    });
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

  /** The era of the connector's tasks that know all that has been read. */
  taskEra(connector: string): Era {
    return this.#fold.taskEra(connector);
  }

  /**
   * Stores all entries, `offset` null as a tombstone; resolves after the topic's acknowledgement.
   *
   * @param permit called before every attempt. Throws once the task was cancelled: its successor may have stored newer
   *   offsets, and an older one written after them would make the next start read from before the confirmed offset.
   *   (I3)
   */
  async flush(connector: string, entries: readonly TaskOffset[], permit?: () => void): Promise<void> {
    if (entries.length > 0)
      await this.#log.send(
        entries.flatMap((entry) => this.#fold.records(connector, entry, entry.era)),
        permit,
      );
  }

  /**
   * Stores all entries on behalf of REST, while the connector has no tasks. Whatever its former tasks have sent to these
   * partitions and is still on the way has no effect when it arrives. (I4)
   *
   * @param permit as in `flush`. @param nowMs the present time.
   */
  async alter(connector: string, entries: readonly SourceOffset[], nowMs: number, permit?: () => void): Promise<void> {
    if (entries.length === 0) return;
    const era = await this.#nextEra(connector, nowMs);
    const records = entries.flatMap((entry) => this.#fold.records(connector, entry, era));
    if (this.#log.isShared && entries.some(({ offset }) => offset === null))
      records.push(this.#fold.alteredMark(connector, era));
    await this.#log.send(records, permit);
  }

  /** As `alter`: deletes all offsets of a connector, those included that are still on the way. */
  async reset(connector: string, nowMs: number, permit?: () => void): Promise<void> {
    const era = await this.#nextEra(connector, nowMs);
    const records = this.#fold.resetRecords(connector, era);
    // Nobody else writes a file, and Java should find nothing in it that it does not know.
    if (!this.#log.isShared) records.pop();
    if (records.length > 0) await this.#log.send(records, permit);
  }

  /** The records that store these offsets, for a task that writes them in its own transaction. */
  records(connector: string, entries: readonly SourceOffset[]): { topic: string; records: readonly StoreRecord[] } {
    const records = entries.flatMap((entry) => this.#fold.records(connector, entry));
    // Without their era: nothing of a transaction arrives after its task was fenced.
    return { topic: this.#log.topic, records: records.map(({ key, value }) => ({ key, value })) };
  }

  /** Ends the attempts in flight. Their permits are checked again before the next attempt. */
  dropWrites(): void {
    this.#log.dropSends();
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  /** With everything read that another leader, whose clock may be ahead, has altered: this must come after it. */
  async #nextEra(connector: string, nowMs: number): Promise<Era> {
    await this.#log.readToEnd();
    return nextEra(this.#fold.era(connector), nowMs);
  }

  /**
   * Compaction would keep only the earlier records that have arrived late, for workers that start after it. Every worker
   * writes the same again: the one that altered may be gone.
   */
  async #rewriteHidden(): Promise<void> {
    if (this.#isRewriting || this.#fold.hidden().length === 0) return;
    this.#isRewriting = true;
    try {
      for (;;) {
        // A worker that was frozen reads a late record long before all that followed it.
        await this.#log.readToEnd();
        const records = this.#fold.hidden();
        if (records.length === 0) return;
        const permit = () => {
          if (!records.every(({ key }) => this.#fold.isHidden(key))) throw new OvertakenError();
        };
        await this.#log.send(records, permit).catch((error: unknown) => {
          if (!(error instanceof OvertakenError)) throw error;
        });
      }
    } catch (error) {
      this.unhealed(error);
    } finally {
      this.#isRewriting = false;
    }
  }
}
