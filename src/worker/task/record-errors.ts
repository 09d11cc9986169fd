import { type Clock, DataError, type Logger, type Random } from "../../api/index.js";
import { errorMessage } from "../../base/error-trace.js";
import type { TaskId } from "../../contract/task-id.js";
import { isNotPrepared } from "./converter-preparation.js";
import { type ErrorPolicy, judgeFailure, NeverTolerated, type Stage } from "./error-policy.js";
import type { TaskCounters } from "./task-counters.js";

/** A record that failed, and where: all that reporters say of it. */
export interface FailedRecord<R> {
  readonly record: R;
  readonly stage: Stage;
  /** The class that was at work. */
  readonly className: string;
  readonly error: unknown;
}

/** Takes note of records that failed, whatever becomes of them and of the task. */
export interface FailureReporter<R> {
  /** Resolves once the report is taken over, or with `untilWritten`, once it is safe. */
  report(failed: FailedRecord<R>, untilWritten: boolean): Promise<void>;
}

export type Outcome<T> =
  | { readonly kind: "done"; readonly value: T }
  | { readonly kind: "skipped" }
  | { readonly kind: "fatal"; readonly error: Error };

export interface RecordErrorsParts<R> {
  readonly id: TaskId;
  readonly policy: ErrorPolicy;
  readonly reporters: readonly FailureReporter<R>[];
  /** Says where a record stands (`consumed record is {topic=…`), never what it holds. */
  readonly describe: (record: R) => string;
  readonly counters: TaskCounters;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Ends waiting for another attempt: the record then counts as failed, not as skipped. */
  readonly stopping: AbortSignal;
}

/**
 * Carries out a task's error policy for single records (KIP-298). Only records that failed get here: the caller tries
 * a stage once by itself, so that good records cost neither closure nor promise.
 */
export class RecordErrors<R> {
  constructor(private readonly parts: RecordErrorsParts<R>) {}

  get policy(): ErrorPolicy {
    return this.parts.policy;
  }

  /**
   * Goes on after the first attempt threw `firstError`. Never throws, but for what a reporter throws. (I8)
   *
   * @param at the stage that the last attempt failed in.
   * @param again the same attempt; prepares converters that ask for it (converter-preparation).
   */
  async recover<T>(
    record: R,
    at: () => Pick<FailedRecord<R>, "stage" | "className">,
    firstError: unknown,
    again: () => Promise<T>,
  ): Promise<Outcome<T>> {
    const { policy, clock, random, stopping, counters } = this.parts;
    const startedMs = clock.monotonicMs();
    let error = firstError;
    // Not a failure yet, and so tried again whatever the policy.
    if (isNotPrepared(firstError)) {
      try {
        return { kind: "done", value: await again() };
      } catch (next) {
        error = next;
      }
    }
    for (let attempt = 1; ; attempt++) {
      if (error instanceof NeverTolerated) return { kind: "fatal", error: error.reason };
      const { stage, className } = at();
      counters.recordsFailed++;
      const elapsedMs = clock.monotonicMs() - startedMs;
      const verdict = judgeFailure(policy, stage, error, attempt, elapsedMs, random.next());
      if (verdict.kind !== "retry") return this.#give(up(verdict), { record, stage, className, error });
      await clock.delay(verdict.delayMs, stopping);
      if (stopping.aborted) return { kind: "fatal", error: this.#fatal({ record, stage, className, error }, true) };
      try {
        return { kind: "done", value: await again() };
      } catch (next) {
        error = next;
      }
    }
  }

  /** The same for a record whose stage cannot be tried again here (an answer that came later, a task's own report). */
  async settle(failed: FailedRecord<R>): Promise<Outcome<never>> {
    this.parts.counters.recordsFailed++;
    const verdict = judgeFailure({ ...this.policy, retryTimeoutMs: 0 }, failed.stage, failed.error, 1, 0, 0);
    return this.#give(up(verdict), failed);
  }

  /** A record that the task itself reports and goes on without; resolves once the reports are written. (I8) */
  async reportErrant(record: R, className: string, error: unknown): Promise<void> {
    this.parts.counters.recordsFailed++;
    this.parts.counters.recordsSkipped++;
    const failed: FailedRecord<R> = { record, stage: "TASK_PUT", className, error };
    for (const reporter of this.parts.reporters) await reporter.report(failed, true);
  }

  async #give(verdict: "skip" | "fail" | "fail-always", failed: FailedRecord<R>): Promise<Outcome<never>> {
    for (const reporter of this.parts.reporters) await reporter.report(failed, false);
    if (verdict === "skip") {
      this.parts.counters.recordsSkipped++;
      this.#tellUnreported(failed);
      return { kind: "skipped" };
    }
    return { kind: "fatal", error: this.#fatal(failed, verdict === "fail") };
  }

  /** Tolerated without log and dead letter queue, records would vanish without a trace: the 1st, 10th, 100th … is told. */
  #tellUnreported({ record, error }: FailedRecord<R>): void {
    const { reporters, counters, logger, describe } = this.parts;
    if (reporters.length > 0 || !Number.isInteger(Math.log10(counters.recordsSkipped))) return;
    logger.warn(
      `errors.tolerance=all drops bad records, reported nowhere: set errors.log.enable or a dead letter queue: ${errorMessage(error)}, where ${describe(record)}`,
      { droppedSoFar: counters.recordsSkipped },
    );
  }

  #fatal({ record, stage, className, error: cause }: FailedRecord<R>, tolerable: boolean): Error {
    const where = this.parts.describe(record);
    const why = tolerable ? "Tolerance exceeded in error handler" : "Unhandled exception in error handler";
    return new DataError("TOLERANCE_EXCEEDED", `${why}: stage ${stage} of ${className} failed, where ${where}`, {
      cause,
    });
  }
}

function up(verdict: ReturnType<typeof judgeFailure>): "skip" | "fail" | "fail-always" {
  if (verdict.kind === "skip") return "skip";
  return verdict.kind === "fail" && !verdict.tolerable ? "fail-always" : "fail";
}

/** Writes each failed record to the log, if `errors.log.enable` (KIP-298). Never its key or value. */
export class LogReporter<R> implements FailureReporter<R> {
  constructor(
    private readonly id: TaskId,
    private readonly logger: Logger,
    /** Says which record it was (`consumed record is {…}`); undefined unless errors.log.include.messages. */
    private readonly describe: ((record: R) => string) | undefined,
  ) {}

  async report({ record, stage, className, error }: FailedRecord<R>): Promise<void> {
    const where = this.describe ? `, where ${this.describe(record)}` : "";
    const { connector, task } = this.id;
    this.logger.error(
      `Error encountered in task ${connector}-${task}. Executing stage '${stage}' with class '${className}'${where}.`,
      {},
      error,
    );
  }
}
