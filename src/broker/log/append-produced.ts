import { codecNumber, compress, decompress } from "../../protocol/compression/compression.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import { MalformedError } from "../../protocol/malformed-error.js";
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  codecOf,
  isTransactional,
  readBatchHeader,
  stampLogAppendTime,
  writeBatchHeader,
} from "../../protocol/records/record-batch.js";
import { type Arrival, judgeBatch, judgeRecodedBytes, type RecordFault, type RefusedBatch } from "./judge-batch.js";
import type { LogConfig } from "./log-config.js";
import type { PartitionLog } from "./partition-log.js";
import { judgeSequence } from "./producers/judge-sequence.js";

/** The answer of a Produce request for one partition. */
export interface AppendAnswer {
  readonly errorCode: number;
  readonly baseOffset: number;
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
  readonly recordErrors: readonly RecordFault[];
  readonly errorMessage: string | null;
}

/**
 * Checks a producer's batch and appends it, in one synchronous step: of two retries of one batch, the second always
 * finds the first. (I10)
 *
 * @param records the bytes in the request. The log takes them over: offset and epoch are set in place.
 */
export function appendProduced(
  log: PartitionLog,
  records: Buffer | null,
  arrival: Arrival,
  name: string,
): AppendAnswer {
  const { config } = log;
  const verdict = judgeBatch(records, config, arrival, name);
  if (verdict.kind === "refused") return refusal(verdict, log);
  const { header } = verdict;
  if (header.producerId >= 0) {
    const sequence = judgeSequence(log.producers.entry(header.producerId), header);
    if (sequence.kind === "duplicate") {
      const { lastOffset, offsetDelta, timestamp } = sequence.batch;
      return { ...accepted(log), baseOffset: lastOffset - offsetDelta, logAppendTimeMs: timestamp };
    }
    if (sequence.kind === "refused") return failure(ErrorCodes[sequence.error], sequence.message, log.logStartOffset);
    if (isTransactional(header)) {
      const error = arrival.judgeTransaction?.(header) ?? "INVALID_TXN_STATE";
      if (error !== "NONE") return failure(ErrorCodes[error], null, log.logStartOffset);
    }
  }
  const stamped = config.messageTimestampType === "LogAppendTime";
  try {
    const batch = inForcedCodec(records!, header, config);
    const tooLarge = batch === records ? undefined : judgeRecodedBytes(batch.length, config, name);
    if (tooLarge) return refusal(tooLarge, log);
    if (stamped) stampLogAppendTime(batch, 0, arrival.nowMs);
    const baseOffset = log.append(batch, batch === records && !stamped ? header : readBatchHeader(batch));
    return { ...accepted(log), baseOffset, logAppendTimeMs: stamped ? arrival.nowMs : -1 };
  } catch (error) {
    if (error instanceof MalformedError) return failure(ErrorCodes.INVALID_RECORD, error.message, log.logStartOffset);
    if (!(error instanceof KafkaError)) throw error;
    return failure(error.code, error.message, log.logStartOffset);
  }
}

/** The batch in the codec that the topic's `compression.type` forces; `batch` itself if it has that codec already. */
function inForcedCodec(batch: Buffer, header: BatchHeader, config: LogConfig): Buffer {
  const forced = config.forcedCompression;
  if (forced === undefined || codecNumber(forced.codec) === codecOf(header)) return batch;
  const records = decompress(codecOf(header), batch.subarray(BATCH_HEADER_BYTES));
  const compressed = compress(forced, records);
  const recoded = Buffer.allocUnsafe(BATCH_HEADER_BYTES + compressed.length);
  compressed.copy(recoded, BATCH_HEADER_BYTES);
  const attributes = (header.attributes & ~0x07) | codecNumber(forced.codec);
  writeBatchHeader(recoded, { ...header, sizeBytes: recoded.length, attributes, baseOffset: 0 });
  return recoded;
}

function accepted(log: PartitionLog) {
  return { errorCode: ErrorCodes.NONE, logStartOffset: log.logStartOffset, recordErrors: [], errorMessage: null };
}

function refusal(verdict: RefusedBatch, log: PartitionLog): AppendAnswer {
  const answer = failure(ErrorCodes[verdict.error], verdict.message, verdict.byLog ? log.logStartOffset : -1);
  return { ...answer, recordErrors: verdict.recordErrors };
}

/** The answer when nothing was appended. */
export function failure(errorCode: number, errorMessage: string | null, logStartOffset = -1): AppendAnswer {
  return { errorCode, baseOffset: -1, logAppendTimeMs: -1, logStartOffset, recordErrors: [], errorMessage };
}
