import { type BatchHeader, nextOffsetOf } from "../../../protocol/records/record-batch.js";
import { lastOffset } from "./batch-walk.js";
import type { LastTime, SegmentIndex } from "./segment-index.js";

/** The range of a segment's batches in offsets and time: a fold of their headers. */
export class SegmentExtent {
  #nextOffset: number;
  #firstTimestamp = -1;
  #maxTimestamp = -1;
  #maxTimestampOffset = -1;

  constructor(private readonly baseOffset: number) {
    this.#nextOffset = baseOffset;
  }

  /** One more than the last offset; the base offset while there is no batch. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** Largest timestamp of the first batch, -1 when that is unknown. */
  get firstTimestamp(): number {
    return this.#firstTimestamp;
  }

  /** Largest timestamp of any record, -1 when there is none. */
  get maxTimestamp(): number {
    return this.#maxTimestamp;
  }

  /** The largest timestamp; undefined when no record has one. */
  get lastTime(): LastTime | undefined {
    if (this.#maxTimestamp < 0) return undefined;
    return { timestamp: this.#maxTimestamp, relativeOffset: this.#maxTimestampOffset - this.baseOffset };
  }

  /**
   * Adds the next batch, and an entry for it to `index` if the last entry's batch begins `intervalBytes` or more before.
   *
   * @param position of the batch in the segment's file.
   */
  admit(header: BatchHeader, position: number, index: SegmentIndex, intervalBytes: number): void {
    if (header.maxTimestampMs > this.#maxTimestamp) {
      this.#maxTimestamp = header.maxTimestampMs;
      this.#maxTimestampOffset = lastOffset(header);
    }
    if (this.#firstTimestamp < 0) this.#firstTimestamp = header.maxTimestampMs;
    if (index.lastPosition < 0 || position - index.lastPosition >= intervalBytes) {
      index.addOffset(lastOffset(header) - this.baseOffset, position);
      this.indexTime(index);
    }
    this.#nextOffset = nextOffsetOf(header);
  }

  /** Adds the largest timestamp to `index`, which has it only up to its last entry. */
  indexTime(index: SegmentIndex): void {
    const last = this.lastTime;
    if (last) index.addTime(last.timestamp, last.relativeOffset);
  }

  /**
   * Takes over the range of the segment's first batches.
   *
   * @param last their largest timestamp; undefined when none has one.
   * @param nextOffset theirs.
   * @param firstTimestamp of the first of them, -1 if that is unknown.
   */
  resume(last: LastTime | undefined, nextOffset: number, firstTimestamp: number): void {
    this.#nextOffset = nextOffset;
    this.#firstTimestamp = firstTimestamp;
    if (!last) return;
    this.#maxTimestamp = last.timestamp;
    this.#maxTimestampOffset = this.baseOffset + last.relativeOffset;
  }
}
