import type { Disk } from "../../../base/files/disk.js";
import { writeFileDurably, writeFileDurablyLater } from "../../../base/files/durable-files.js";
import { IndexFiles } from "./index-files.js";
import { isPlausibleIndex, SegmentIndex } from "./segment-index.js";
import { INDEX_SUFFIXES, segmentPath } from "./segment-path.js";
import { type AbortedTransaction, decodeTransactionIndex, encodeTransactionIndex } from "./transaction-index.js";

/**
 * The index files beside a segment that is sealed: `.index` and `.timeindex`, and
 * `.txnindex` if transactions were aborted in it. With `.swap`: those of a compacted segment that has replaced none yet;
 * with `.swap.tmp`: what an interrupted write of these left.
 */
export class SealedIndex {
  constructor(
    private readonly disk: Disk,
    private readonly folder: string,
    private readonly baseOffset: number,
    private readonly suffix: "" | ".swap" | ".swap.tmp" = "",
  ) {}

  /** Whether the segment was sealed once, even if its index files are damaged. */
  get exists(): boolean {
    return this.disk.readFile(this.#path("index")) !== undefined;
  }

  /**
   * The offset and time index; undefined when they are missing or implausible: every byte of the segment must then be
   * checked.
   *
   * @param sizeBytes of the segment's file.
   */
  read(sizeBytes: number): SegmentIndex | undefined {
    const offsets = this.disk.readFile(this.#path("index"));
    const times = offsets && this.disk.readFile(this.#path("timeindex"));
    return times && isPlausibleIndex(offsets, times, sizeBytes) ? new SegmentIndex(offsets, times) : undefined;
  }

  /**
   * The aborted transactions, none without a file; undefined when it is damaged: the segment must then be read.
   *
   * @param nextOffset the segment's.
   */
  readAborted(nextOffset: number): AbortedTransaction[] | undefined {
    const bytes = this.disk.readFile(this.#path("txnindex"));
    return bytes ? decodeTransactionIndex(bytes, this.baseOffset, nextOffset) : [];
  }

  /** Opens the files for one lookup; the caller closes them. */
  open(): IndexFiles {
    return new IndexFiles(this.disk, this.#path("index"), this.#path("timeindex"));
  }

  /**
   * Writes the files and forces their content to disk, but not their names.
   *
   * @param aborted undefined: `.txnindex` stays as it is.
   */
  write(index: SegmentIndex, aborted: readonly AbortedTransaction[] | undefined): void {
    for (const [path, content] of this.#contents(index, aborted)) {
      writeFileDurably(this.disk, `${path}.tmp`, content);
      this.disk.rename(`${path}.tmp`, path);
    }
  }

  /**
   * The same in the background.
   *
   * @param isOpen whether the segment is still in this folder: asked before each access.
   * @returns whether all files are written; false: it was not.
   */
  async writeLater(
    index: SegmentIndex,
    aborted: readonly AbortedTransaction[],
    isOpen: () => boolean,
  ): Promise<boolean> {
    for (const [path, content] of this.#contents(index, aborted)) {
      if (!isOpen()) return false;
      // No `.txnindex` means no aborted transactions: its name must not be lost once `.index` vouches for it.
      if (aborted.length > 0 && path === this.#path("index")) await this.disk.syncFolderLater(this.folder);
      if (!isOpen()) return false;
      await writeFileDurablyLater(this.disk, `${path}.tmp`, content);
      if (!isOpen()) return false;
      this.disk.rename(`${path}.tmp`, path);
    }
    return true;
  }

  /** Paths and contents, in the order in which they are written. */
  #contents(index: SegmentIndex, aborted: readonly AbortedTransaction[] | undefined): [string, Buffer][] {
    // A damaged one must not outlive this.
    if (aborted?.length === 0) this.disk.remove(this.#path("txnindex"));
    const txnindex = aborted && aborted.length > 0 ? encodeTransactionIndex(aborted) : undefined;
    const content = { txnindex, timeindex: index.timeBytes, index: index.offsetBytes };
    return INDEX_SUFFIXES.flatMap((name) => (content[name] ? [[this.#path(name), content[name]]] : []));
  }

  /** Writes `.txnindex` alone, even without transactions, and forces its content to disk, but not its name. */
  writeAborted(aborted: readonly AbortedTransaction[]): void {
    writeFileDurably(this.disk, this.#path("txnindex"), encodeTransactionIndex(aborted));
  }

  remove(): void {
    for (const name of INDEX_SUFFIXES.toReversed()) this.disk.remove(this.#path(name));
  }

  #path(name: string): string {
    return segmentPath(this.folder, this.baseOffset, `${name}${this.suffix}`);
  }
}
