import type { Clock, ErrorKind, Logger, Props } from "../api/index.js";
import { deferred } from "../base/deferred.js";
import type { TargetState } from "../contract/target-state.js";
import type { TaskId } from "../contract/task-id.js";
import type { Failure } from "./host/failure.js";
import { StateTimes } from "./state-times.js";
import { heldUpText, isHeldUp, progressOf, type TaskProgress } from "./task-progress.js";
import type { TaskMetrics, TaskSnapshot, TaskState, WorkerListener } from "./worker.js";

export interface HostedTaskParts {
  readonly listener: Pick<WorkerListener, "taskStatus">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** `task.progress.timeout.ms`; 0: a task without progress is not named. */
  readonly progressTimeoutMs: number;
  /** Called once per task, with the first state that it reaches. */
  started(state: TaskState): void;
}

/** A task of this worker: its run in a task host, its state as last reported, and whether it makes progress. */
export class HostedTask {
  /** Number of its current run, unique on this worker. */
  run: number;
  /** The task host that it runs in. */
  host: number;
  targetState: TargetState;
  /** Its host was asked to stop it. */
  isStopping = false;
  /** Resolves once its run is over. */
  readonly ended = deferred();
  readonly #times: StateTimes<TaskState>;
  #hasStarted = false;
  #state: TaskState = "UNASSIGNED";
  #trace: string | null = null;
  #version: string | null = null;
  /** The cause of its runner's wait, as reported. */
  #waitingFor: string | null = null;
  /** While RUNNING. */
  #progress: TaskProgress | undefined;
  #heldUpMs = 0;
  /** The text of a standstill that the status shows. */
  #standstill: string | null = null;

  /** @param start what it is started with, and started with again when another task has ended its host. */
  constructor(
    readonly id: TaskId,
    readonly start: { readonly connectorProps: Props; readonly taskProps: Props; readonly taskCount: number },
    private readonly parts: HostedTaskParts,
    { run, host, targetState }: { readonly run: number; readonly host: number; readonly targetState: TargetState },
  ) {
    this.run = run;
    this.host = host;
    this.targetState = targetState;
    this.#times = new StateTimes<TaskState>("UNASSIGNED", parts.clock.monotonicMs());
  }

  get state(): TaskState {
    return this.#state;
  }

  get version(): string | null {
    return this.#version;
  }

  /** @param nowMs monotonic */
  snapshot(nowMs: number): TaskSnapshot {
    return {
      id: this.id,
      state: this.#state,
      trace: this.#trace,
      version: this.#version,
      runningRatio: this.#times.ratio("RUNNING", nowMs),
      pausedRatio: this.#times.ratio("PAUSED", nowMs),
      heldUpMs: this.#heldUpMs,
    };
  }

  /** @param waitingFor the cause of a wait for Kafka or another system, shown in the status. */
  enter(state: TaskState, waitingFor: string | null, version: string | null): void {
    const { connector, task } = this.id;
    this.#waitingFor = waitingFor;
    this.parts.logger.info(`A task is ${state}`, { connector, task, waitingFor: waitingFor ?? undefined });
    // A cause of waiting that goes away must not take the standstill out of the status.
    this.#report(state, waitingFor ?? (state === "RUNNING" ? this.#standstill : null), version);
  }

  fail({ kind, code, trace }: Failure, version: string | null): void {
    const { connector, task } = this.id;
    // The log has the trace already, from where the task failed.
    this.parts.logger.info("A task is FAILED", { connector, task, kind: kind ?? undefined, code: code ?? undefined });
    this.#report("FAILED", trace, version, kind);
  }

  /**
   * Called with each of its host's reports. Names the task in the log and the status once it has made no progress for
   * `progressTimeoutMs` although it has work left, and logs when it goes on.
   */
  watch(metrics: TaskMetrics): void {
    const { clock, logger, progressTimeoutMs } = this.parts;
    if (this.#state !== "RUNNING") return;
    const nowMs = clock.monotonicMs();
    this.#progress = progressOf(this.#progress, metrics, nowMs);
    this.#heldUpMs = isHeldUp(this.#progress, metrics) ? nowMs - this.#progress.sinceMs : 0;
    const isLate = progressTimeoutMs > 0 && this.#heldUpMs >= progressTimeoutMs;
    if (isLate === (this.#standstill !== null)) return;
    const why = isLate ? heldUpText(metrics, this.#heldUpMs) : null;
    const { connector, task } = this.id;
    if (why === null) logger.info("A task makes progress again", { connector, task });
    else logger.warn("A task makes no progress", { connector, task, why });
    this.#standstill = why;
    this.#report("RUNNING", this.#waitingFor ?? why, this.#version);
  }

  #report(state: TaskState, trace: string | null, version: string | null, kind?: ErrorKind | null): void {
    if (!this.#hasStarted) {
      this.#hasStarted = true;
      this.parts.started(state);
    }
    if (state !== "RUNNING") {
      this.#progress = undefined;
      this.#heldUpMs = 0;
      this.#standstill = null;
    }
    this.#times.enter(state, this.parts.clock.monotonicMs());
    this.#state = state;
    this.#trace = trace;
    this.#version = version;
    this.parts.listener.taskStatus(this.id, state, trace, version, kind);
  }
}
