import type { TaskId } from "./worker.js";

/** A task's counters since it started. Counts only grow; what is "now" is said so. */
export interface TaskMetrics {
  readonly id: TaskId;
  readonly type: "source" | "sink";
  /** Records that `poll` gave, or that were read from topics. */
  readonly recordsRead: number;
  /** Records acknowledged by the broker, or accepted by `put`. */
  readonly recordsWritten: number;
  /** Records dropped: by a transformation, or as tolerated errors. */
  readonly recordsSkipped: number;
  /** Records that failed a stage, whatever the tolerance made of them. */
  readonly recordsFailed: number;
  /** Batches that were not empty, and the largest of them. */
  readonly batches: number;
  readonly batchRecordsMax: number;
  /** Offset commits that succeeded and failed. */
  readonly commits: number;
  readonly commitFailures: number;
  /** Source: records submitted and not settled, now. Sink: records behind the end of the partitions, when last fetched. */
  readonly lagRecords: number;
  /** Source: bytes in the producer's buffer, now. Sink: 0. */
  readonly lagBytes: number;
  /** Milliseconds spent inside `poll` or `put`. */
  readonly taskTimeMs: number;
}
