import { ConflictError, RetriableError } from "../../api/index.js";
import type { TaskId } from "../../contract/task-id.js";
import type { SourceFencing } from "../../worker/worker.js";

export interface TaskFencingOptions {
  /** Has the leader fence the connector's earlier tasks: this worker, or another one over HTTP. */
  fence(connector: string): Promise<void>;
  /** Reads the config topic to its end. */
  refresh(): Promise<unknown>;
  /** Whether this worker still runs the task from the connector's newest commit. */
  isCurrent(id: TaskId): boolean;
}

/** The checks before and after a source task's producer takes over its transactional id (KIP-618). */
export class TaskFencing implements SourceFencing {
  constructor(private readonly options: TaskFencingOptions) {}

  async fence({ connector, task }: TaskId): Promise<void> {
    try {
      await this.options.fence(connector);
    } catch (cause) {
      // The tasks were configured anew, or the group rebalances: then this task is stopped, or may start after all.
      if (cause instanceof ConflictError) throw new RetriableError("FENCING_FAILED", cause.message, { cause });
      throw cause;
    }
    this.#requireCurrent({ connector, task });
  }

  async confirm(id: TaskId): Promise<void> {
    await this.options.refresh();
    this.#requireCurrent(id);
  }

  /** Retriable: the herder is about to stop the task. */
  #requireCurrent(id: TaskId): void {
    if (this.options.isCurrent(id)) return;
    const message = `Task ${id.connector}-${id.task} belongs to an older set of tasks, or to another worker by now`;
    throw new RetriableError("FENCING_FAILED", message);
  }
}
