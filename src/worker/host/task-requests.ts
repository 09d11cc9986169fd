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
  /** In which each task stores its offsets. */
  readonly #eras = new WeakMap<AskingTask, OffsetEras>();
  /** The tasks for which all that was stored of their offsets before has been read. */
  readonly #informed = new WeakSet<AskingTask>();

  /** @param fencing undefined: no task asks for it, and all may store offsets. */
  constructor(
    private readonly offsets: SourceOffsetStore,
    private readonly fencing: SourceFencing | undefined,
    private readonly send: (host: number, answer: HostCommand) => void,
  ) {}

  /** A task starts. It may be over, and its offsets altered, before it first stores any. */
  started(task: AskingTask): void {
    this.#eras.set(task, { worker: this.offsets.workerEra(task.id.connector) });
  }

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
        this.#informed.add(task);
        await this.#erasOf(task);
        return { offsets: read };
      }
      case "offsetRecords": {
        const { entries } = asked;
        // Of a transaction, only what is deleted has an era: that is written outside of it, too.
        const eras = entries.some(({ offset }) => offset === null) ? await this.#erasOf(task) : undefined;
        return { records: await offsets.records(id.connector, entries, permit, connectorProps, eras) };
      }
      case "offsetsCommitted": {
        // They are stored: what cannot be confirmed goes into the task's former era.
        const eras = await this.#erasOf(task).catch(() => this.#eras.get(task));
        await offsets.committed(id.connector, asked.entries, permit, connectorProps, eras);
        return {};
      }
      case "mayStart":
        if (!this.fencing) throw new InvariantError("A task asked for fencing without exactly-once delivery");
        await this.fencing[asked.step](id);
        return {};
      case "flushOffsets":
        await offsets.flush(id.connector, asked.entries, permit, connectorProps, await this.#erasOf(task));
        return {};
    }
  }

  /**
   * A worker that was frozen may read of an alteration before it learns that its task is over. So a task goes on in a
   * newer era only once that is confirmed.
   */
  async #erasOf(task: AskingTask): Promise<OffsetEras> {
    const { connectorProps } = task.start;
    const known = this.#eras.get(task);
    // A task may store offsets without asking for any. What was altered before its start must be known by then: else
    // they would count as sent before that.
    if (!this.#informed.has(task)) await this.offsets.read(task.id.connector, [], connectorProps);
    this.#informed.add(task);
    const eras = await this.offsets.eras(task.id.connector, connectorProps);
    if (!isDeepStrictEqual(known, eras)) await this.fencing?.confirm(task.id);
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
