import type { TaskId } from "../../contract/task-id.js";
import type { TaskMetrics } from "../worker.js";

/** A task's counters. Only its runner writes them. */
export class TaskCounters {
  recordsRead = 0;
  recordsWritten = 0;
  recordsSkipped = 0;
  recordsFailed = 0;
  batches = 0;
  batchRecordsMax = 0;
  commits = 0;
  commitFailures = 0;
  taskTimeMs = 0;

  constructor(
    private readonly id: TaskId,
    private readonly type: TaskMetrics["type"],
  ) {}

  /** Counts one non-empty batch. */
  batch(records: number): void {
    this.recordsRead += records;
    this.batches++;
    if (records > this.batchRecordsMax) this.batchRecordsMax = records;
  }

  snapshot(lagRecords: number, lagBytes: number): TaskMetrics {
    const { id, type, recordsRead, recordsWritten, recordsSkipped, recordsFailed, batches, batchRecordsMax } = this;
    const { commits, commitFailures, taskTimeMs } = this;
    return {
      id,
      type,
      recordsRead,
      recordsWritten,
      recordsSkipped,
      recordsFailed,
      batches,
      batchRecordsMax,
      commits,
      commitFailures,
      lagRecords,
      lagBytes,
      taskTimeMs,
    };
  }
}
