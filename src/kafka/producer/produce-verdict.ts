import { ErrorCodes, errorCode } from "../../protocol/error-codes.js";

/** What to do with a batch after its partition's answer. */
export type ProduceVerdict = "acknowledge" | "retry" | "split" | "fail";

/**
 * Judges a partition's error code. A batch that is too large is cut and sent again as long as it holds more than one
 * record; everything else that cannot heal by itself fails.
 */
export function judgeProduce(code: number, recordCount: number): ProduceVerdict {
  if (code === ErrorCodes.NONE) return "acknowledge";
  const tooLarge = code === ErrorCodes.MESSAGE_TOO_LARGE || code === ErrorCodes.RECORD_LIST_TOO_LARGE;
  if (tooLarge) return recordCount > 1 ? "split" : "fail";
  return errorCode(code).retriable ? "retry" : "fail";
}
