import type { Logger } from "../../api/index.js";
import { type Deferred, deferred } from "../../base/deferred.js";
import type { TargetState } from "../../contract/target-state.js";
import type { TaskStatus } from "./task-runner.js";

/**
 * What a run of a task was told, and how it ends: by being stopped, by its first failure, or given up. Owned by the
 * task's runner, which asks it before each step.
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

  /** Aborts when the run is to end, for whatever reason. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  get isEnding(): boolean {
    return this.#ending.signal.aborted;
  }

  /** It is to be paused, or is. */
  get isPaused(): boolean {
    return this.#targetState === "PAUSED";
  }

  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Nobody waits for it any more: it says and commits nothing. */
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

  /** The first failure ends the task; when it is stopping anyway, it is only logged. */
  fail(error: unknown): void {
    if (this.#isAbandoned) return;
    if (this.#stopRequested || this.#hasFailed) {
      this.logger.warn("The task failed while it was ending", {}, error);
    } else {
      this.logger.error("The task failed and ends; it has to be restarted by hand", {}, error);
      this.#hasFailed = true;
      this.status.fail(error);
    }
    this.#end();
  }

  /** Shows PAUSED and waits for as long as the task is to be paused. Resolves when it goes on (true) or ends (false). */
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
