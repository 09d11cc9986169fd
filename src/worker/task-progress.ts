import type { TaskMetrics } from "./worker.js";

/** A task's last progress, as its metrics show it. */
export interface TaskProgress {
  /** Records read, written or given up, and commits so far: any of them grows with progress. */
  readonly moved: number;
  /** The work that it had left then. */
  readonly lag: number;
  /** When that was seen, on the monotonic clock. */
  readonly sinceMs: number;
}

/** The progress as of `metrics`. A task without work left counts as making progress. */
export function progressOf(before: TaskProgress | undefined, metrics: TaskMetrics, nowMs: number): TaskProgress {
  const { recordsRead, recordsWritten, recordsSkipped, recordErrors, commits } = metrics;
  const moved = recordsRead + recordsWritten + recordsSkipped + recordErrors + commits;
  const lag = lagOf(metrics);
  if (before && moved === before.moved && lag > 0 && lag >= before.lag) return before;
  return { moved, lag, sinceMs: nowMs };
}

/**
 * Whether a task makes no progress although it has work: a sink has records to read or to put, a source has records
 * that Kafka has not acknowledged, or its source grows while it polls nothing. A source that lags without growing may
 * have nothing to return: an unfinished line, for example. Records that only wait for the boundary of their transaction
 * do not count: an interval may be hours long, and a connector chooses its own. Nor do records that were put and are not
 * committed: a sink may hold them for hours.
 */
export function isHeldUp(progress: TaskProgress, metrics: TaskMetrics): boolean {
  const lag = lagOf(metrics);
  return metrics.type === "sink" || inFlight(metrics) > 0 ? lag > 0 : lag > progress.lag;
}

/** The text for the status of a task that is held up. */
export function heldUpText(
  { type, lagRecords, activeRecords, pendingRecords, source }: TaskMetrics,
  heldUpMs: number,
): string {
  const seconds = Math.round(heldUpMs / 1000);
  if (type === "sink") {
    return `no progress for ${seconds} s: nothing was put or committed, with ${pendingRecords} records to put and ${lagRecords} to read`;
  }
  const behind = source?.lagBytes === undefined ? "" : `, ${source.lagBytes} bytes behind its source`;
  return `no progress for ${seconds} s: nothing was polled or acknowledged, with ${activeRecords} records to acknowledge${behind}`;
}

function lagOf(metrics: TaskMetrics): number {
  const { type, lagRecords, pendingRecords, source } = metrics;
  return type === "sink" ? lagRecords + pendingRecords : inFlight(metrics) + (source?.lagBytes ?? 0);
}

function inFlight({ activeRecords, awaitingBoundary }: TaskMetrics): number {
  return activeRecords - awaitingBoundary;
}
