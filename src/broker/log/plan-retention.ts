import type { LogConfig } from "./log-config.js";

/** A segment, as retention judges it: by its largest timestamp, or if that is -1 by the time of its last write. */
export interface AgedSegment {
  readonly nextOffset: number;
  readonly size: number;
  readonly maxTimestamp: number;
  readonly modifiedMs: number;
}

/**
 * The number of a log's oldest segments to delete (cleanup.policy `delete`; log.retention.*): those wholly below the
 * log's start, then those beyond retention.bytes or retention.ms. Stops at the first one to keep. The active segment is
 * the last of the list. If it is counted, which needs records in it, the caller first rolls to a new one.
 */
export function planRetention(
  segments: readonly AgedSegment[],
  config: Pick<LogConfig, "cleanupPolicy" | "retentionBytes" | "retentionMs">,
  logStartOffset: number,
  nowMs: number,
): number {
  let remainingBytes = segments.reduce((sum, { size }) => sum + size, 0);
  let count = 0;
  for (const [at, segment] of segments.entries()) {
    const below = segment.nextOffset <= logStartOffset;
    const deletes = config.cleanupPolicy.has("delete");
    const beyondSize = config.retentionBytes >= 0 && remainingBytes - segment.size >= config.retentionBytes;
    const beyondTime = config.retentionMs >= 0 && nowMs - timestampOf(segment) > config.retentionMs;
    if ((segment.size === 0 && at === segments.length - 1) || !(below || (deletes && (beyondSize || beyondTime))))
      break;
    remainingBytes -= segment.size;
    count++;
  }
  return count;
}

function timestampOf(segment: AgedSegment): number {
  return segment.maxTimestamp >= 0 ? segment.maxTimestamp : segment.modifiedMs;
}
