import { ErrorCodes, errorCode } from "../../protocol/error-codes.js";

/** The reaction to a partition's answer. */
export type ProduceVerdict = "acknowledge" | "retry" | "split" | "fail";

/**
 * Judges a partition's error code. A batch that is too large is split while it has more than one record; any other
 * error that is not retriable fails the batch.
 */
export function judgeProduce(code: number, recordCount: number): ProduceVerdict {
  // The broker has this batch of an idempotent producer from an earlier attempt, too old to know its offset.
  if (code === ErrorCodes.NONE || code === ErrorCodes.DUPLICATE_SEQUENCE_NUMBER) return "acknowledge";
  const tooLarge = code === ErrorCodes.MESSAGE_TOO_LARGE || code === ErrorCodes.RECORD_LIST_TOO_LARGE;
  if (tooLarge) return recordCount > 1 ? "split" : "fail";
  return errorCode(code).retriable ? "retry" : "fail";
}
