import type { TakeBuffer } from "../../base/files/durable-files.js";
import { BATCH_HEADER_BYTES, readBatchHeader } from "../../protocol/records/record-batch.js";
import type { LogAvailability } from "./log-availability.js";
import type { LogSegments } from "./log-segments.js";
import type { AbortedTransaction } from "./segments/transaction-index.js";

const NO_RECORDS = Buffer.alloc(0);

/** Reads and searches the batches of one log. Every method throws KafkaError KAFKA_STORAGE_ERROR as the log does. */
export class LogReader {
  /** @param highWatermark returns the end for readers, where a caller names none. */
  constructor(
    private readonly segments: LogSegments,
    private readonly availability: LogAvailability,
    private readonly highWatermark: () => number,
  ) {}

  /**
   * Reads whole batches, from the one that holds `offset` on. Its first records may lie before `offset`: readers skip
   * them.
   *
   * @param atLeastOne returns one batch even if it is larger than `maxBytes`, so that a reader never gets stuck.
   * @param upToOffset an end for readers.
   * @param take makes the buffer to read into; by default it is a new one.
   * @returns empty at that end. The caller checks that `offset` is in range.
   */
  read(
    offset: number,
    maxBytes: number,
    atLeastOne: boolean,
    upToOffset = this.highWatermark(),
    take?: TakeBuffer,
  ): Buffer {
    return this.availability.guard("reading", () => {
      if (offset >= upToOffset || (maxBytes < BATCH_HEADER_BYTES && !atLeastOne)) return NO_RECORDS;
      return this.segments.read(offset, maxBytes, atLeastOne, upToOffset, take);
    });
  }

  /**
   * The bytes that can be read from `offset` up to an end for readers, as far as their first segment; infinite when
   * there are more in later ones. Known without reading them.
   */
  readableBytes(offset: number, upToOffset: number): number {
    return this.availability.guard("reading", () =>
      offset < upToOffset ? this.segments.bytesFrom(offset, upToOffset) : 0,
    );
  }

  /**
   * The first batch before `upToOffset`, ending at or after `fromOffset`, that may hold a record of at least
   * `timestamp`; undefined when all are older.
   */
  batchForTime(timestamp: number, fromOffset: number, upToOffset: number): Buffer | undefined {
    return this.availability.guard("searching", () => {
      const batch = this.segments.batchForTime(timestamp, fromOffset);
      return batch && readBatchHeader(batch).baseOffset < upToOffset ? batch : undefined;
    });
  }

  /** The largest timestamp of the records before `upToOffset`, an end of batches; -1 when there is none. */
  maxTimestampBefore(upToOffset: number): number {
    return this.availability.guard("searching", () => this.segments.maxTimestampBefore(upToOffset));
  }

  /**
   * The aborted transactions with records in `[fromOffset, upToOffset)`, for a reader of committed records that fetched
   * these. It drops the batches of each producer from `firstOffset` up to the producer's next ABORT marker.
   */
  abortedTransactions(fromOffset: number, upToOffset: number): AbortedTransaction[] {
    return this.availability.guard("searching", () => this.segments.abortedTransactions(fromOffset, upToOffset));
  }
}
