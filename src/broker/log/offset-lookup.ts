import { KafkaError } from "../../protocol/kafka-error.js";
import { nextOffsetOf, readBatchHeader } from "../../protocol/records/record-batch.js";
import { RecordCursor } from "../../protocol/records/record-batch-reader.js";
import type { PartitionLog } from "./partition-log.js";

/** A record found by its timestamp; all -1 when there is none. */
export interface FoundOffset {
  readonly offset: number;
  readonly timestamp: number;
  readonly leaderEpoch: number;
}

export const NOT_FOUND: FoundOffset = { offset: -1, timestamp: -1, leaderEpoch: -1 };

/** The first record between the log's start and `upToOffset` whose timestamp is at least `timestamp` (KIP-79). */
export function offsetForTime(log: PartitionLog, timestamp: number, upToOffset: number): FoundOffset {
  // The record with the batch's maximum may be compacted away or lie below the log's start: try the next batch then.
  for (let from = log.logStartOffset; ; ) {
    const batch = log.reader.batchForTime(timestamp, from, upToOffset);
    if (!batch) return NOT_FOUND;
    const found = recordForTime(batch, timestamp, log.logStartOffset);
    if (found) return found;
    from = nextOffsetOf(readBatchHeader(batch));
  }
}

function recordForTime(batch: Buffer, timestamp: number, logStartOffset: number): FoundOffset | undefined {
  const header = readBatchHeader(batch);
  const { leaderEpoch } = header;
  try {
    const cursor = new RecordCursor(batch);
    while (cursor.next()) {
      if (cursor.timestampMs >= timestamp && cursor.offset >= logStartOffset) {
        return { offset: cursor.offset, timestamp: cursor.timestampMs, leaderEpoch };
      }
    }
    return undefined;
  } catch (error) {
    // The codec cannot be read here. The start of the batch is safe: no matching record lies before it.
    if (!KafkaError.is(error, "UNSUPPORTED_COMPRESSION_TYPE")) throw error;
    return { offset: Math.max(header.baseOffset, logStartOffset), timestamp: header.maxTimestampMs, leaderEpoch };
  }
}

/** The first of the records before `upToOffset` that have the largest timestamp among them (KIP-734). */
export function offsetOfMaxTimestamp(log: PartitionLog, upToOffset: number): FoundOffset {
  const maxTimestamp = log.reader.maxTimestampBefore(upToOffset);
  return maxTimestamp < 0 ? NOT_FOUND : offsetForTime(log, maxTimestamp, upToOffset);
}
