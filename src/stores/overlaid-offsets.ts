import type { Logger, SourceMap, SourceOffset } from "../api/index.js";
import { sourceMapKey } from "../base/exact-json.js";
import type { OffsetTopic } from "./offset-topic.js";

/**
 * The offsets of a connector with a topic of its own (KIP-618): what that topic lacks is read from the worker's, so that
 * a connector may move to its own topic; what is written goes to the worker's as well, so that it may move back.
 */
export class OverlaidOffsets {
  readonly isOverlaid = true;
  /** The newest offsets that the worker's topic shall get, by source partition. */
  readonly #behind = new Map<string, SourceOffset>();
  #permit = () => {};
  #isFollowing = false;

  constructor(
    private readonly connector: string,
    private readonly own: OffsetTopic,
    private readonly worker: OffsetTopic,
    private readonly logger: Logger,
  ) {}

  async read(partitions: readonly SourceMap[]): Promise<SourceOffset[]> {
    const [own, worker] = await Promise.all([
      this.own.read(this.connector, partitions),
      this.worker.read(this.connector, partitions),
    ]);
    return own.map((entry, at) => (entry.offset === null ? worker[at]! : entry));
  }

  async list(): Promise<SourceOffset[]> {
    const [own, worker] = await Promise.all([this.own.list(this.connector), this.worker.list(this.connector)]);
    const known = new Set(own.map(({ partition }) => sourceMapKey(partition)));
    return [...own, ...worker.filter(({ partition }) => !known.has(sourceMapKey(partition)))];
  }

  /** Resolves once the connector's own topic has acknowledged. `permit` as in `OffsetTopic.flush`. */
  async flush(entries: readonly SourceOffset[], permit?: () => void): Promise<void> {
    await this.#reset(entries, permit);
    await this.own.flush(this.connector, entries, permit);
    this.committed(entries, permit);
  }

  /** As `OffsetTopic.records`. Resets are in the worker's topic when this resolves. */
  async records(entries: readonly SourceOffset[], permit?: () => void): Promise<ReturnType<OffsetTopic["records"]>> {
    await this.#reset(entries, permit);
    return this.own.records(this.connector, entries);
  }

  /** The connector's own topic has these offsets: the worker's gets them, too, as far as it can. */
  committed(entries: readonly SourceOffset[], permit: () => void = () => {}): void {
    for (const entry of entries) {
      if (entry.offset !== null) this.#behind.set(sourceMapKey(entry.partition), entry);
    }
    this.#permit = permit;
    if (!this.#isFollowing) void this.#follow();
  }

  /** First of all, and not only as far as it can: a reset offset would shine through where the own topic has none. */
  async #reset(entries: readonly SourceOffset[], permit?: () => void): Promise<void> {
    const resets = entries.filter(({ offset }) => offset === null);
    for (const { partition } of resets) this.#behind.delete(sourceMapKey(partition));
    await this.worker.flush(this.connector, resets, permit);
  }

  async #follow(): Promise<void> {
    this.#isFollowing = true;
    try {
      while (this.#behind.size > 0) {
        const entries = [...this.#behind.values()];
        this.#behind.clear();
        await this.worker.flush(this.connector, entries, () => this.#permit());
      }
    } catch (error) {
      const fields = { connector: this.connector, topic: this.worker.topic };
      this.logger.warn("Offsets are in the connector's own topic, but not in the worker's as well", fields, error);
    } finally {
      this.#isFollowing = false;
    }
  }
}
