import { type Clock, DataError, type Logger, type Random } from "../../api/index.js";
import { errorMessage } from "../../base/trace/error-trace.js";
import type { TaskId } from "../../contract/task-id.js";
import { isNotPrepared } from "./converter-preparation.js";
import { type ErrorPolicy, judgeFailure, NeverTolerated, type Stage } from "./error-policy.js";
import type { TaskCounters } from "./task-counters.js";

/** A failed record, as reporters describe it. */
export interface FailedRecord<R> {
  readonly record: R;
  readonly stage: Stage;
  /** The converter or task that failed. */
  readonly className: string;
  readonly error: unknown;
}

/** Records failures, whether they are tolerated or end the task. */
export interface FailureReporter<R> {
  /** Resolves once the reporter has taken the report, or with `untilWritten`, once the report is safe. */
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
  /** The record's position (`consumed record is {topic=…`), never its content. */
  readonly describe: (record: R) => string;
  readonly counters: TaskCounters;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Ends the wait for another attempt: the record then counts as failed, not as skipped. */
  readonly stopping: AbortSignal;
}

/**
 * Applies a task's error policy to single records (KIP-298). The caller tries each stage once by itself, so that good
 * records cost neither closure nor promise; only failed ones get here.
 */
export class RecordErrors<R> {
  /** Tolerated failures that nothing has reported. */
  #unreported = 0;

  constructor(private readonly parts: RecordErrorsParts<R>) {}

  get policy(): ErrorPolicy {
    return this.parts.policy;
  }

  /**
   * Continues after the first attempt threw `firstError`. Throws only a reporter's error. (I8)
   *
   * @param at the stage that the last attempt failed in.
   * @param again the same attempt, which also prepares converters that request it (converter-preparation).
   */
  async recover<T>(
    record: R,
    at: () => Pick<FailedRecord<R>, "stage" | "className">,
    firstError: unknown,
    again: () => Promise<T>,
  ): Promise<Outcome<T>> {
    const { policy, clock, random, stopping, counters } = this.parts;
    let startedMs = clock.monotonicMs();
    let failing = "";
    let error = firstError;
    // Not a failure yet: the policy does not apply to this attempt.
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
      if (failing !== "" && failing !== `${stage} ${className}`) {
        // Each stage has a retry time of its own.
        startedMs = clock.monotonicMs();
        attempt = 1;
      }
      failing = `${stage} ${className}`;
      counters.recordsFailed++;
      const elapsedMs = clock.monotonicMs() - startedMs;
      const verdict = judgeFailure(policy, stage, error, attempt, elapsedMs, random.next());
      if (verdict.kind !== "retry") return this.#conclude(up(verdict), { record, stage, className, error });
      await clock.delay(verdict.delayMs, stopping);
      if (stopping.aborted) return { kind: "fatal", error: this.#fatal({ record, stage, className, error }, true) };
      counters.retries++;
      try {
        return { kind: "done", value: await again() };
      } catch (next) {
        error = next;
      }
    }
  }

  /** As `recover`, for a stage that cannot be retried here, such as a failed produce request. */
  async settle(failed: FailedRecord<R>): Promise<Outcome<never>> {
    this.parts.counters.recordsFailed++;
    const verdict = judgeFailure({ ...this.policy, retryTimeoutMs: 0 }, failed.stage, failed.error, 1, 0, 0);
    return this.#conclude(up(verdict), failed);
  }

  /** A transformation has dropped a record. */
  noteDropped(): void {
    this.parts.counters.recordsSkipped++;
  }

  /**
   * A bad record that the task reports itself and skips (KIP-610). Resolves once the reports are written (I8), with the
   * error that must end the task unless errors.tolerance=all.
   */
  async reportErrant(record: R, className: string, error: unknown): Promise<Error | undefined> {
    const isTolerated = this.policy.tolerance === "all";
    this.parts.counters.recordsFailed++;
    if (isTolerated) this.parts.counters.recordsSkipped++;
    const failed: FailedRecord<R> = { record, stage: "TASK_PUT", className, error };
    await this.#report(failed, true);
    return isTolerated ? undefined : this.#fatal(failed, true);
  }

  async #conclude(verdict: "skip" | "fail" | "fail-always", failed: FailedRecord<R>): Promise<Outcome<never>> {
    await this.#report(failed, false);
    if (verdict === "skip") {
      this.parts.counters.recordsSkipped++;
      this.#warnUnreported(failed);
      return { kind: "skipped" };
    }
    return { kind: "fatal", error: this.#fatal(failed, verdict === "fail") };
  }

  /** Counts and reports a record that is given up. */
  async #report(failed: FailedRecord<R>, untilWritten: boolean): Promise<void> {
    const { reporters, counters, clock } = this.parts;
    counters.recordErrors++;
    counters.lastErrorMs = clock.nowMs();
    for (const reporter of reporters) {
      await reporter.report(failed, untilWritten);
      if (reporter instanceof LogReporter) counters.errorsLogged++;
    }
  }

  /** Without log and dead letter queue, tolerated records would vanish unseen: warns at the 1st, 10th, 100th … */
  #warnUnreported({ record, error }: FailedRecord<R>): void {
    const { reporters, logger, describe } = this.parts;
    if (reporters.length > 0) return;
    this.#unreported++;
    if (!Number.isInteger(Math.log10(this.#unreported))) return;
    logger.warn(
      `errors.tolerance=all drops bad records without a report; set errors.log.enable or a dead letter queue: ${errorMessage(error)}, where ${describe(record)}`,
      { droppedSoFar: this.#unreported },
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

/** Logs each failed record if `errors.log.enable` (KIP-298), without its key and value. */
export class LogReporter<R> implements FailureReporter<R> {
  constructor(
    private readonly id: TaskId,
    private readonly logger: Logger,
    /** Identifies the record (`consumed record is {…}`); undefined unless errors.log.include.messages. */
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
