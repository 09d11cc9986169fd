import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { removeFile } from "../../base/durable-files.js";
import { type BatchHeader, nextOffsetOf } from "../../protocol/records/record-batch.js";
import { lastOffset, walkHeaders, wholeBatchesLength } from "./batch-walk.js";
import { readAt, type SealedFiles, sizeOf, writeAt } from "./log-files.js";
import { isPlausibleIndex, SegmentIndex } from "./segment-index.js";

/** Kafka's file name for a segment: its base offset in 20 digits. */
export function segmentName(baseOffset: number): string {
  return String(baseOffset).padStart(20, "0");
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
 * One segment of a partition's log: `<base offset>.log`, and beside it, once sealed, `.index` and `.timeindex`.
 *
 * Unlike in Kafka, the presence of `.index` proves something: it is written only after the segment was forced to disk.
 * Recovery trusts a segment with an index, and checks every byte of one without.
 */
export class Segment {
  readonly path: string;
  #fd: number | undefined;
  #index: SegmentIndex | undefined = new SegmentIndex();
  #extent: Extent;
  #closed = false;
  /** Its data is on disk, but writing the index files failed. */
  #lacksIndexFiles = false;

  private constructor(
    private readonly folder: string,
    readonly baseOffset: number,
    private readonly files: SealedFiles,
    private readonly indexIntervalBytes: number,
  ) {
    this.path = join(folder, `${segmentName(baseOffset)}.log`);
    this.#extent = { size: 0, nextOffset: baseOffset, firstTimestamp: -1, maxTimestamp: -1, maxTimestampOffset: -1 };
  }

  /** Creates or opens a segment's file for appending. Does not read its content. */
  static open(folder: string, baseOffset: number, files: SealedFiles, indexIntervalBytes: number): Segment {
    const segment = new Segment(folder, baseOffset, files, indexIntervalBytes);
    // Not "a+": with O_APPEND Linux ignores the position of a write.
    segment.#fd = openSync(segment.path, constants.O_RDWR | constants.O_CREAT, 0o644);
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
    const fd = openSync(segment.path, "r");
    const size = sizeOf(fd);
    closeSync(fd);
    const indexed = segment.#readIndexFiles();
    if (!indexed || !isPlausibleIndex(indexed.offsetBytes, indexed.timeBytes, size)) return undefined;
    segment.#index = undefined;
    segment.#extent.size = size;
    segment.#extent.nextOffset = nextOffset;
    segment.#takeMaxTimestamp(indexed);
    return segment;
  }

  /** Opens and seals a segment written by compaction. `nextOffset` is the end of the segments it replaces. */
  static adopt(
    folder: string,
    baseOffset: number,
    nextOffset: number,
    files: SealedFiles,
    indexIntervalBytes: number,
  ): Segment {
    const segment = Segment.open(folder, baseOffset, files, indexIntervalBytes);
    walkHeaders(segment.read, 0, segment.fileSize, (header, position) => {
      segment.admit(header, position);
      return false;
    });
    segment.#extent.nextOffset = nextOffset;
    segment.sealNow();
    return segment;
  }

  /** Whether the index files are written and the segment's descriptor is closed. */
  get sealed(): boolean {
    return this.#index === undefined;
  }

  /** Whether only the index files of `seal` are missing, so that `retrySeal` may succeed. */
  get sealFailed(): boolean {
    return this.#lacksIndexFiles;
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
    return statSync(this.path).mtimeMs;
  }

  /** Size of the file. Larger than `size` only until recovery has admitted its batches. */
  get fileSize(): number {
    return sizeOf(this.#fd!);
  }

  /**
   * Appends one batch whose base offset and epoch are set. When this returns, the operating system has the bytes: they
   * survive the end of the process, but not a power loss. A failed write is truncated away.
   */
  append(batch: Buffer, header: BatchHeader): void {
    const { size } = this.#extent;
    try {
      writeAt(this.#fd!, batch, size);
    } catch (error) {
      ftruncateSync(this.#fd!, size);
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

  /**
   * Loads the index files of a segment that was active at a clean stop, and deletes them, since it is written again.
   * Returns false when they are missing or do not fit: every byte must then be checked.
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
    this.#removeIndexFiles();
    return end === size;
  }

  /** Truncates the file after the batches admitted so far. */
  truncateToAdmitted(): void {
    ftruncateSync(this.#fd!, this.#extent.size);
  }

  /** Reads up to `length` bytes at `position`. */
  readonly read = (position: number, length: number): Buffer => {
    return this.#fd === undefined ? this.files.read(this.path, position, length) : readAt(this.#fd, position, length);
  };

  /** Position of the first batch that ends at or after `offset`; undefined when this segment has none. */
  positionOf(offset: number): number | undefined {
    const from = this.#indexOrFile().positionBefore(Math.max(0, offset - this.baseOffset));
    let found = false;
    const position = walkHeaders(this.read, from, this.size, (header) => {
      found = lastOffset(header) >= offset;
      return found;
    });
    return found ? position : undefined;
  }

  /** Position of the first batch that ends at or after `offset` and has a timestamp of at least `timestamp`. */
  positionOfTime(timestamp: number, offset: number): number | undefined {
    const index = this.#indexOrFile();
    const relative = Math.max(index.offsetBeforeTime(timestamp), offset - this.baseOffset, 0);
    let found = false;
    const position = walkHeaders(this.read, index.positionBefore(relative), this.size, (header) => {
      found = header.maxTimestampMs >= timestamp && lastOffset(header) >= offset;
      return found;
    });
    return found ? position : undefined;
  }

  /** Reads whole batches from `position` on, at most `maxBytes`; at least one batch if `atLeastOne`. */
  readBatches(position: number, maxBytes: number, atLeastOne: boolean): Buffer {
    const available = this.size - position;
    const bytes = this.read(position, Math.min(Math.max(maxBytes, 61), available));
    const length = bytes.length <= maxBytes ? wholeBatchesLength(bytes) : 0;
    if (length > 0 || !atLeastOne || bytes.length < 12) return bytes.subarray(0, length);
    return this.read(position, 12 + bytes.readInt32BE(8));
  }

  /** Forces appended batches to disk, for `flush.messages` and `flush.ms`. */
  flush(): void {
    if (this.#fd !== undefined) fdatasyncSync(this.#fd);
  }

  /**
   * Ends appending. The data is forced to disk in the background, and the index files are written after it. Until then
   * the segment keeps its descriptor and its indexes in memory.
   *
   * @param failed called if that fails. The next start then checks the segment byte by byte, unless `retrySeal`
   * succeeds before.
   */
  seal(failed: (error: unknown) => void): void {
    const fd = this.#fd!;
    fdatasync(fd, (error) => {
      if (this.#closed) return;
      try {
        // Never synced again: Linux drops the pages it could not write, and the next sync would report success.
        if (error) throw error;
        this.#lacksIndexFiles = true;
        this.retrySeal();
      } catch (cause) {
        failed(cause);
      }
    });
  }

  /** Writes the index files of a segment with `sealFailed`. @throws the file system's error. */
  retrySeal(): void {
    this.#writeIndexFiles();
    this.#lacksIndexFiles = false;
  }

  /** Seals at once: on a clean stop, and for a segment that compaction wrote. */
  sealNow(): void {
    fdatasyncSync(this.#fd!);
    this.#writeIndexFiles();
  }

  /** Seals, unless that is done, and closes. */
  sealAndClose(): void {
    if (this.#fd !== undefined) this.sealNow();
    this.close();
  }

  /** Closes the file. */
  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    this.#closed = true;
    this.#lacksIndexFiles = false;
    this.files.forget(this.path);
  }

  /** Deletes the files of this segment. */
  remove(): void {
    this.close();
    this.#removeIndexFiles();
    removeFile(this.#beside("snapshot"));
    removeFile(this.path);
  }

  #takeMaxTimestamp(indexed: SegmentIndex): void {
    const last = indexed.lastTime;
    if (!last) return;
    this.#extent.maxTimestamp = last.timestamp;
    this.#extent.maxTimestampOffset = this.baseOffset + last.relativeOffset;
  }

  #removeIndexFiles(): void {
    // `.index` first: recovery trusts nothing that has only a `.timeindex`.
    for (const suffix of ["index", "timeindex"]) removeFile(this.#beside(suffix));
  }

  #writeIndexFiles(): void {
    const index = this.#index!;
    this.#addTime(index);
    writeFileSync(this.#beside("timeindex"), index.timeBytes);
    // Last, and by rename: once it exists, recovery trusts the segment.
    writeFileSync(this.#beside("index.tmp"), index.offsetBytes);
    renameSync(this.#beside("index.tmp"), this.#beside("index"));
    this.#index = undefined;
    closeSync(this.#fd!);
    this.#fd = undefined;
  }

  #addTime(index: SegmentIndex): void {
    const { maxTimestamp, maxTimestampOffset } = this.#extent;
    if (maxTimestamp >= 0) index.addTime(maxTimestamp, maxTimestampOffset - this.baseOffset);
  }

  #indexOrFile(): SegmentIndex {
    return this.#index ?? this.#readIndexFiles() ?? new SegmentIndex();
  }

  #readIndexFiles(): SegmentIndex | undefined {
    try {
      return new SegmentIndex(readFileSync(this.#beside("index")), readFileSync(this.#beside("timeindex")));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  #beside(suffix: string): string {
    return join(this.folder, `${segmentName(this.baseOffset)}.${suffix}`);
  }
}
