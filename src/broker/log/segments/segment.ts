import { type TakeBuffer, writeFile } from "../../../base/files/durable-files.js";
import { MalformedError } from "../../../protocol/malformed-error.js";
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
import { decodeIndexSnapshot, encodeIndexSnapshot, type WholeSegment } from "./index-snapshot.js";
import { retireFile } from "./retire-file.js";
import type { SealedFiles } from "./sealed-files.js";
import { SealedIndex } from "./sealed-index.js";
import { SegmentExtent } from "./segment-extent.js";
import { SegmentFile } from "./segment-file.js";
import { SegmentIndex } from "./segment-index.js";
import { INDEX_SNAPSHOT, segmentPath } from "./segment-path.js";
import type { AbortedTransaction } from "./transaction-index.js";

/** Bytes read at a time to find a batch: an entry of the index is a few KiB away, and of large batches only headers. */
const LOOKUP_BYTES = 8 * 1024;
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
  /** Position up to which the index snapshot vouches for the segment, all of which before is on disk. */
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

  /** Whether an index snapshot vouches for a part of it, and so for its name. */
  get isVouched(): boolean {
    return this.#vouchedBytes > 0;
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

  /** Removes the index files of a segment that is not sealed any more. */
  dropIndexFiles(): void {
    this.#sealedIndex.remove();
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
    if (!this.#index) return false;
    const { aborted, nextOffset, size } = this;
    const isWhole = durableOffset >= nextOffset;
    const index = isWhole ? this.#index : this.#index.before(durableOffset - this.baseOffset);
    const vouchedBytes = isWhole ? size : index.lastPosition;
    if (vouchedBytes <= this.#vouchedBytes) return false;
    const whole = isWhole ? { sizeBytes: size, nextOffset, lastTime: this.#extent.lastTime } : undefined;
    const path = this.#beside(INDEX_SNAPSHOT);
    writeFile(this.files.disk, `${path}.tmp`, encodeIndexSnapshot({ index, whole, endOffset: nextOffset, aborted }));
    this.files.disk.rename(`${path}.tmp`, path);
    this.#vouchedBytes = vouchedBytes;
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
    const first = snapshot && this.#headerAt(0);
    if (!snapshot || !first) return 0;
    const { index, whole, endOffset, aborted } = snapshot;
    const isWhole = whole !== undefined && whole.nextOffset <= recoveryPoint && this.#endsAs(whole, index);
    const position = isWhole ? whole.sizeBytes : this.#lastVouched(index, recoveryPoint);
    if (position <= 0) return 0;
    const nextOffset = isWhole ? whole.nextOffset : this.#headerAt(position)!.baseOffset;
    this.#index = isWhole ? index : index.before(nextOffset - this.baseOffset);
    this.#extent.resume(isWhole ? whole.lastTime : this.#index.lastTime, nextOffset, first.maxTimestampMs);
    this.#file.admit(position);
    this.#file.trust(position);
    this.#vouchedBytes = position;
    this.#describedEnd = endOffset;
    this.#aborted = [...aborted];
    return position;
  }

  /** Whether the batches from the last entry of `index` on lead to the end of the segment as it was. */
  #endsAs({ sizeBytes, nextOffset }: WholeSegment, index: SegmentIndex): boolean {
    let end = -1;
    try {
      const position = walkHeaders(this.read, Math.max(0, index.lastPosition), sizeBytes, (header) => {
        end = nextOffsetOf(header);
        return false;
      });
      return position === sizeBytes && end === nextOffset;
    } catch (error) {
      if (error instanceof MalformedError) return false;
      throw error;
    }
  }

  /**
   * Position of the last entry of `index` that is on disk, 0 if there is none. Its batch is checked again: those before it
   * end at its base offset.
   */
  #lastVouched(index: SegmentIndex, recoveryPoint: number): number {
    const last = index.lastBefore(recoveryPoint - this.baseOffset);
    const header = last && this.#headerAt(last.position);
    return header && lastOffset(header) - this.baseOffset === last.relativeOffset ? last.position : 0;
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
  readonly read = (position: number, length: number, take?: TakeBuffer): Buffer =>
    this.#file.read(position, length, take);

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
   * `atLeastOne`. The bytes are read, into what `take` makes, and walked once.
   */
  readBatches(
    position: number,
    maxBytes: number,
    atLeastOne: boolean,
    end = Number.POSITIVE_INFINITY,
    take?: TakeBuffer,
  ): ReadBatches {
    const available = this.size - position;
    const bytes = this.read(position, Math.min(Math.max(maxBytes, BATCH_HEADER_BYTES), available), take);
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
   * Ends appending, in the background: writes the index files of a complete segment that is on disk, and closes its
   * descriptor.
   *
   * @param isOpen whether the log is; nothing more is written when it is not.
   * @throws rejects with the disk's error; nothing has changed then, and another call may succeed.
   */
  async sealLater(isOpen: () => boolean): Promise<void> {
    const isHere = () => !this.#file.isClosed && isOpen();
    if (this.sealed || !isHere()) return;
    if (await this.#sealedIndex.writeLater(this.#wholeIndex(), this.#aborted, isHere)) this.#endWriting();
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

  /** Gives the file of a sealed segment, or of an empty one, another name: it counts no more. `removeRetired` follows. */
  retire(): void {
    this.dropIndexSnapshot();
    this.#retiredPath ??= retireFile(this.files, this.path);
    this.close();
  }

  /**
   * Removes the files of a retired segment, as the next start would. Called once the folder is forced to disk: should the new
   * name be lost, the segment must not lack its index, or it would be taken for cut off, and what follows it for lost.
   */
  async removeRetired(): Promise<void> {
    this.#sealedIndex.remove();
    this.files.disk.remove(this.#beside("snapshot"));
    await this.files.disk.removeLater(this.#retiredPath!);
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
