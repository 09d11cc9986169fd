import { join } from "node:path";
import type { Disk } from "../../../base/files/disk.js";
import { writeFile } from "../../../base/files/durable-files.js";
import type { Logger } from "../../../base/logger.js";
import { decodeEpochs, type EpochEnd, type EpochStart, encodeEpochs, LeaderEpochs } from "./leader-epochs.js";

/**
 * The leader epochs of a log, and Kafka's `leader-epoch-checkpoint` in its folder, which holds them: it is on disk before
 * the first record of an epoch counts as that. Of records that did not count yet, recovery reads the epochs from these.
 */
export class LeaderEpochFile {
  readonly #path: string;
  #epochs = new LeaderEpochs();
  #isBehind = false;

  constructor(
    folder: string,
    private readonly disk: Disk,
  ) {
    this.#path = join(folder, "leader-epoch-checkpoint");
  }

  /** Whether the file lacks an epoch that `force` would write. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /**
   * Reads the file; without one, or if it is damaged, no epochs are known. Removes those that start at or after
   * `endOffset`, where the log was truncated, and adds those of the batches that recovery has checked.
   *
   * @param firstOffset where the log's files begin.
   * @throws the disk's error if the file cannot be read.
   */
  load(firstOffset: number, endOffset: number, checked: readonly EpochStart[], logger: Logger): void {
    const bytes = this.disk.readFile(this.#path);
    const known = bytes && decodeEpochs(bytes.toString());
    const next = new LeaderEpochs(known);
    let isChanged = next.truncate(endOffset);
    // Without the file, the first of them tells where its epoch begins only if nothing lies before it.
    if (known || checked[0]?.startOffset === firstOffset) {
      for (const { epoch, startOffset } of checked) if (next.note(epoch, startOffset)) isChanged = true;
    }
    this.#epochs = next;
    if (!isChanged) return;
    try {
      this.#write(next);
    } catch (cause) {
      const text = "The leader epochs of a recovered log could not be written; the next append writes them";
      logger.warn(text, { path: this.#path }, cause);
    }
  }

  /**
   * Notes that `epoch` appends at `offset`. Returns whether `force` must follow: not if that is known.
   * @throws the disk's error, as of a full one; the epoch is not noted then.
   */
  begin(epoch: number, offset: number): boolean {
    if (this.#epochs.latest === epoch) return false;
    const next = new LeaderEpochs(this.#epochs.starts);
    if (!next.note(epoch, offset)) return false;
    this.#write(next);
    this.#epochs = next;
    return true;
  }

  /**
   * Forces the file to disk in the background, if it is behind, and the folder's entries with it.
   * @param isOpen whether the log is still open; its folder may be another's then.
   * @returns whether the folder's entries were forced.
   */
  async force(folder: string, isOpen: () => boolean): Promise<boolean> {
    if (!this.#isBehind) return false;
    const { disk } = this;
    const fd = disk.open(`${this.#path}.tmp`, "read");
    try {
      await disk.syncLater(fd);
    } finally {
      disk.close(fd);
    }
    if (!isOpen()) return false;
    disk.rename(`${this.#path}.tmp`, this.#path);
    this.#isBehind = false;
    await disk.syncFolderLater(folder);
    return true;
  }

  /** The end offset of `epoch` (KIP-279). */
  endOf(epoch: number, currentEpoch: number, logEndOffset: number): EpochEnd {
    return this.#epochs.endOf(epoch, currentEpoch, logEndOffset);
  }

  /** Writes the next file beside the one that counts. */
  #write({ starts }: LeaderEpochs): void {
    writeFile(this.disk, `${this.#path}.tmp`, encodeEpochs(starts));
    this.#isBehind = true;
  }
}
