import type { Logger } from "../../api/index.js";
import { type Deferred, deferred } from "../../base/deferred.js";
import type { TargetState } from "../../contract/target-state.js";
import type { TaskStatus } from "./task-runner.js";

/**
 * The commands to a run of a task, and its end: by a stop, by its first failure, or abandoned. Owned by the task's
 * runner, which checks it before each step.
 */
export class TaskLife {
  readonly #ending = new AbortController();
  #targetState: TargetState = "STARTED";
  #resumed: Deferred<void> = deferred();
  #stopRequested = false;
  #hasFailed = false;
  #isAbandoned = false;

  constructor(
    private readonly status: TaskStatus,
    private readonly logger: Logger,
  ) {}

  /** Aborts when the run must end, for any reason. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  get isEnding(): boolean {
    return this.#ending.signal.aborted;
  }

  /** It must pause, or is paused. */
  get isPaused(): boolean {
    return this.#targetState === "PAUSED";
  }

  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** No caller waits for it any more: it must not report or commit. */
  get isAbandoned(): boolean {
    return this.#isAbandoned;
  }

  setTargetState(state: TargetState): void {
    this.#targetState = state;
    if (state === "STOPPED") this.stop();
    else if (state === "STARTED") this.#resumed.resolve();
  }

  stop(): void {
    this.#stopRequested = true;
    this.#end();
  }

  abandon(): void {
    this.#isAbandoned = true;
    this.#end();
  }

  /** The first failure ends the task. A failure during the end is only logged. */
  fail(error: unknown): void {
    if (this.#isAbandoned) return;
    if (this.#stopRequested || this.#hasFailed) {
      this.logger.warn("The task failed while it was ending", {}, error);
    } else {
      this.logger.error("The task failed and ends; restart it through the REST API", {}, error);
      this.#hasFailed = true;
      this.status.fail(error);
    }
    this.#end();
  }

  /** While the task must pause, shows PAUSED and waits. Resolves true when it resumes, false when it ends. */
  async untilResumed(): Promise<boolean> {
    while (this.isPaused && !this.isEnding) {
      this.#resumed = deferred();
      this.status.set("PAUSED");
      await this.#resumed.promise;
    }
    return !this.isEnding;
  }

  #end(): void {
    this.#ending.abort();
    this.#resumed.resolve();
  }
}
