import type { BatchHeader } from "../../../protocol/records/record-batch.js";
import { walkHeaders } from "./batch-walk.js";
import type { SealedFiles } from "./sealed-files.js";
import { SealedIndex } from "./sealed-index.js";
import { SegmentExtent } from "./segment-extent.js";
import { SegmentFile } from "./segment-file.js";
import { SegmentIndex } from "./segment-index.js";
import { segmentPath } from "./segment-path.js";
import type { AbortedTransaction } from "./transaction-index.js";

/**
 * A compacted segment that is to replace those it was made from: `<base offset>.log.swap` and its index files. A segment
 * that is in place never lacks these: recovery would take the offsets that it no longer holds for lost ones.
 */
export class SegmentSwap {
  readonly path: string;
  readonly #files: SealedIndex;
  readonly #extent: SegmentExtent;
  readonly #index = new SegmentIndex();

  constructor(
    private readonly folder: string,
    private readonly baseOffset: number,
    private readonly files: SealedFiles,
    private readonly indexIntervalBytes: number,
  ) {
    this.path = segmentPath(folder, baseOffset, "log.swap");
    this.#files = new SealedIndex(files.disk, folder, baseOffset, ".swap");
    this.#extent = new SegmentExtent(baseOffset);
  }

  /**
   * Writes `.txnindex.swap`, before there is a `.log.swap`, for segments with aborted transactions. Also without any left:
   * the old index must not outlive its markers.
   */
  writeAborted(aborted: readonly AbortedTransaction[]): void {
    this.#files.writeAborted(aborted);
  }

  /** Adds the batch at `position` of the file to the index: when it is written, so that it is not read again. */
  admit(header: BatchHeader, position: number): void {
    this.#extent.admit(header, position, this.#index, this.indexIntervalBytes);
  }

  /** Admits all batches of a `.log.swap` that an earlier process has written. */
  admitAll(): void {
    const file = SegmentFile.open(this.path, this.files, "read");
    try {
      walkHeaders(file.read, 0, file.length, (header, position) => {
        this.admit(header, position);
        return false;
      });
    } finally {
      file.close();
    }
  }

  /** Writes `.index.swap` and `.timeindex.swap` of a `.log.swap` that is on disk, and whose batches are admitted. */
  writeIndex(): void {
    this.#extent.indexTime(this.#index);
    this.#files.write(this.#index, undefined);
  }

  /**
   * Replaces the segments that it was made from. These are deleted oldest first: as long as a record exists, so does the
   * tombstone behind it, however often this is interrupted and repeated.
   *
   * @param replaced base offsets, rising, of those that are still there.
   */
  takePlace(replaced: readonly number[]): void {
    const { folder, baseOffset, files } = this;
    const { disk } = files;
    for (const old of replaced) {
      files.forget(segmentPath(folder, old, "log"));
      if (old === baseOffset) continue;
      for (const suffix of ["log", "index", "timeindex", "txnindex"]) disk.remove(segmentPath(folder, old, suffix));
    }
    disk.syncFolder(folder);
    // The segment last: until then, all of this is repeated.
    for (const suffix of ["txnindex", "timeindex", "index", "log"]) {
      const path = segmentPath(folder, baseOffset, suffix);
      // None without aborted transactions, or it is renamed already.
      if (suffix === "txnindex" && disk.readFile(`${path}.swap`) === undefined) continue;
      disk.rename(`${path}.swap`, path);
    }
    disk.syncFolder(folder);
  }

  /** Removes the files of one that has replaced nothing yet, as far as they are written. */
  remove(): void {
    const { disk } = this.files;
    disk.remove(this.path);
    this.#files.remove();
    new SealedIndex(disk, this.folder, this.baseOffset, ".swap.tmp").remove();
  }
}
