import type { Disk } from "../../base/files/disk.js";
import type { LogAvailability } from "./log-availability.js";
import type { LogSegments } from "./log-segments.js";
import type { Segment } from "./segments/segment.js";

export interface LogRetentionOptions {
  readonly segments: LogSegments;
  readonly availability: LogAvailability;
  readonly disk: Disk;
  readonly folder: string;
  /** Throws when another process owns the folder. */
  readonly checkFolder: () => void;
  /** Makes a new segment the active one. */
  readonly roll: () => void;
  /** Raises the first readable offset. */
  readonly raiseStart: (offset: number) => void;
}

/** Deletes the oldest segments of a log while it is served: renamed at once, their files are removed in the background. */
export class LogRetention {
  readonly #options: LogRetentionOptions;
  /** Deleted segments whose files are still to be removed. */
  readonly #retired: Segment[] = [];

  constructor(options: LogRetentionOptions) {
    this.#options = options;
  }

  /**
   * Deletes as many segments as `plan` says, which is asked again before the active one goes. Resolves with their number.
   * @throws rejects with KafkaError KAFKA_STORAGE_ERROR. Segments deleted before the failure stay deleted.
   */
  apply(plan: () => number): Promise<number> {
    const { segments, availability, roll } = this.#options;
    return availability.guardLater("deleting old segments of", async () => {
      // The active one last: its successor needs space, which deleting the others may have to free first.
      const count = await this.#deleteOldest(Math.min(plan(), segments.list.length - 1));
      if (!availability.isAvailable || segments.list.length > 1 || plan() === 0) return count;
      roll();
      return count + (await this.#deleteOldest(1));
    });
  }

  /** Deletes that many complete segments; none if the producers behind them could not be told any more. */
  async #deleteOldest(count: number): Promise<number> {
    const { segments, availability, checkFolder, roll, raiseStart } = this.#options;
    let deleted = 0;
    try {
      if (count > 0 && !(await segments.forceProducersAt(count))) {
        // The log's end is described instead, and they go the next time, once what is active now is sealed.
        if (!availability.isAvailable) return 0;
        if (segments.active.size > 0) roll();
        else segments.writeProducers();
        return 0;
      }
      for (; deleted < count && availability.isAvailable; deleted++) {
        checkFolder();
        raiseStart(segments.list[1]!.baseOffset);
        this.#retired.push(segments.retireOldest());
      }
    } finally {
      await this.#removeRetired();
    }
    return deleted;
  }

  async #removeRetired(): Promise<void> {
    const { disk, folder, availability } = this.#options;
    if (this.#retired.length === 0 || availability.isClosed) return;
    await disk.syncFolderLater(folder);
    for (let segment = this.#retired[0]; segment && !availability.isClosed; segment = this.#retired[0]) {
      await segment.removeRetired();
      this.#retired.shift();
    }
  }
}
