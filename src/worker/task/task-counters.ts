import { WindowExtreme } from "../../base/metrics/window-extreme.js";
import type { TaskId } from "../../contract/task-id.js";
import type { TaskMetrics } from "../worker.js";

/** The part of a task's metrics that its runner reads from its parts at each report. */
export type TaskGauges = Pick<
  TaskMetrics,
  | "lagRecords"
  | "lagRecordsMax"
  | "lagBytes"
  | "activeRecords"
  | "awaitingBoundary"
  | "pendingRecords"
  | "source"
  | "own"
  | "partitions"
  | "deadLetters"
  | "clients"
>;

/** A task's counters, plain numbers because they are counted per record. Only its runner and its parts write them. */
export class TaskCounters {
  recordsRead = 0;
  recordsWritten = 0;
  recordsSkipped = 0;
  recordsFailed = 0;
  recordErrors = 0;
  retries = 0;
  errorsLogged = 0;
  /** Wall-clock time of the last error. */
  lastErrorMs: number | null = null;
  batches = 0;
  commits = 0;
  commitFailures = 0;
  commitTimeMs = 0;
  taskTimeMs = 0;
  #transactions = 0;
  #transactionRecords = 0;
  #calls = 0;
  #callTimeMs = 0;
  readonly #batchMax = new WindowExtreme("max");
  readonly #transactionMax = new WindowExtreme("max");
  readonly #transactionMin = new WindowExtreme("min");
  readonly #callMaxMs = new WindowExtreme("max");
  readonly #commitMaxMs = new WindowExtreme("max");
  readonly #activeMax = new WindowExtreme("max");

  constructor(
    private readonly id: TaskId,
    private readonly type: TaskMetrics["type"],
  ) {}

  // `nowMs` is monotonic in all of them.

  /** Counts one non-empty batch. */
  batch(records: number, nowMs: number): void {
    this.recordsRead += records;
    this.batches++;
    this.#batchMax.note(records, nowMs);
  }

  /** A `poll` returned records, or a `put` took some. */
  called(tookMs: number, nowMs: number): void {
    this.#calls++;
    this.#callTimeMs += tookMs;
    this.#callMaxMs.note(tookMs, nowMs);
  }

  /** A commit ended, in success or not. */
  committed(tookMs: number, nowMs: number): void {
    this.commitTimeMs += tookMs;
    this.#commitMaxMs.note(tookMs, nowMs);
  }

  /** A transaction of a source with so many records was committed. */
  transaction(records: number, nowMs: number): void {
    this.#transactions++;
    this.#transactionRecords += records;
    this.#transactionMax.note(records, nowMs);
    this.#transactionMin.note(records, nowMs);
  }

  /** Records that are read and not done, now. */
  active(records: number, nowMs: number): void {
    this.#activeMax.note(records, nowMs);
  }

  snapshot(gauges: TaskGauges, nowMs: number): TaskMetrics {
    const { recordsRead, recordsWritten, recordsSkipped, recordsFailed, recordErrors, retries, errorsLogged } = this;
    const { lastErrorMs, batches, commits, commitFailures, commitTimeMs, taskTimeMs } = this;
    this.active(gauges.activeRecords, nowMs);
    return {
      id: this.id,
      type: this.type,
      recordsRead,
      recordsWritten,
      recordsSkipped,
      recordsFailed,
      recordErrors,
      retries,
      errorsLogged,
      lastErrorMs,
      batches,
      batchRecordsMax: this.#batchMax.value(nowMs),
      commits,
      commitFailures,
      commitTimeMs,
      commitMaxMs: this.#commitMaxMs.value(nowMs),
      transactions: this.#transactions,
      transactionRecords: this.#transactionRecords,
      transactionRecordsMax: this.#transactionMax.value(nowMs),
      transactionRecordsMin: this.#transactionMin.value(nowMs),
      ...gauges,
      activeRecordsMax: this.#activeMax.value(nowMs),
      taskTimeMs,
      calls: this.#calls,
      callTimeMs: this.#callTimeMs,
      callMaxMs: this.#callMaxMs.value(nowMs),
    };
  }
}
