import type { Disk } from "../../../base/files/disk.js";
import { writeAt } from "../../../base/files/durable-files.js";
import { MalformedError } from "../../../protocol/malformed-error.js";
import { readBatchHeader } from "../../../protocol/records/record-batch.js";
import { SealedIndex } from "./sealed-index.js";
import { SegmentExtent } from "./segment-extent.js";
import { type LastTime, SegmentIndex } from "./segment-index.js";
import { segmentPath } from "./segment-path.js";
import type { AbortedTransaction } from "./transaction-index.js";

/** A compacted segment whose files are on disk: `<base offset>.log.cleaned`, and its index files as `.swap`. */
export interface CleanedSegment {
  readonly baseOffset: number;
  readonly sizeBytes: number;
  /** Undefined when none of its records has a timestamp. */
  readonly lastTime: LastTime | undefined;
  readonly aborted: readonly AbortedTransaction[];
}

/** Path of a compacted segment that does not count yet. */
export function cleanedPath(folder: string, baseOffset: number): string {
  return segmentPath(folder, baseOffset, "log.cleaned");
}

/** Removes the files of a compacted segment that never counted, as far as they are there. */
export function removeCleaned(disk: Disk, folder: string, baseOffset: number): void {
  disk.remove(cleanedPath(folder, baseOffset));
  new SealedIndex(disk, folder, baseOffset, ".swap").remove();
  new SealedIndex(disk, folder, baseOffset, ".swap.tmp").remove();
}

/**
 * Writes a compacted segment. Its index files are on disk before it can count: a segment in place never lacks these, or
 * recovery would take the offsets that it no longer holds for lost ones.
 */
export class CleanedSegmentWriter {
  readonly #fd: number;
  readonly #extent: SegmentExtent;
  readonly #index = new SegmentIndex();
  #sizeBytes = 0;

  /** The caller closes it. What an earlier cleaning has left under its names is removed: it is another's. */
  constructor(
    private readonly disk: Disk,
    private readonly folder: string,
    private readonly baseOffset: number,
    private readonly indexIntervalBytes: number,
  ) {
    removeCleaned(disk, folder, baseOffset);
    this.#extent = new SegmentExtent(baseOffset);
    this.#fd = disk.open(cleanedPath(folder, baseOffset), "replace");
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  append(batches: readonly Buffer[]): void {
    writeAt(this.disk, this.#fd, Buffer.concat(batches), this.#sizeBytes);
    for (const batch of batches) {
      this.#extent.admit(readBatchHeader(batch), this.#sizeBytes, this.#index, this.indexIntervalBytes);
      this.#sizeBytes += batch.length;
    }
  }

  /**
   * Forces everything to disk, but not the files' names, and reads the index files back: the log will trust them.
   *
   * @param aborted undefined: the segments that it was made from had none. An empty list gets a file: their own must not
   * outlive their markers.
   * @param modifiedMs the time of their last write.
   * @throws MalformedError when the index files are not what was written; the disk's error.
   */
  finish(aborted: readonly AbortedTransaction[] | undefined, modifiedMs: number): CleanedSegment {
    const { disk, folder, baseOffset } = this;
    disk.sync(this.#fd);
    const files = new SealedIndex(disk, folder, baseOffset, ".swap");
    if (aborted) files.writeAborted(aborted);
    this.#extent.indexTime(this.#index);
    files.write(this.#index, undefined);
    disk.setModifiedMs(cleanedPath(folder, baseOffset), modifiedMs);
    if (!this.#isIn(files))
      throw new MalformedError(`The index files of segment ${baseOffset} are not what was written`);
    return { baseOffset, sizeBytes: this.#sizeBytes, lastTime: this.#index.lastTime, aborted: aborted ?? [] };
  }

  close(): void {
    this.disk.close(this.#fd);
  }

  #isIn(files: SealedIndex): boolean {
    const written = files.read(this.#sizeBytes);
    const { offsetBytes, timeBytes } = this.#index;
    return written?.offsetBytes.equals(offsetBytes) === true && written.timeBytes.equals(timeBytes);
  }
}
