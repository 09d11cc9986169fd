import type { Clock, Converter, Logger, Props, Random } from "../../api/index.js";
import type { TargetState } from "../../contract/target-state.js";
import type { TaskId } from "../../contract/task-id.js";
import type { OnConnectivity } from "../../kafka/client/client-options.js";
import type { Plugins, TaskMetrics, TaskState } from "../worker.js";
import type { ErrorPolicy } from "./error-policy.js";
import type { TaskConverters } from "./task-converters.js";
import type { TransformationChain } from "./transformation-chain.js";

/** Receives a runner's reports. Must not throw. */
export interface TaskEvents {
  /** `waitingFor`: what a RUNNING task waits for, else null. */
  status(state: Exclude<TaskState, "FAILED">, waitingFor: string | null): void;
  failed(error: unknown): void;
  /** The first use of a topic since the task started, or since `forgetTopics`. */
  topicUsed(topic: string): void;
}

/** Makes a separate connectivity listener for each Kafka client, or part of one. */
export type NewConnectivity = () => OnConnectivity;

/** The parts of every task runner. */
export interface TaskParts {
  readonly id: TaskId;
  /** The task's own configuration, passed to its `start`. */
  readonly props: Props;
  readonly policy: ErrorPolicy;
  readonly converters: TaskConverters;
  /** Undefined without transformations. The runner closes it. */
  readonly chain: TransformationChain | undefined;
  readonly plugins: Plugins;
  /** `offset.flush.interval.ms`: time between two commits. */
  readonly commitIntervalMs: number;
  /** `offset.flush.timeout.ms`: a later commit counts as failed, and an ending task waits no longer for its last. */
  readonly commitTimeoutMs: number;
  readonly events: TaskEvents;
  readonly clock: Clock;
  readonly random: Random;
  /** For the runner's own lines, and for the plugin's. */
  readonly logger: Logger;
  readonly pluginLogger: Logger;
}

/** One run of one task, from start to end. Another run needs another runner. */
export interface TaskRunner {
  /** Runs the task; resolves once it has ended and released everything. Never rejects: failures are a FAILED status. */
  run(targetState: TargetState): Promise<void>;
  /** STARTED or PAUSED; STOPPED is `stop`. */
  setTargetState(state: TargetState): void;
  /** Requests the end: records already read are drained and committed, then `run` resolves. */
  stop(): void;
  /** It did not stop in time: as `abandon`, but the plugin is stopped once its hanging call returns. */
  cancel(): void;
  /** Drops everything at once, as a crash would: no drain, no commit, no leave, no status, no `stop` of the plugin. */
  abandon(): void;
  /** Reports each topic again at its next use. */
  forgetTopics(): void;
  metrics(): TaskMetrics;
}

/** A configured converter for a task that requests one (`context.converter`). */
export function converterFor(
  plugins: Plugins,
  className: string,
  props: Readonly<Record<string, string>>,
  isKey: boolean,
): Converter {
  const converter = plugins.find("converter", className).converter();
  converter.configure({ ...props, "converter.type": isKey ? "key" : "value" }, isKey);
  return converter;
}

/** Why a running task makes no progress, besides an absent Kafka: a retried call, failing commits, its own report. */
type WaitCause = "retry" | "commit" | "task";

const WAIT_ORDER: readonly WaitCause[] = ["retry", "commit", "task"];

/** The only writer of a task's status: takes state and waiting reasons, and reports each change once. */
export class TaskStatus {
  readonly #waits = new Map<WaitCause, string>();
  readonly #clientWaits: (string | undefined)[] = [];
  #state: TaskState | undefined;
  #reported: string | undefined;

  constructor(private readonly events: TaskEvents) {}

  get state(): TaskState | undefined {
    return this.#state;
  }

  set(state: Exclude<TaskState, "FAILED">): void {
    this.#state = state;
    this.#report(state, state === "RUNNING" ? this.#reason() : null);
  }

  fail(error: unknown): void {
    this.#state = "FAILED";
    this.#reported = undefined;
    this.events.failed(error);
  }

  /** From here until RUNNING, waiting reasons are shown even if the task was PAUSED before. */
  starting(): void {
    this.#state = undefined;
    this.#reported = undefined;
  }

  /**
   * Sets or clears a waiting reason. Shown while RUNNING. A task that waits while it starts is shown as RUNNING too,
   * because no other state has room for the reason.
   */
  waiting(cause: WaitCause, reason: string | undefined): void {
    if (reason === undefined) this.#waits.delete(cause);
    else this.#waits.set(cause, reason);
    this.#show();
  }

  /** For one Kafka client of the task, or one part of it: each sets and clears its own reason. */
  connectivity(): OnConnectivity {
    const at = this.#clientWaits.push(undefined) - 1;
    return (waitingFor) => {
      this.#clientWaits[at] = waitingFor;
      this.#show();
    };
  }

  #show(): void {
    const reason = this.#reason();
    const starting = this.#state === undefined && (this.#reported !== undefined || reason !== null);
    if (this.#state === "RUNNING" || starting) this.#report("RUNNING", reason);
  }

  #reason(): string | null {
    const client = this.#clientWaits.find((waitingFor) => waitingFor !== undefined);
    if (client !== undefined) return client;
    const cause = WAIT_ORDER.find((candidate) => this.#waits.has(candidate));
    return cause === undefined ? null : this.#waits.get(cause)!;
  }

  #report(state: Exclude<TaskState, "FAILED">, waitingFor: string | null): void {
    const report = `${state} ${waitingFor}`;
    if (report === this.#reported) return;
    this.#reported = report;
    this.events.status(state, waitingFor);
  }
}
