import { ByteReader } from "../../protocol/byte-reader.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import { MalformedError } from "../../protocol/malformed-error.js";
import {
  type BatchHeader,
  type BatchSlice,
  checkCrc,
  isControlBatch,
  isTransactional,
  nextOffsetOf,
  readControlType,
  walkBatches,
} from "../../protocol/records/record-batch.js";
import { RecordCursor, readRecords } from "../../protocol/records/record-batch-reader.js";
import type { ConsumerRecord } from "../kafka-client.js";
import { unreadableBatch } from "./unreadable-batch.js";

/** A transaction that was aborted: its producer's records from `firstOffset` to its ABORT marker are not to be read. */
export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

const ABORT = 0;

/**
 * Batches fetched ahead for one partition, decoded one at a time as they are taken. Steps by batch header, so that
 * compacted batches, control batches and batches without records all move the position on.
 */
export class FetchedBatches {
  readonly #batches: BatchSlice[] = [];
  #at = 0;
  #bytes = 0;
  /** Records of the batch at work, and the next one to hand out. */
  #records: readonly ConsumerRecord[] = [];
  #recordAt = 0;
  #recordsEnd = 0;
  /** Aborted transactions that begin later, by offset; and producers whose records are being left out. */
  #aborted: AbortedTransaction[] = [];
  readonly #aborting = new Set<number>();

  constructor(
    /** For messages: `orders-3`. */
    private readonly name: string,
    private readonly checkCrcs: boolean,
  ) {}

  /** Bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#recordAt >= this.#records.length && this.#at >= this.#batches.length;
  }

  /**
   * Adds what a fetch answered.
   * @param fetchOffset what the fetch asked for.
   * @param aborted null unless committed records only are read.
   * @returns the offset to fetch next, or undefined when not one whole batch was there.
   * @throws KafkaError CORRUPT_MESSAGE for bytes that are no batches.
   */
  add(records: Buffer, fetchOffset: number, aborted: readonly AbortedTransaction[] | null): number | undefined {
    let next: number | undefined;
    for (const batch of this.#walk(records, fetchOffset)) {
      this.#batches.push(batch);
      this.#bytes += batch.bytes.length;
      next = nextOffsetOf(batch.header);
    }
    if (aborted && aborted.length > 0) {
      this.#aborted = [...this.#aborted, ...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
    }
    return next;
  }

  /**
   * Takes records at or after `position`, at most `maxRecords`.
   * @returns them with the position after them, which has moved past batches without any.
   * @throws KafkaError CORRUPT_MESSAGE when a batch is damaged, UNSUPPORTED_COMPRESSION_TYPE when its codec is missing
   *   here; the batches before it have been handed out then.
   */
  take(position: number, maxRecords: number): { readonly records: ConsumerRecord[]; readonly nextOffset: number } {
    const taken: ConsumerRecord[] = [];
    let nextOffset = position;
    while (taken.length < maxRecords) {
      if (this.#recordAt < this.#records.length) {
        nextOffset = this.#takeFromBatch(taken, maxRecords, nextOffset);
        continue;
      }
      const batch = this.#batches[this.#at];
      if (!batch) break;
      try {
        this.#open(batch, nextOffset);
      } catch (error) {
        // What was taken is handed out first; the damage is met again by the next call.
        if (nextOffset > position) break;
        throw error;
      }
      this.#step(batch);
      if (this.#records.length === 0) nextOffset = Math.max(nextOffset, this.#recordsEnd);
    }
    return { records: taken, nextOffset };
  }

  /** Throws everything away; the next fetch begins at the position. */
  clear(): void {
    this.#batches.length = 0;
    this.#at = 0;
    this.#bytes = 0;
    this.#records = [];
    this.#recordAt = 0;
    this.#aborted = [];
    this.#aborting.clear();
  }

  #takeFromBatch(taken: ConsumerRecord[], maxRecords: number, position: number): number {
    const end = Math.min(this.#records.length, this.#recordAt + maxRecords - taken.length);
    for (let at = this.#recordAt; at < end; at++) taken.push(this.#records[at]!);
    this.#recordAt = end;
    if (end === this.#records.length) return Math.max(position, this.#recordsEnd);
    return Math.max(position, this.#records[end - 1]!.offset + 1);
  }

  #open(batch: BatchSlice, position: number): void {
    const { header, bytes } = batch;
    this.#recordsEnd = nextOffsetOf(header);
    this.#records = [];
    this.#recordAt = 0;
    if (this.#recordsEnd <= position && !isControlBatch(header)) return;
    if (this.checkCrcs && !checkCrc(bytes, header)) {
      throw unreadableBatch(this.name, header, new MalformedError("its checksum is wrong"));
    }
    this.#beginAborted(this.#recordsEnd);
    if (isControlBatch(header)) {
      this.#endAborted(batch);
      return;
    }
    if (isTransactional(header) && this.#aborting.has(header.producerId)) return;
    const records = this.#orUnreadable(header, () => readRecords(bytes));
    // A fetch answers whole batches, whose first records may lie before the position.
    this.#records = header.baseOffset >= position ? records : records.filter(({ offset }) => offset >= position);
  }

  #step(batch: BatchSlice): void {
    this.#at++;
    this.#bytes -= batch.bytes.length;
    if (this.#at < this.#batches.length) return;
    this.#batches.length = 0;
    this.#at = 0;
  }

  #beginAborted(endOffset: number): void {
    while (this.#aborted.length > 0 && this.#aborted[0]!.firstOffset < endOffset) {
      this.#aborting.add(this.#aborted.shift()!.producerId);
    }
  }

  #endAborted({ header, bytes }: BatchSlice): void {
    if (!this.#aborting.has(header.producerId)) return;
    const type = this.#orUnreadable(header, () => {
      const cursor = new RecordCursor(bytes);
      return cursor.next() && cursor.key !== null ? readControlType(new ByteReader(cursor.key)) : undefined;
    });
    if (type === ABORT) this.#aborting.delete(header.producerId);
  }

  #walk(records: Buffer, fetchOffset: number): BatchSlice[] {
    try {
      return [...walkBatches(records)];
    } catch (cause) {
      if (!(cause instanceof MalformedError)) throw cause;
      const detail = `the bytes there are no record batches: ${cause.message}`;
      throw new KafkaError("CORRUPT_MESSAGE", `Reading ${this.name} from offset ${fetchOffset}`, { detail, cause });
    }
  }

  #orUnreadable<T>(header: BatchHeader, read: () => T): T {
    try {
      return read();
    } catch (cause) {
      if (!(cause instanceof MalformedError) && !(cause instanceof KafkaError)) throw cause;
      throw unreadableBatch(this.name, header, cause);
    }
  }
}
