import { ByteReader } from "../../protocol/byte-reader.js";
import { CODECS, type Codec } from "../../protocol/compression/compression.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import { MalformedError } from "../../protocol/malformed-error.js";
import {
  type BatchHeader,
  type BatchSlice,
  checkCrc,
  codecOf,
  isControlBatch,
  isTransactional,
  nextOffsetOf,
  readControlType,
  walkBatches,
} from "../../protocol/records/record-batch.js";
import { RecordCursor, readRecords } from "../../protocol/records/record-batch-reader.js";
import type { ConsumerRecord } from "../client/consumer.js";
import { unreadableBatch } from "./unreadable-batch.js";

/** An aborted transaction: its producer's records from `firstOffset` to its ABORT marker are skipped. */
export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

const ABORT = 0;

/**
 * Batches fetched ahead for one partition, decoded one at a time when they are taken. The position advances by batch
 * headers, so that it also passes compacted batches, control batches and batches without records.
 */
export class FetchedBatches {
  readonly #batches: BatchSlice[] = [];
  #at = 0;
  #bytes = 0;
  /** Records of the current batch, the index of the next one to deliver, and the offset after the batch. */
  #records: readonly ConsumerRecord[] = [];
  #recordAt = 0;
  #recordsEnd = 0;
  #codec: Codec = "none";
  /** Aborted transactions that begin later, by offset; and producers whose records are currently skipped. */
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

  /** The codec of the last batch whose records were taken. */
  get codec(): Codec {
    return this.#codec;
  }

  get isEmpty(): boolean {
    return this.#recordAt >= this.#records.length && this.#at >= this.#batches.length;
  }

  /**
   * Adds the records of a fetch.
   * @param fetchOffset the offset of the fetch.
   * @param aborted null unless only committed records are read.
   * @returns the offset to fetch next, or undefined if there was no complete batch.
   * @throws KafkaError CORRUPT_MESSAGE for bytes that are not record batches.
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
   * @returns the records and the position after them, which also passes batches without records.
   * @throws KafkaError CORRUPT_MESSAGE when a batch is damaged, UNSUPPORTED_COMPRESSION_TYPE when its codec is missing
   *   here; by then the records before it have been returned.
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
        // Returns the records taken so far; the next call fails on the same batch.
        if (nextOffset > position) break;
        throw error;
      }
      this.#step(batch);
      if (this.#records.length === 0) nextOffset = Math.max(nextOffset, this.#recordsEnd);
    }
    return { records: taken, nextOffset };
  }

  /** Discards everything; the next fetch starts at the position. */
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
    this.#codec = CODECS[codecOf(header)]!;
    // A fetch returns whole batches, whose first records may precede the position.
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
      const detail = `the broker's bytes are not record batches: ${cause.message}`;
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
