import { isDeepStrictEqual } from "node:util";
import { type Props, RetriableError, type SourceOffset } from "../../api/index.js";
import { InvariantError } from "../../base/invariant-error.js";
import { errorMessage } from "../../base/trace/error-trace.js";
import type { TaskId } from "../../contract/task-id.js";
import { isRetriable } from "../task/error-policy.js";
import type { OffsetEras, OffsetRecords, SourceFencing, SourceOffsetStore } from "../worker.js";
import { failureOf } from "./failure.js";
import type { HostCommand, HostReport } from "./task-host-messages.js";

/** A host's question on behalf of a run. Each gets one answer. */
type TaskRequest = Extract<HostReport, { readonly request: number; readonly run: number }>;

interface AskingTask {
  readonly id: TaskId;
  readonly start: { readonly connectorProps: Props };
}

/** Answers the questions of source tasks about their offsets and their fencing, for the worker. */
export class TaskRequests {
  /** Of the tasks for which all that was stored of their offsets has been read. */
  readonly #eras = new WeakMap<AskingTask, OffsetEras>();

  /** @param fencing undefined: no task asks for it, and all may store offsets. */
  constructor(
    private readonly offsets: SourceOffsetStore,
    private readonly fencing: SourceFencing | undefined,
    private readonly send: (host: number, answer: HostCommand) => void,
  ) {}

  /**
   * @param task the run's; undefined if the run is over: a cancelled one may already have a successor, so its requests
   *   are refused. (I4)
   * @param isRunning whether the run is still not over; asked again before each attempt of a write.
   */
  answer(host: number, asked: TaskRequest, task: AskingTask | undefined, isRunning: () => boolean): void {
    const { request } = asked;
    const answered = task ? this.#answerTo(asked, task, isRunning) : Promise.reject(isOver());
    answered.then(
      (answer) => this.send(host, { type: "offsets", request, ...answer }),
      (error) => this.send(host, { type: "offsets", request, failure: failureOf(unanswered(error)) }),
    );
  }

  async #answerTo(
    asked: TaskRequest,
    task: AskingTask,
    isRunning: () => boolean,
  ): Promise<{ offsets?: readonly SourceOffset[]; records?: OffsetRecords }> {
    const { offsets } = this;
    const {
      id,
      start: { connectorProps },
    } = task;
    // Retries of a write can outlast the task's stop, and another worker may run the task by then. (I3, I4)
    const permit = () => {
      if (!isRunning()) throw isOver();
    };
    switch (asked.type) {
      case "readOffsets": {
        const read = await offsets.read(id.connector, asked.partitions, connectorProps);
        await this.#erasOf(task);
        return { offsets: read };
      }
      case "offsetRecords":
        return { records: await offsets.records(id.connector, asked.entries, permit, connectorProps) };
      case "offsetsCommitted":
        await offsets.committed(id.connector, asked.entries, permit, connectorProps, this.#eras.get(task));
        return {};
      case "mayStart":
        if (!this.fencing) throw new InvariantError("A task asked for fencing without exactly-once delivery");
        await this.fencing[asked.step](id);
        return {};
      case "flushOffsets":
        // A task may store offsets without asking for any. What was altered before its start must be known by then: else
        // they would count as sent before that.
        if (!this.#eras.has(task)) await offsets.read(id.connector, [], connectorProps);
        await offsets.flush(id.connector, asked.entries, permit, connectorProps, await this.#erasOf(task));
        return {};
    }
  }

  /**
   * A worker that was frozen may read of an alteration before it learns that its task is over. So a task goes on in a
   * newer era only once that is confirmed.
   */
  async #erasOf(task: AskingTask): Promise<OffsetEras> {
    const known = this.#eras.get(task);
    const eras = await this.offsets.eras(task.id.connector, task.start.connectorProps);
    if (known && !isDeepStrictEqual(known, eras)) await this.fencing?.confirm(task.id);
    this.#eras.set(task, eras);
    return eras;
  }
}

/** A failure of the offset store that time can heal becomes retriable for the task. */
function unanswered(error: unknown): unknown {
  if (!isRetriable(error)) return error;
  return new RetriableError("OFFSETS_UNANSWERED", errorMessage(error), { cause: error });
}

function isOver(): Error {
  return new Error("the task was stopped or cancelled");
}
