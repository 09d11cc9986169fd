import type { PartitionLog } from "../partition-log.js";
import type { CleanedSegment } from "../segments/cleaned-segment.js";
import type { AbortedTransaction } from "../segments/transaction-index.js";
import type { CleaningPlan } from "./plan-cleaning.js";

/** A sealed segment of a log that is being cleaned. */
export interface JobSegment {
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly size: number;
}

/** The last thing that a log knows of a producer. */
export interface LastOfProducer {
  readonly producerId: number;
  readonly epoch: number;
  /** Of its last batch; -1: it has none since its epoch began. */
  readonly lastOffset: number;
}

/**
 * Everything that a cleaning needs to know of a log, so that another thread can carry it out: plain data, as of the
 * moment in which the cleaning begins. The log goes on meanwhile, which makes nothing of this wrong: sealed segments do
 * not change, and what was a producer's last batch or the log's end is kept, although it may be so no longer.
 */
export interface CleaningJob {
  readonly folder: string;
  /** Sealed, and rising; the first one is the log's. */
  readonly segments: readonly JobSegment[];
  readonly firstDirtyOffset: number;
  /** Where the last segment ends. */
  readonly endOffset: number;
  /** Transactions with records before `endOffset`, in the order of their markers. */
  readonly aborted: readonly AbortedTransaction[];
  readonly producers: readonly LastOfProducer[];
  readonly logEndOffset: number;
  readonly segmentBytes: number;
  readonly indexIntervalBytes: number;
  readonly deleteRetentionMs: number;
  readonly nowMs: number;
  /** Memory for the map of keys (log.cleaner.dedupe.buffer.size). */
  readonly dedupeBufferBytes: number;
}

/** Neighbouring segments that a cleaning has rewritten as one. */
export interface CleanedGroup {
  /** Base offsets of the segments that are to be replaced, rising. */
  readonly bases: readonly number[];
  /** Undefined: none of their records is left, and the log does without them. */
  readonly segment: CleanedSegment | undefined;
}

/** Describes the cleaning of a log as planned. */
export function describeCleaning(
  log: PartitionLog,
  { firstDirtyOffset, endOffset }: CleaningPlan,
  { nowMs, dedupeBufferBytes }: Pick<CleaningJob, "nowMs" | "dedupeBufferBytes">,
): CleaningJob {
  const { folder, logEndOffset, config } = log;
  const sealed = log.segments.slice(0, -1).filter(({ baseOffset }) => baseOffset < endOffset);
  const producers: LastOfProducer[] = [];
  for (const { producerId, epoch, batches } of log.producers.entries()) {
    const lastOffset = batches.at(-1)?.lastOffset ?? -1;
    // Of the others the cleaning meets neither the last batch nor the marker that began the epoch.
    if (lastOffset < endOffset) producers.push({ producerId, epoch, lastOffset });
  }
  return {
    folder,
    segments: sealed.map(({ baseOffset, nextOffset, size }) => ({ baseOffset, nextOffset, size })),
    firstDirtyOffset,
    endOffset,
    aborted: log.reader.abortedTransactions(log.segments[0]!.baseOffset, endOffset),
    producers,
    logEndOffset,
    segmentBytes: config.segmentBytes,
    indexIntervalBytes: config.indexIntervalBytes,
    deleteRetentionMs: config.deleteRetentionMs,
    nowMs,
    dedupeBufferBytes,
  };
}
