import { writeFile } from "../../../base/files/durable-files.js";
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  baseOffsetAt,
  nextOffsetOf,
  readBatchHeader,
  wholeBatches,
} from "../../../protocol/records/record-batch.js";
import { headerAt, lastOffset, walkHeaders } from "./batch-walk.js";
import type { CleanedSegment } from "./cleaned-segment.js";
import type { IndexLookup } from "./index-lookup.js";
import { decodeIndexSnapshot, encodeIndexSnapshot } from "./index-snapshot.js";
import { retireFile } from "./retire-file.js";
import type { SealedFiles } from "./sealed-files.js";
import { SealedIndex } from "./sealed-index.js";
import { SegmentExtent } from "./segment-extent.js";
import { SegmentFile } from "./segment-file.js";
import { SegmentIndex } from "./segment-index.js";
import { segmentPath } from "./segment-path.js";
import type { AbortedTransaction } from "./transaction-index.js";

/** Bytes read at a time to find a batch: an entry of the index is a few KiB away, and of large batches only headers. */
const LOOKUP_BYTES = 8 * 1024;
/** Kept while a segment is written: the index of its part that is on disk. */
const INDEX_SNAPSHOT = "index-snapshot";
/** Index intervals after which a new snapshot is worth its writing. */
const SNAPSHOT_INTERVALS = 16;

/** Batches as read from a segment, and the offset after the last one. */
export interface ReadBatches {
  readonly bytes: Buffer;
  /** -1 when there is none. */
  readonly nextOffset: number;
}

/**
 * One segment of a partition's log: `<base offset>.log`, and beside it, once sealed, `.index` and `.timeindex`, and
 * `.txnindex` if transactions were aborted in it.
 *
 * Unlike in Kafka, the presence of `.index` proves something: it is written only after the segment, and all its indexes,
 * were forced to disk. Recovery trusts a segment with an index, and checks every byte of one without.
 */
export class Segment {
  readonly #file: SegmentFile;
  readonly #extent: SegmentExtent;
  #sealedIndex: SealedIndex;
  /** Undefined once the segment is sealed. */
  #index: SegmentIndex | undefined = new SegmentIndex();
  #aborted: AbortedTransaction[] = [];
  /** Opened by the index files of a clean stop, and not changed since. */
  #isResumed = false;
  /** Position up to which the index snapshot vouches for the segment. */
  #vouchedBytes = 0;
  #describedEnd: number;
  /** Set once its file has another name, and is only to be removed. */
  #retiredPath: string | undefined;

  private constructor(
    private readonly folder: string,
    readonly baseOffset: number,
    private readonly files: SealedFiles,
    private readonly indexIntervalBytes: number,
    file: SegmentFile,
  ) {
    this.#file = file;
    this.#extent = new SegmentExtent(baseOffset);
    this.#sealedIndex = new SealedIndex(files.disk, folder, baseOffset);
    this.#describedEnd = baseOffset;
  }

  /** Creates or opens a segment's file for appending. Does not read its content. */
  static open(folder: string, baseOffset: number, files: SealedFiles, indexIntervalBytes: number): Segment {
    const file = SegmentFile.open(segmentPath(folder, baseOffset, "log"), files, "write");
    return new Segment(folder, baseOffset, files, indexIntervalBytes, file);
  }

  /**
   * Opens a sealed segment by its index files. Undefined when they are missing or implausible: every byte of the
   * segment must then be checked.
   *
   * @param nextOffset base offset of the following segment.
   */
  static openSealed(folder: string, baseOffset: number, nextOffset: number, files: SealedFiles): Segment | undefined {
    const file = SegmentFile.openSealed(segmentPath(folder, baseOffset, "log"), files);
    const segment = new Segment(folder, baseOffset, files, 0, file);
    const indexed = segment.#sealedIndex.read(file.size);
    const aborted = indexed && segment.#sealedIndex.readAborted(nextOffset);
    if (!indexed || !aborted) return undefined;
    segment.#index = undefined;
    segment.#extent.resume(indexed.lastTime, nextOffset, -1);
    segment.#aborted = aborted;
    return segment;
  }

  /**
   * A compacted segment, under the names of its `SegmentSwap`: they are on disk, and none of them is read.
   * @param nextOffset of the last of the segments that it was made from.
   */
  static ofSwap(folder: string, swap: CleanedSegment, nextOffset: number, files: SealedFiles): Segment {
    const { baseOffset, sizeBytes, lastTime, aborted } = swap;
    const path = segmentPath(folder, baseOffset, "log.swap");
    const segment = new Segment(folder, baseOffset, files, 0, SegmentFile.ofCleaned(path, sizeBytes, files));
    segment.#sealedIndex = new SealedIndex(files.disk, folder, baseOffset, ".swap");
    segment.#index = undefined;
    segment.#extent.resume(lastTime, nextOffset, -1);
    segment.#aborted = [...aborted];
    return segment;
  }

  /** Notes that the files of a swap have got the names of a segment. */
  takeName(): void {
    const { folder, baseOffset, files } = this;
    this.#file.renamed(segmentPath(folder, baseOffset, "log"));
    this.#sealedIndex = new SealedIndex(files.disk, folder, baseOffset);
  }

  /** Whether the index files are written and the segment's descriptor is closed. */
  get sealed(): boolean {
    return this.#index === undefined;
  }

  /** Whether all of it is on disk, as sealing requires. */
  get isSynced(): boolean {
    return this.#file.isSynced;
  }

  /** Whether it was opened by its index files, and not changed since: they hold its aborted transactions. */
  get isIndexed(): boolean {
    return this.sealed || this.#isResumed;
  }

  /** The aborted transactions whose markers are in this segment, in the order of these. */
  get aborted(): readonly AbortedTransaction[] {
    return this.#aborted;
  }

  get path(): string {
    return this.#file.path;
  }

  get size(): number {
    return this.#file.size;
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
    return this.#file.modifiedMs;
  }

  /** Size of the file. Larger than `size` after failed appends, and until recovery has admitted its batches. */
  get fileSize(): number {
    return this.#file.length;
  }

  /** Whether the segment was sealed once, even if its index files are damaged. For recovery. */
  get hasIndexFile(): boolean {
    return this.#sealedIndex.exists;
  }

  /** Appends one batch whose base offset and epoch are set. @throws the disk's error; nothing is appended then. */
  append(batch: Buffer, header: BatchHeader): void {
    this.#file.append(batch);
    this.admit(header, this.size);
  }

  /** Adds the batch at `position` of the file to the indexes: after an append, and at recovery. */
  admit(header: BatchHeader, position: number): void {
    this.#extent.admit(header, position, this.#index!, this.indexIntervalBytes);
    this.#file.admit(position + header.sizeBytes);
  }

  /** Notes an aborted transaction whose marker was appended to this segment. */
  noteAborted(aborted: AbortedTransaction): void {
    this.#aborted.push(aborted);
  }

  /** Forces the snapshot of the producers at the segment's start to disk. Resolves with whether there is one. */
  async syncProducerSnapshotLater(): Promise<boolean> {
    const { disk } = this.files;
    if (!this.#hasProducerSnapshot) return false;
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
    const size = this.fileSize;
    const indexed = this.#sealedIndex.read(size);
    if (!indexed) return false;
    const tailStart = Math.max(0, indexed.lastPosition);
    let firstTimestamp = -1;
    walkHeaders(this.read, 0, size, (header) => {
      firstTimestamp = header.maxTimestampMs;
      return true;
    });
    this.#index = indexed;
    const end = walkHeaders(this.read, tailStart, size, (header, position) => {
      if (position === tailStart) {
        this.#extent.resume(indexed.lastTime, nextOffsetOf(header), firstTimestamp);
        this.#file.admit(position + header.sizeBytes);
      } else {
        this.admit(header, position);
      }
      return false;
    });
    this.#file.trust(size);
    this.#isResumed = true;
    const aborted = this.#sealedIndex.readAborted(this.nextOffset);
    this.#aborted = aborted ?? [];
    return end === size && aborted !== undefined;
  }

  /** Removes the index files of a segment that is about to be written. The caller then forces the folder to disk. */
  dropIndexFiles(): void {
    this.#sealedIndex.remove();
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
    const path = this.#beside(INDEX_SNAPSHOT);
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
    const bytes = this.files.disk.readFile(this.#beside(INDEX_SNAPSHOT));
    const snapshot = bytes && decodeIndexSnapshot(bytes, this.fileSize);
    const last = snapshot?.index.lastBefore(recoveryPoint - this.baseOffset);
    // The batch of the last entry is checked again: those before it end at its base offset.
    const header = last && this.#headerAt(last.position);
    const first = last && this.#headerAt(0);
    if (!snapshot || !header || !first || lastOffset(header) - this.baseOffset !== last.relativeOffset) return 0;
    this.#index = snapshot.index.before(header.baseOffset - this.baseOffset);
    this.#extent.resume(this.#index.lastTime, header.baseOffset, first.maxTimestampMs);
    this.#file.admit(last.position);
    this.#file.trust(last.position);
    this.#vouchedBytes = last.position;
    this.#describedEnd = snapshot.endOffset;
    this.#aborted = [...snapshot.aborted];
    return last.position;
  }

  /** Removes an index snapshot that does not vouch for the segment. */
  dropIndexSnapshot(): void {
    this.#vouchedBytes = 0;
    this.files.disk.remove(this.#beside(INDEX_SNAPSHOT));
  }

  #headerAt(position: number): BatchHeader | undefined {
    return headerAt(this.read(position, BATCH_HEADER_BYTES), 0);
  }

  /**
   * Makes the file end after the batches admitted so far, and prepares these to be forced to disk, whatever became of
   * earlier writes.
   *
   * @param from everything before this position is known to be on disk.
   */
  restore(from: number): void {
    this.#file.restore(from);
  }

  /** Reads up to `length` bytes at `position`. */
  readonly read = (position: number, length: number): Buffer => this.#file.read(position, length);

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

  /** Cuts off what failed appends have left behind the end. Called before another segment follows. */
  cutRest(): void {
    this.#file.cutRest();
  }

  /** Forces to disk what was appended before the call. After a failure the log is offline, and never syncs it again. */
  syncLater(): Promise<void> {
    return this.#file.syncLater();
  }

  /**
   * Ends appending: writes the index files of a segment that is synced, and closes its descriptor.
   *
   * @throws the file system's error; nothing has changed then, and another call may succeed.
   */
  seal(): void {
    if (this.sealed || this.#file.isClosed) return;
    if (!this.#isResumed) this.#sealedIndex.write(this.#wholeIndex(), this.#aborted);
    this.#endWriting();
  }

  /** The same in the background, for a clean stop: nothing is appended meanwhile. */
  async sealLater(): Promise<void> {
    if (this.sealed || this.#file.isClosed) return;
    if (!this.#isResumed) await this.#sealedIndex.writeLater(this.#wholeIndex(), this.#aborted);
    if (!this.#file.isClosed) this.#endWriting();
  }

  #wholeIndex(): SegmentIndex {
    this.#extent.indexTime(this.#index!);
    return this.#index!;
  }

  #endWriting(): void {
    this.dropIndexSnapshot();
    this.#index = undefined;
    this.#file.release();
  }

  /** Closes the file. */
  close(): void {
    this.#file.close();
  }

  /** Deletes the files of this segment. Its index files last: without them its content would be checked. */
  remove(): void {
    this.close();
    // Before the segment: it would vouch for a later one of the same name.
    this.dropIndexSnapshot();
    this.#file.remove();
    this.#sealedIndex.remove();
    this.files.disk.remove(this.#beside("snapshot"));
  }

  /**
   * Takes the files away, those of a sealed segment or of an empty one, without the time that a large file takes: the
   * caller removes the one whose path is returned in the background. The next start removes it, too.
   */
  retire(): string {
    this.dropIndexSnapshot();
    // A call that failed behind this is repeated.
    this.#retiredPath ??= retireFile(this.files, this.path);
    this.close();
    this.#sealedIndex.remove();
    this.files.disk.remove(this.#beside("snapshot"));
    return this.#retiredPath;
  }

  get #hasProducerSnapshot(): boolean {
    return this.files.disk.readFile(this.#beside("snapshot")) !== undefined;
  }

  /** Looks up in the index in memory, or in the files of a sealed segment. */
  #lookUp<T>(find: (index: IndexLookup) => T): T {
    if (this.#index) return find(this.#index);
    const files = this.#sealedIndex.open();
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

  #beside(suffix: string): string {
    return segmentPath(this.folder, this.baseOffset, suffix);
  }
}
