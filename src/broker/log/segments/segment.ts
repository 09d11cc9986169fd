import { join } from "node:path";
import { readAt, writeAt, writeFile, writeFileDurably } from "../../../base/files/durable-files.js";
import { MalformedError } from "../../../protocol/malformed-error.js";
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  baseOffsetAt,
  nextOffsetOf,
  readBatchHeader,
  wholeBatches,
} from "../../../protocol/records/record-batch.js";
import { lastOffset, walkHeaders } from "./batch-walk.js";
import { IndexFiles } from "./index-files.js";
import type { IndexLookup } from "./index-lookup.js";
import { decodeIndexSnapshot, encodeIndexSnapshot } from "./index-snapshot.js";
import type { SealedFiles } from "./log-files.js";
import { isPlausibleIndex, SegmentIndex } from "./segment-index.js";
import { type AbortedTransaction, decodeTransactionIndex, encodeTransactionIndex } from "./transaction-index.js";

/** Bytes copied at a time where a segment is written again. */
const COPY_BYTES = 1024 * 1024;
/** Bytes read at a time to find a batch: an entry of the index is a few KiB away, and of large batches only headers. */
const LOOKUP_BYTES = 8 * 1024;
/** `.index` is written last and removed last: recovery trusts the segment once it exists. */
const INDEX_FILES = ["txnindex", "timeindex", "index"] as const;
/** Kept while a segment is written: the index of its part that is on disk. */
const SNAPSHOT_FILE = "index-snapshot";
/** Index intervals after which a new snapshot is worth its writing. */
const SNAPSHOT_INTERVALS = 16;

/** Kafka's file name for a segment: its base offset in 20 digits. */
export function segmentName(baseOffset: number): string {
  return String(baseOffset).padStart(20, "0");
}

/** Batches as read from a segment, and the offset after the last one. */
export interface ReadBatches {
  readonly bytes: Buffer;
  /** -1 when there is none. */
  readonly nextOffset: number;
}

/** The bounds of a segment's content. */
interface Extent {
  size: number;
  nextOffset: number;
  firstTimestamp: number;
  maxTimestamp: number;
  maxTimestampOffset: number;
}

/**
 * One segment of a partition's log: `<base offset>.log`, and beside it, once sealed, `.index` and `.timeindex`, and
 * `.txnindex` if transactions were aborted in it.
 *
 * Unlike in Kafka, the presence of `.index` proves something: it is written only after the segment, and all its indexes,
 * were forced to disk. Recovery trusts a segment with an index, and checks every byte of one without.
 */
export class Segment {
  readonly path: string;
  #aborted: AbortedTransaction[] = [];
  #fd: number | undefined;
  #index: SegmentIndex | undefined = new SegmentIndex();
  #extent: Extent;
  /** Bytes from the start that are on disk. */
  #syncedSize = 0;
  /** Failed appends, each of which may have left bytes behind the end, and how many of them a sync has cut off. */
  #failedAppends = 0;
  #cutAppends = 0;
  /** Syncs under way: the descriptor stays open until they settle, or another file might get its number. */
  #syncs = 0;
  #isClosed = false;
  /** Opened by the index files of a clean stop, and not changed since. */
  #isResumed = false;
  /** Position up to which the index snapshot vouches for the segment. */
  #vouchedBytes = 0;
  #describedEnd: number;

  private constructor(
    private readonly folder: string,
    readonly baseOffset: number,
    private readonly files: SealedFiles,
    private readonly indexIntervalBytes: number,
    suffix = "",
  ) {
    this.path = join(folder, `${segmentName(baseOffset)}.log${suffix}`);
    this.#describedEnd = baseOffset;
    this.#extent = { size: 0, nextOffset: baseOffset, firstTimestamp: -1, maxTimestamp: -1, maxTimestampOffset: -1 };
  }

  /** Creates or opens a segment's file for appending. Does not read its content. */
  static open(folder: string, baseOffset: number, files: SealedFiles, indexIntervalBytes: number): Segment {
    const segment = new Segment(folder, baseOffset, files, indexIntervalBytes);
    segment.#fd = files.disk.open(segment.path, "write");
    return segment;
  }

  /**
   * Opens a sealed segment by its index files. Undefined when they are missing or implausible: every byte of the
   * segment must then be checked.
   *
   * @param nextOffset base offset of the following segment.
   */
  static openSealed(folder: string, baseOffset: number, nextOffset: number, files: SealedFiles): Segment | undefined {
    const segment = new Segment(folder, baseOffset, files, 0);
    const fd = files.disk.open(segment.path, "read");
    const size = files.disk.size(fd);
    files.disk.close(fd);
    const indexed = segment.#readIndexFiles();
    if (!indexed || !isPlausibleIndex(indexed.offsetBytes, indexed.timeBytes, size)) return undefined;
    segment.#index = undefined;
    segment.#extent.size = size;
    segment.#extent.nextOffset = nextOffset;
    segment.#syncedSize = size;
    segment.#takeMaxTimestamp(indexed);
    if (!segment.#readAborted()) return undefined;
    return segment;
  }

  /**
   * Writes the index files of `<base>.log.swap`, which compaction has written and forced to disk, as `.index.swap` and
   * `.timeindex.swap`: a compacted segment never lacks its index, since recovery would take the offsets that it no
   * longer holds for lost ones.
   */
  static indexSwap(folder: string, baseOffset: number, files: SealedFiles, indexIntervalBytes: number): void {
    const swap = new Segment(folder, baseOffset, files, indexIntervalBytes, ".swap");
    swap.#fd = files.disk.open(swap.path, "read");
    try {
      walkHeaders(swap.read, 0, swap.fileSize, (header, position) => {
        swap.admit(header, position);
        return false;
      });
      swap.#writeIndexFiles(".swap");
    } finally {
      swap.close();
    }
  }

  /**
   * Writes `.txnindex.swap` for a `.swap` to come, which replaces segments with aborted transactions. Also without any
   * left: the old index must not outlive its markers.
   */
  static transactionSwap(
    folder: string,
    baseOffset: number,
    { disk }: SealedFiles,
    aborted: readonly AbortedTransaction[],
  ): void {
    writeFileDurably(disk, join(folder, `${segmentName(baseOffset)}.txnindex.swap`), encodeTransactionIndex(aborted));
  }

  /** Removes a `.swap` that has replaced nothing yet, and what there is of its index files. */
  static removeSwap(folder: string, baseOffset: number, { disk }: SealedFiles): void {
    const path = join(folder, segmentName(baseOffset));
    disk.remove(`${path}.log.swap`);
    for (const name of INDEX_FILES) for (const suffix of ["swap", "swap.tmp"]) disk.remove(`${path}.${name}.${suffix}`);
  }

  /** Whether the index files are written and the segment's descriptor is closed. */
  get sealed(): boolean {
    return this.#index === undefined;
  }

  /** Whether all of it is on disk, as sealing requires. */
  get isSynced(): boolean {
    return this.#isClosed || (this.#syncedSize >= this.size && this.#cutAppends === this.#failedAppends);
  }

  /** Whether it was opened by its index files, and not changed since: they hold its aborted transactions. */
  get isIndexed(): boolean {
    return this.sealed || this.#isResumed;
  }

  /** The aborted transactions whose markers are in this segment, in the order of these. */
  get aborted(): readonly AbortedTransaction[] {
    return this.#aborted;
  }

  get size(): number {
    return this.#extent.size;
  }

  /** One more than the last offset; the base offset while empty. */
  get nextOffset(): number {
    return this.#extent.nextOffset;
  }

  /** Largest timestamp of any record, -1 when there is none. */
  get maxTimestamp(): number {
    return this.#extent.maxTimestamp;
  }

  /** Largest timestamp of the first batch; -1 when empty, or opened as sealed. */
  get firstTimestamp(): number {
    return this.#extent.firstTimestamp;
  }

  /** Time of the last write in ms since 1970: the age of a segment whose records have no timestamps. */
  get modifiedMs(): number {
    return this.files.disk.modifiedMs(this.path);
  }

  /** Size of the file. Larger than `size` only until recovery has admitted its batches. */
  get fileSize(): number {
    return this.files.disk.size(this.#fd!);
  }

  /** Whether the segment was sealed once, even if its index files are damaged. For recovery. */
  get hasIndexFile(): boolean {
    return this.files.disk.readFile(this.#beside("index")) !== undefined;
  }

  /**
   * Appends one batch whose base offset and epoch are set. When this returns, the operating system has the bytes: they
   * survive the end of the process, but not a power loss. What a failed write leaves behind is never read; the next
   * append overwrites it, and the next sync cuts it off.
   */
  append(batch: Buffer, header: BatchHeader): void {
    const { disk } = this.files;
    const { size } = this.#extent;
    try {
      writeAt(disk, this.#fd!, batch, size);
    } catch (error) {
      this.#failedAppends++;
      throw error;
    }
    this.admit(header, size);
  }

  /** Adds the batch at `position` of the file to the indexes: after an append, and at recovery. */
  admit(header: BatchHeader, position: number): void {
    const extent = this.#extent;
    const index = this.#index!;
    const relative = lastOffset(header) - this.baseOffset;
    if (header.maxTimestampMs > extent.maxTimestamp) {
      extent.maxTimestamp = header.maxTimestampMs;
      extent.maxTimestampOffset = lastOffset(header);
    }
    if (extent.firstTimestamp < 0) extent.firstTimestamp = header.maxTimestampMs;
    if (index.lastPosition < 0 || position - index.lastPosition >= this.indexIntervalBytes) {
      index.addOffset(relative, position);
      this.#addTime(index);
    }
    extent.size = position + header.sizeBytes;
    extent.nextOffset = nextOffsetOf(header);
  }

  /** Notes an aborted transaction whose marker was appended to this segment. */
  noteAborted(aborted: AbortedTransaction): void {
    this.#aborted.push(aborted);
  }

  /** Forces the snapshot of the producers at the segment's start to disk. Returns whether there is one. */
  syncSnapshot(): boolean {
    const { disk } = this.files;
    if (!this.#hasSnapshot) return false;
    const fd = disk.open(this.#beside("snapshot"), "read");
    try {
      disk.sync(fd);
      return true;
    } finally {
      disk.close(fd);
    }
  }

  /** The same in the background. */
  async syncSnapshotLater(): Promise<boolean> {
    const { disk } = this.files;
    if (!this.#hasSnapshot) return false;
    const fd = disk.open(this.#beside("snapshot"), "read");
    try {
      await disk.syncLater(fd);
      return true;
    } finally {
      disk.close(fd);
    }
  }

  /**
   * Loads the index files of a segment that was active at a clean stop. Returns false when they are missing or do not
   * fit: every byte must then be checked. `dropIndexFiles` follows before the first append.
   */
  resume(): boolean {
    const indexed = this.#readIndexFiles();
    const size = this.fileSize;
    if (!indexed || !isPlausibleIndex(indexed.offsetBytes, indexed.timeBytes, size)) return false;
    const tailStart = Math.max(0, indexed.lastPosition);
    walkHeaders(this.read, 0, size, (header) => {
      this.#extent.firstTimestamp = header.maxTimestampMs;
      return true;
    });
    this.#index = indexed;
    this.#takeMaxTimestamp(indexed);
    const end = walkHeaders(this.read, tailStart, size, (header, position) => {
      if (position === tailStart) {
        this.#extent.size = position + header.sizeBytes;
        this.#extent.nextOffset = nextOffsetOf(header);
      } else {
        this.admit(header, position);
      }
      return false;
    });
    this.#syncedSize = size;
    this.#isResumed = true;
    return end === size && this.#readAborted();
  }

  /** Removes the index files of a segment that is about to be written. The caller then forces the folder to disk. */
  dropIndexFiles(): void {
    this.#removeIndexFiles();
    this.#isResumed = false;
  }

  /** Whether a start after a crash would have more to check than is worth a new index snapshot. */
  get needsIndexSnapshot(): boolean {
    return this.size - this.#vouchedBytes >= SNAPSHOT_INTERVALS * this.indexIntervalBytes;
  }

  /** `aborted` is complete up to this offset in the state in which the segment was opened. */
  get describedEnd(): number {
    return this.#describedEnd;
  }

  /** Forgets the transactions that ended at or after `offset`: their markers are read again. */
  forgetAborted(offset: number): void {
    const from = this.aborted.findIndex(({ lastOffset }) => lastOffset >= offset);
    if (from >= 0) this.#aborted.length = from;
  }

  /**
   * Writes the index of what is on disk, so that a start after a crash checks only the rest. A power cut may take it: it
   * has a checksum. It stays true, since the segment never changes before its last entry.
   *
   * @param durableOffset every batch before it is on disk.
   * @returns whether there was more to write than the last time.
   */
  writeIndexSnapshot(durableOffset: number): boolean {
    const index = this.#index?.before(durableOffset - this.baseOffset);
    if (!index || index.lastPosition <= this.#vouchedBytes) return false;
    const path = this.#beside(SNAPSHOT_FILE);
    const { aborted, nextOffset } = this;
    writeFile(this.files.disk, `${path}.tmp`, encodeIndexSnapshot({ index, endOffset: nextOffset, aborted }));
    this.files.disk.rename(`${path}.tmp`, path);
    this.#vouchedBytes = index.lastPosition;
    return true;
  }

  /**
   * Loads the index snapshot of a segment that was active when the broker ended. Returns the position from which its
   * batches must be checked and admitted, 0 without a snapshot.
   *
   * @param recoveryPoint everything before this offset is on disk.
   */
  loadIndexSnapshot(recoveryPoint: number): number {
    const bytes = this.files.disk.readFile(this.#beside(SNAPSHOT_FILE));
    const snapshot = bytes && decodeIndexSnapshot(bytes, this.fileSize);
    const last = snapshot?.index.lastBefore(recoveryPoint - this.baseOffset);
    // The batch of the last entry is checked again: it tells where the ones before it end.
    const header = last && this.#headerAt(last.position);
    const first = last && this.#headerAt(0);
    if (!snapshot || !header || !first || lastOffset(header) - this.baseOffset !== last.relativeOffset) return 0;
    this.#index = snapshot.index.before(header.baseOffset - this.baseOffset);
    this.#takeMaxTimestamp(this.#index);
    this.#extent.firstTimestamp = first.maxTimestampMs;
    this.#extent.size = last.position;
    this.#extent.nextOffset = header.baseOffset;
    this.#syncedSize = last.position;
    this.#vouchedBytes = last.position;
    this.#describedEnd = snapshot.endOffset;
    this.#aborted = [...snapshot.aborted];
    return last.position;
  }

  /** Removes an index snapshot that does not vouch for the segment. */
  dropIndexSnapshot(): void {
    this.files.disk.remove(this.#beside(SNAPSHOT_FILE));
  }

  #headerAt(position: number): BatchHeader | undefined {
    const bytes = this.read(position, BATCH_HEADER_BYTES);
    if (bytes.length < BATCH_HEADER_BYTES) return undefined;
    try {
      return readBatchHeader(bytes);
    } catch (error) {
      if (error instanceof MalformedError) return undefined;
      throw error;
    }
  }

  /**
   * Makes the file end after the batches admitted so far, writes those from a position on once more, and forces them to
   * disk. Without the writing, a sync would succeed although the bytes may be in memory only: Linux takes pages that it
   * failed to write for clean.
   *
   * @param from everything before this position is known to be on disk.
   */
  restore(from: number): void {
    const { disk } = this.files;
    if (this.fileSize === 0) return;
    if (this.fileSize > this.size) disk.truncate(this.#fd!, this.size);
    for (let position = from; position < this.size; position += COPY_BYTES) {
      writeAt(disk, this.#fd!, this.read(position, Math.min(COPY_BYTES, this.size - position)), position);
    }
    this.sync();
  }

  /** Reads up to `length` bytes at `position`. */
  readonly read = (position: number, length: number): Buffer => {
    return this.#fd === undefined
      ? this.files.read(this.path, position, length)
      : readAt(this.files.disk, this.#fd, position, length);
  };

  /** Position of the first batch that ends at or after `offset`; undefined when this segment has none. */
  positionOf(offset: number): number | undefined {
    const from = this.#lookUp((index) => index.positionBefore(Math.max(0, offset - this.baseOffset)));
    return this.#positionFrom(from, (header) => lastOffset(header) >= offset);
  }

  /** Position of the first batch that ends at or after `offset` and has a timestamp of at least `timestamp`. */
  positionOfTime(timestamp: number, offset: number): number | undefined {
    const from = this.#lookUp((index) => {
      const relative = Math.max(index.offsetBeforeTime(timestamp), offset - this.baseOffset, 0);
      return index.positionBefore(relative);
    });
    return this.#positionFrom(from, (header) => header.maxTimestampMs >= timestamp && lastOffset(header) >= offset);
  }

  /** Largest timestamp of the batches that end before `offset`, -1 when there is none. */
  maxTimestampBefore(offset: number): number {
    if (offset >= this.nextOffset) return this.maxTimestamp;
    if (offset <= this.baseOffset) return -1;
    const { position, timestamp } = this.#lookUp((index) => index.maxTimeBefore(offset - 1 - this.baseOffset));
    let max = timestamp;
    this.#positionFrom(position, (header) => {
      if (lastOffset(header) >= offset) return true;
      max = Math.max(max, header.maxTimestampMs);
      return false;
    });
    return max;
  }

  /**
   * Reads whole batches from `position` on that begin before offset `end`, at most `maxBytes`; at least one batch if
   * `atLeastOne`. The bytes are read and walked once.
   */
  readBatches(position: number, maxBytes: number, atLeastOne: boolean, end = Number.POSITIVE_INFINITY): ReadBatches {
    const available = this.size - position;
    const bytes = this.read(position, Math.min(Math.max(maxBytes, BATCH_HEADER_BYTES), available));
    const whole = wholeBatches(bytes, Math.min(maxBytes, bytes.length), end);
    if (whole.length > 0 || !atLeastOne || bytes.length < BATCH_HEADER_BYTES || baseOffsetAt(bytes, 0) >= end) {
      return { bytes: bytes.subarray(0, whole.length), nextOffset: whole.nextOffset };
    }
    const { sizeBytes } = readBatchHeader(bytes);
    const first = this.read(position, sizeBytes);
    return { bytes: first, nextOffset: wholeBatches(first, sizeBytes, end).nextOffset };
  }

  /**
   * Cuts off what failed appends have left behind the end. Called before another segment follows: recovery would take it
   * for damage, and drop what follows.
   */
  cutRest(): void {
    if (this.#fd !== undefined) this.#cutRest(this.#fd);
  }

  /** Forces appended batches to disk. After a failure the log is offline, and never syncs the segment again. */
  sync(): void {
    if (this.#fd === undefined) return;
    this.#cutRest(this.#fd);
    this.files.disk.sync(this.#fd);
    this.#syncedSize = this.size;
    this.#cutAppends = this.#failedAppends;
  }

  /** The same in the background, for what was appended before the call. */
  async syncLater(): Promise<void> {
    if (this.#fd === undefined) return;
    const { size } = this;
    const failedAppends = this.#failedAppends;
    this.#cutRest(this.#fd);
    this.#syncs++;
    try {
      await this.files.disk.syncLater(this.#fd);
      this.#syncedSize = Math.max(this.#syncedSize, size);
      this.#cutAppends = failedAppends;
    } finally {
      this.#syncs--;
      if (this.#isClosed) this.#closeFile();
    }
  }

  /**
   * Ends appending: writes the index files of a segment that is synced, and closes its descriptor.
   *
   * @throws the file system's error; nothing has changed then, and another call may succeed.
   */
  seal(): void {
    if (this.sealed || this.#isClosed) return;
    if (!this.#isResumed) this.#writeIndexFiles("");
    this.dropIndexSnapshot();
    this.#index = undefined;
    this.#closeFile();
  }

  /** Closes the file. */
  close(): void {
    this.#isClosed = true;
    this.#closeFile();
    this.files.forget(this.path);
  }

  /** Deletes the files of this segment. Its index files last: without them its content would be checked. */
  remove(): void {
    this.close();
    // Before the segment: it would vouch for a later one of the same name.
    this.dropIndexSnapshot();
    this.files.disk.remove(this.path);
    this.#removeIndexFiles();
    this.files.disk.remove(this.#beside("snapshot"));
  }

  get #hasSnapshot(): boolean {
    return this.files.disk.readFile(this.#beside("snapshot")) !== undefined;
  }

  #cutRest(fd: number): void {
    if (this.#cutAppends < this.#failedAppends) this.files.disk.truncate(fd, this.size);
  }

  #closeFile(): void {
    if (this.#fd === undefined || this.#syncs > 0) return;
    this.files.disk.close(this.#fd);
    this.#fd = undefined;
  }

  #takeMaxTimestamp(indexed: SegmentIndex): void {
    const last = indexed.lastTime;
    if (!last) return;
    this.#extent.maxTimestamp = last.timestamp;
    this.#extent.maxTimestampOffset = this.baseOffset + last.relativeOffset;
  }

  #removeIndexFiles(): void {
    for (const suffix of INDEX_FILES.toReversed()) this.files.disk.remove(this.#beside(suffix));
  }

  #writeIndexFiles(suffix: string): void {
    const { disk } = this.files;
    const index = this.#index!;
    this.#addTime(index);
    const txnindex = this.#aborted.length > 0 ? encodeTransactionIndex(this.#aborted) : undefined;
    const content = { txnindex, timeindex: index.timeBytes, index: index.offsetBytes };
    for (const name of INDEX_FILES) {
      const path = this.#beside(`${name}${suffix}`);
      if (content[name] === undefined) {
        // A damaged one would have to be replaced, too.
        if (suffix === "") disk.remove(path);
        continue;
      }
      writeFileDurably(disk, `${path}.tmp`, content[name]);
      disk.rename(`${path}.tmp`, path);
    }
  }

  #addTime(index: SegmentIndex): void {
    const { maxTimestamp, maxTimestampOffset } = this.#extent;
    if (maxTimestamp >= 0) index.addTime(maxTimestamp, maxTimestampOffset - this.baseOffset);
  }

  /** Looks up in the index in memory, or in the files of a sealed segment. */
  #lookUp<T>(find: (index: IndexLookup) => T): T {
    if (this.#index) return find(this.#index);
    const files = new IndexFiles(this.files.disk, this.#beside("index"), this.#beside("timeindex"));
    try {
      return find(files);
    } finally {
      files.close();
    }
  }

  /** Position of the first batch at or after `position` for which `isFound` is true; undefined when there is none. */
  #positionFrom(position: number, isFound: (header: BatchHeader) => boolean): number | undefined {
    let found = false;
    const visit = (header: BatchHeader) => {
      found = isFound(header);
      return found;
    };
    const at = walkHeaders(this.read, position, this.size, visit, LOOKUP_BYTES);
    return found ? at : undefined;
  }

  #readIndexFiles(): SegmentIndex | undefined {
    const { disk } = this.files;
    const offsets = disk.readFile(this.#beside("index"));
    const times = offsets && disk.readFile(this.#beside("timeindex"));
    return times && new SegmentIndex(offsets, times);
  }

  /** Returns false when the file is damaged: the segment must then be read. */
  #readAborted(): boolean {
    const bytes = this.files.disk.readFile(this.#beside("txnindex"));
    const aborted = bytes && decodeTransactionIndex(bytes, this.baseOffset, this.nextOffset);
    this.#aborted = aborted ?? [];
    return !bytes || aborted !== undefined;
  }

  #beside(suffix: string): string {
    return join(this.folder, `${segmentName(this.baseOffset)}.${suffix}`);
  }
}
