import type { ErrorName } from "../../protocol/error-codes.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import { MalformedError } from "../../protocol/malformed-error.js";
import {
  BATCH_HEADER_BYTES,
  BATCH_PREFIX_BYTES,
  type BatchHeader,
  checkCrc,
  codecOf,
  isControlBatch,
  isLogAppendTime,
  isTransactional,
  readBatchHeader,
} from "../../protocol/records/record-batch.js";
import { RecordCursor } from "../../protocol/records/record-batch-reader.js";
import type { LogConfig } from "./log-config.js";

const MAGIC_AT = 16;
/** Of the smallest message of magic 0, which Kafka looks for first. */
const MIN_RECORD_SIZE = 14;
const ZSTD = 4;
/** Length, attributes, two deltas, two lengths, header count. */
const MIN_RECORD_BYTES = 7;
const UNLIMITED_MS = Number.MAX_SAFE_INTEGER;

/** A record because of which a batch is refused: its index in the batch, and the reason. */
export interface RecordFault {
  readonly batchIndex: number;
  readonly batchIndexErrorMessage: string;
}

export interface RefusedBatch {
  readonly kind: "refused";
  readonly error: ErrorName;
  readonly message: string | null;
  readonly recordErrors: readonly RecordFault[];
  /** Whether the answer includes the log's start offset, as Kafka's does when its log refuses the batch. */
  readonly byLog: boolean;
}

export type BatchVerdict = { readonly kind: "accepted"; readonly header: BatchHeader } | RefusedBatch;

/** The time a batch arrived, and the version of its Produce request. */
export interface Arrival {
  readonly nowMs: number;
  readonly apiVersion: number;
  /**
   * Asks the transaction coordinator whether a producer's transaction may write to the partition (KIP-890): NONE, or
   * the error to answer. Called in one step with the append, for each transactional batch that is no duplicate: the end
   * of a transaction may be decided before its marker is written. Without it none may write.
   */
  readonly judgeTransaction?: (header: BatchHeader) => ErrorName;
}

/**
 * Judges the bytes that a producer sent for one partition: they must be exactly one intact batch of magic 2 that the
 * topic's settings allow. The checks run in Kafka's order, with Kafka's error for each.
 *
 * Records are decompressed and read only where a setting concerns single records: keys in a compacted topic, or
 * timestamps that may be out of range. The header is enough for everything else.
 *
 * @param records the request's bytes for the partition.
 * @param name `topic-partition`, for messages.
 */
export function judgeBatch(records: Buffer | null, config: LogConfig, arrival: Arrival, name: string): BatchVerdict {
  const size = records !== null && records.length > MAGIC_AT ? records.readInt32BE(BATCH_PREFIX_BYTES - 4) : undefined;
  if (size !== undefined && size < MIN_RECORD_SIZE) {
    const message = `Found record size ${size} smaller than minimum record overhead (${MIN_RECORD_SIZE}).`;
    return refused("CORRUPT_MESSAGE", message);
  }
  if (records === null || records.length < BATCH_HEADER_BYTES) {
    return refused("INVALID_RECORD", "A produce request must hold exactly one record batch per partition.");
  }
  const magic = records.readInt8(MAGIC_AT);
  if (magic > 2 || magic < 0) return refused("CORRUPT_MESSAGE", `Invalid magic found in record: ${magic}`);
  const bytes = BATCH_PREFIX_BYTES + records.readInt32BE(8);
  if (magic !== 2 || bytes !== records.length) {
    return refused("INVALID_RECORD", "A produce request must hold exactly one record batch of magic 2 per partition.");
  }
  const header = readBatchHeader(records);
  const codec = codecOf(header);
  if (codec === ZSTD && arrival.apiVersion < 7) return refused("UNSUPPORTED_COMPRESSION_TYPE", null);
  if (codec > ZSTD) return refused("UNKNOWN_SERVER_ERROR", `Unknown compression codec ${codec}.`);
  return judgeHeader(records, header, config, name) ?? judgeRecords(records, header, config, arrival.nowMs, name);
}

function judgeHeader(records: Buffer, header: BatchHeader, config: LogConfig, name: string): RefusedBatch | undefined {
  const tooLarge = judgeMessageBytes(records.length, config, name);
  if (tooLarge) return tooLarge;
  if (!checkCrc(records, header)) return refused("CORRUPT_MESSAGE", null);
  if (header.baseOffset !== 0) {
    return refusedByLog("INVALID_RECORD", `The first offset of a batch must be 0, not ${header.baseOffset}.`);
  }
  const tooLargeForSegment = judgeSegmentBytes(records.length, config);
  if (tooLargeForSegment) return tooLargeForSegment;
  const count = header.lastOffsetDelta + 1;
  if (count <= 0 || header.recordCount !== count) {
    return refusedByLog("INVALID_RECORD", `The batch claims ${header.recordCount} records and ${count} offsets.`);
  }
  const bodyBytes = records.length - BATCH_HEADER_BYTES;
  if (codecOf(header) === 0 && count * MIN_RECORD_BYTES > bodyBytes) {
    return refusedByLog(
      "INVALID_RECORD",
      `The batch claims ${count} records, which do not fit into ${bodyBytes} bytes.`,
    );
  }
  if (isControlBatch(header)) return refusedByLog("INVALID_RECORD", "Clients may not write control batches.");
  if (isTransactional(header) && header.producerId < 0) {
    return refusedByLog("INVALID_RECORD", "A transactional batch has no producer id.");
  }
  if (header.producerId >= 0 && header.baseSequence < 0) {
    return refusedByLog("INVALID_RECORD", `Producer ${header.producerId} sent no sequence number.`);
  }
  return undefined;
}

/** Judges the size of a batch that the broker has recompressed: uncompressed it may be a thousand times as large. */
export function judgeRecodedBytes(bytes: number, config: LogConfig, name: string): RefusedBatch | undefined {
  return judgeMessageBytes(bytes, config, name) ?? judgeSegmentBytes(bytes, config);
}

function judgeMessageBytes(bytes: number, { maxMessageBytes }: LogConfig, name: string): RefusedBatch | undefined {
  if (bytes <= maxMessageBytes) return undefined;
  const message = `The batch of ${bytes} bytes for ${name} is larger than max.message.bytes (${maxMessageBytes}).`;
  return refused("MESSAGE_TOO_LARGE", message);
}

function judgeSegmentBytes(bytes: number, { segmentBytes }: LogConfig): RefusedBatch | undefined {
  if (bytes <= segmentBytes) return undefined;
  return refusedByLog("RECORD_LIST_TOO_LARGE", `The batch is larger than segment.bytes (${segmentBytes}).`);
}

function judgeRecords(
  records: Buffer,
  header: BatchHeader,
  config: LogConfig,
  nowMs: number,
  name: string,
): BatchVerdict {
  const createTime = config.messageTimestampType === "CreateTime";
  if (createTime && isLogAppendTime(header)) {
    return refusedByLog("INVALID_TIMESTAMP", `${name} expects create times, but the batch has a log append time.`);
  }
  const earliestMs = nowMs - config.messageTimestampBeforeMaxMs;
  const latestMs = nowMs + config.messageTimestampAfterMaxMs;
  const compacted = config.cleanupPolicy.has("compact");
  const boundedBelow = createTime && config.messageTimestampBeforeMaxMs < UNLIMITED_MS;
  const tooLate = createTime && header.maxTimestampMs > latestMs;
  if (!compacted && !boundedBelow && !tooLate) return { kind: "accepted", header };
  const withoutKey: RecordFault[] = [];
  const outOfRange: RecordFault[] = [];
  try {
    const cursor = new RecordCursor(records);
    for (let index = 0; cursor.next(); index++) {
      if (compacted && cursor.key === null) {
        withoutKey.push(
          faultAt(index, `Compacted topic cannot accept message without key in topic partition ${name}.`),
        );
      }
      const { timestampMs } = cursor;
      // Read to the end: a fault that passes here would stop the cleaner.
      cursor.record();
      if (createTime && timestampMs !== -1 && (timestampMs < earliestMs || timestampMs > latestMs)) {
        const range = `[${earliestMs}, ${latestMs}]`;
        const text = `Timestamp ${timestampMs} of message with offset ${index} is out of range. The timestamp should be within ${range}`;
        outOfRange.push(faultAt(index, text));
      }
    }
  } catch (error) {
    if (error instanceof MalformedError) return refusedByLog("INVALID_RECORD", error.message);
    if (error instanceof KafkaError) return refusedByLog("UNSUPPORTED_COMPRESSION_TYPE", error.message);
    throw error;
  }
  if (withoutKey.length > 0) {
    return { ...refusedByLog("INVALID_RECORD", "One or more records have been rejected"), recordErrors: withoutKey };
  }
  if (outOfRange.length > 0) {
    const message = "One or more records have been rejected due to invalid timestamp";
    return { ...refusedByLog("INVALID_TIMESTAMP", message), recordErrors: outOfRange };
  }
  return { kind: "accepted", header };
}

function faultAt(batchIndex: number, batchIndexErrorMessage: string): RecordFault {
  return { batchIndex, batchIndexErrorMessage };
}

function refused(error: ErrorName, message: string | null): RefusedBatch {
  return { kind: "refused", error, message, recordErrors: [], byLog: false };
}

function refusedByLog(error: ErrorName, message: string | null): RefusedBatch {
  return { kind: "refused", error, message, recordErrors: [], byLog: true };
}
