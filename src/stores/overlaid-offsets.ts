import type { Logger, SourceMap, SourceOffset } from "../api/index.js";
import { sourceMapKey } from "../base/exact-json.js";
import type { Era, TaskOffset } from "./offset-fold.js";
import type { OffsetTopic } from "./offset-topic.js";

/** The eras in which a task stores offsets, by topic; `own` is undefined for a connector without one. */
export interface TaskEras {
  readonly worker: Era;
  readonly own?: Era;
}

/** An offset for the worker's topic. */
interface Followed {
  readonly entry: TaskOffset;
  /** As in `OffsetTopic.flush`: of the task that committed it. Others of the connector may outlive that task. */
  readonly permit: () => void;
}

/** The batch in progress holds offsets that must not be written any more. */
class OvertakenError extends Error {}

/**
 * The offsets of a connector with a topic of its own (KIP-618): what that topic lacks is read from the worker's, so that
 * a connector may move to its own topic; what is written goes to the worker's as well, so that it may move back.
 */
export class OverlaidOffsets {
  readonly isOverlaid = true;
  /** The newest offsets that the worker's topic does not have yet, by source partition. */
  readonly #behind = new Map<string, Followed>();
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

  eras(): TaskEras {
    return { worker: this.worker.taskEra(this.connector), own: this.own.taskEra(this.connector) };
  }

  /** Resolves once the connector's own topic has acknowledged. `permit` as in `OffsetTopic.flush`. */
  async flush(entries: readonly SourceOffset[], permit?: () => void, eras?: TaskEras): Promise<void> {
    await this.#reset(inEra(entries, eras?.worker), permit);
    await this.own.flush(this.connector, inEra(entries, eras?.own), permit);
    this.committed(entries, permit, eras);
  }

  /** As `OffsetTopic.alter`. */
  async alter(entries: readonly SourceOffset[], nowMs: number, permit?: () => void): Promise<void> {
    for (const { partition } of entries) this.#behind.delete(sourceMapKey(partition));
    await this.worker.alter(this.connector, entries, nowMs, permit);
    await this.own.alter(this.connector, entries, nowMs, permit);
  }

  /** As `OffsetTopic.reset`. */
  async reset(nowMs: number, permit?: () => void): Promise<void> {
    this.#behind.clear();
    await this.worker.reset(this.connector, nowMs, permit);
    await this.own.reset(this.connector, nowMs, permit);
  }

  /** As `OffsetTopic.records`. Resets are in the worker's topic when this resolves. */
  async records(
    entries: readonly SourceOffset[],
    permit?: () => void,
    eras?: TaskEras,
  ): Promise<ReturnType<OffsetTopic["records"]>> {
    await this.#reset(inEra(entries, eras?.worker), permit);
    return this.own.records(this.connector, entries);
  }

  /** The connector's own topic has these offsets: they are written to the worker's, too, but a failure only delays that. */
  committed(entries: readonly SourceOffset[], permit: () => void = () => {}, eras?: TaskEras): void {
    for (const entry of inEra(entries, eras?.worker)) {
      if (entry.offset !== null) this.#behind.set(sourceMapKey(entry.partition), { entry, permit });
    }
    if (!this.#isFollowing) void this.#follow();
  }

  /** First, and required: an offset left in the worker's topic would be read where the own topic has none. */
  async #reset(entries: readonly TaskOffset[], permit?: () => void): Promise<void> {
    const resets = entries.filter(({ offset }) => offset === null);
    for (const { partition } of resets) this.#behind.delete(sourceMapKey(partition));
    await this.worker.flush(this.connector, resets, permit);
  }

  /** Offsets that could not be written to the worker's topic wait for the next commit. */
  async #follow(): Promise<void> {
    this.#isFollowing = true;
    try {
      while (this.#behind.size > 0) await this.#followOnce([...this.#behind]);
    } catch (error) {
      const fields = { connector: this.connector, topic: this.worker.topic };
      this.logger.warn("Offsets are in the connector's own topic, but not in the worker's as well", fields, error);
    } finally {
      this.#isFollowing = false;
    }
  }

  async #followOnce(batch: readonly (readonly [partition: string, Followed])[]): Promise<void> {
    try {
      await this.worker.flush(
        this.connector,
        batch.map(([, { entry }]) => entry),
        () => this.#requireCurrent(batch),
      );
    } catch (error) {
      if (error instanceof OvertakenError) return;
      throw error;
    }
    for (const [partition, followed] of batch) {
      if (this.#behind.get(partition) === followed) this.#behind.delete(partition);
    }
  }

  /**
   * Before every attempt: a reset or a newer offset may have overtaken the batch since the last one, and the task of
   * some may be over. The rest makes another batch.
   */
  #requireCurrent(batch: readonly (readonly [partition: string, Followed])[]): void {
    let isOvertaken = false;
    for (const [partition, followed] of batch) {
      if (this.#behind.get(partition) !== followed) isOvertaken = true;
      else if (!isPermitted(followed)) {
        this.#behind.delete(partition);
        isOvertaken = true;
      }
    }
    if (isOvertaken) throw new OvertakenError("Newer offsets have overtaken these");
  }
}

/** These offsets, of a task that knows `era`. */
export function inEra(entries: readonly SourceOffset[], era: Era | undefined): readonly TaskOffset[] {
  return entries.map((entry) => ({ ...entry, era }));
}

function isPermitted({ permit }: Followed): boolean {
  try {
    permit();
    return true;
  } catch {
    return false;
  }
}
