import { walkHeaders } from "./batch-walk.js";
import { cleanedPath } from "./cleaned-segment.js";
import { retireFile } from "./retire-file.js";
import type { SealedFiles } from "./sealed-files.js";
import { SealedIndex } from "./sealed-index.js";
import { SegmentExtent } from "./segment-extent.js";
import { SegmentFile } from "./segment-file.js";
import { SegmentIndex } from "./segment-index.js";
import { segmentPath } from "./segment-path.js";

/** What the driver of a swap does before the next step: forces the folder to disk, or removes a file that is over. */
export type SwapStep = { readonly kind: "sync" } | { readonly kind: "remove"; readonly path: string };

/**
 * A compacted segment that counts, and is to replace those it was made from: `<base offset>.log.swap` and its index
 * files. Whatever interrupts this, the next start finishes it.
 */
export class SegmentSwap {
  readonly path: string;

  constructor(
    private readonly folder: string,
    private readonly baseOffset: number,
    private readonly files: SealedFiles,
  ) {
    this.path = segmentPath(folder, baseOffset, "log.swap");
  }

  /** Makes a `CleanedSegment` count, once the folder is forced to disk. */
  begin(): void {
    this.files.disk.rename(cleanedPath(this.folder, this.baseOffset), this.path);
  }

  /** Writes the index files of one that an earlier process has left: these may have lost their names. */
  restoreIndex(indexIntervalBytes: number): void {
    const { files, folder, baseOffset } = this;
    const index = new SegmentIndex();
    const extent = new SegmentExtent(baseOffset);
    const file = SegmentFile.open(this.path, files, "read");
    try {
      walkHeaders(file.read, 0, file.length, (header, position) => {
        extent.admit(header, position, index, indexIntervalBytes);
        return false;
      });
    } finally {
      file.close();
    }
    extent.indexTime(index);
    new SealedIndex(files.disk, folder, baseOffset, ".swap").write(index, undefined);
  }

  /**
   * Replaces the segments that it was made from. These are removed oldest first: as long as a record exists, so does the
   * tombstone behind it, however often this is interrupted and repeated. Between two steps the log is served.
   *
   * @param replaced base offsets, rising, of those that are still there.
   * @param named called when the files have got the names of a segment.
   */
  *takePlace(replaced: readonly number[], named?: () => void): Generator<SwapStep, void> {
    const { folder, baseOffset, files } = this;
    const { disk } = files;
    const others = replaced.filter((old) => old !== baseOffset);
    const paths = others.map((old) => retireFile(files, segmentPath(folder, old, "log")));
    // First: should a new name be lost, the segment must not lack its index, or it would be taken for cut off.
    yield { kind: "sync" };
    for (const old of others) new SealedIndex(disk, folder, old).remove();
    for (const path of paths) yield { kind: "remove", path };
    const path = segmentPath(folder, baseOffset, "log");
    const retired = replaced.includes(baseOffset) ? retireFile(files, path) : undefined;
    // The segment last: until then, all of this is repeated.
    for (const suffix of ["txnindex", "timeindex", "index", "log"]) {
      const target = segmentPath(folder, baseOffset, suffix);
      if (suffix === "log") yield { kind: "sync" };
      // None without aborted transactions, or it is renamed already.
      if (suffix === "txnindex" && disk.readFile(`${target}.swap`) === undefined) continue;
      disk.rename(`${target}.swap`, target);
    }
    named?.();
    yield { kind: "sync" };
    if (retired !== undefined) yield { kind: "remove", path: retired };
  }
}
