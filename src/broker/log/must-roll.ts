import type { BatchHeader } from "../../protocol/records/record-batch.js";
import type { LogConfig } from "./log-config.js";
import { lastOffset } from "./segments/batch-walk.js";

/** The indexes of a segment hold offsets relative to its base in 32 bits. */
const MAX_RELATIVE_OFFSET = 2 ** 31 - 1;

/** The active segment, as far as rolling depends on it. `firstTimestamp` is -1 when it is unknown. */
export interface RollableSegment {
  readonly baseOffset: number;
  readonly size: number;
  readonly firstTimestamp: number;
}

/**
 * Whether a batch must begin a new segment (segment.bytes, segment.ms). An empty one always takes it.
 *
 * @param bytes of the batch.
 * @param placed its header, with its offset in the log.
 */
export function mustRoll(
  active: RollableSegment,
  bytes: number,
  placed: BatchHeader,
  { segmentBytes, segmentMs }: Pick<LogConfig, "segmentBytes" | "segmentMs">,
): boolean {
  if (active.size === 0) return false;
  const isFull = active.size + bytes > segmentBytes;
  const isAged = active.firstTimestamp >= 0 && placed.maxTimestampMs - active.firstTimestamp > segmentMs;
  return isFull || isAged || lastOffset(placed) - active.baseOffset > MAX_RELATIVE_OFFSET;
}
