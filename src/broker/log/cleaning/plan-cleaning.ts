import type { LogConfig } from "../log-config.js";

/** A segment, as planning sees it. `timestampMs`: the largest timestamp of its records, -1 for none. */
export interface CleanableSegment {
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly size: number;
  readonly timestampMs: number;
}

/**
 * The part of a log to clean: keys are mapped in [firstDirtyOffset, endOffset), segments below endOffset are rewritten.
 */
export interface CleaningPlan {
  readonly firstDirtyOffset: number;
  readonly endOffset: number;
  /** The dirty share of the cleanable bytes; the log with the highest is cleaned first. */
  readonly dirtyRatio: number;
}

/**
 * Plans the cleaning of a compacted log (min.cleanable.dirty.ratio, min. and max.compaction.lag.ms); undefined when it
 * is not due. The last segment of the list is the active one, which is never touched.
 *
 * @param cleanedUpTo the offset that the last cleaning reached.
 * @param stableOffset the last stable offset: whether the records of an open transaction count is not decided yet.
 */
export function planCleaning(
  segments: readonly CleanableSegment[],
  config: Pick<LogConfig, "cleanupPolicy" | "minCleanableDirtyRatio" | "minCompactionLagMs" | "maxCompactionLagMs">,
  cleanedUpTo: number,
  stableOffset: number,
  nowMs: number,
): CleaningPlan | undefined {
  if (!config.cleanupPolicy.has("compact")) return undefined;
  const sealed = segments.slice(0, -1);
  const first = sealed.findIndex(({ nextOffset, timestampMs }) => {
    const isTooYoung = config.minCompactionLagMs > 0 && timestampMs > nowMs - config.minCompactionLagMs;
    return isTooYoung || nextOffset > stableOffset;
  });
  const cleanable = first < 0 ? sealed : sealed.slice(0, first);
  const last = cleanable.at(-1);
  if (!last) return undefined;
  const firstDirtyOffset = Math.max(cleanedUpTo, cleanable[0]!.baseOffset);
  const dirty = cleanable.filter(({ nextOffset }) => nextOffset > firstDirtyOffset);
  const bytesOf = (list: readonly CleanableSegment[]) => list.reduce((sum, { size }) => sum + size, 0);
  const dirtyBytes = bytesOf(dirty);
  if (dirtyBytes === 0) return undefined;
  const dirtyRatio = dirtyBytes / bytesOf(cleanable);
  const overdue = dirty.some(({ timestampMs }) => timestampMs >= 0 && nowMs - timestampMs > config.maxCompactionLagMs);
  if (dirtyRatio <= config.minCleanableDirtyRatio && !overdue) return undefined;
  return { firstDirtyOffset, endOffset: last.nextOffset, dirtyRatio };
}

/**
 * Groups neighbouring segments that fit into one, so that repeated cleaning does not leave ever more small segments.
 */
export function groupSegments<S extends Omit<CleanableSegment, "timestampMs">>(
  segments: readonly S[],
  segmentBytes: number,
): S[][] {
  const groups: S[][] = [];
  let bytes = 0;
  for (const segment of segments) {
    const group = groups.at(-1);
    const fits = group && bytes + segment.size <= segmentBytes && segment.nextOffset - group[0]!.baseOffset < 2 ** 31;
    if (fits) {
      group.push(segment);
      bytes += segment.size;
    } else {
      groups.push([segment]);
      bytes = segment.size;
    }
  }
  return groups;
}
