import type { Clock, Converter, Logger, Props, Random } from "../../api/index.js";
import type { TargetState } from "../../contract/target-state.js";
import type { TaskId } from "../../contract/task-id.js";
import type { OnConnectivity } from "../../kafka/kafka-client.js";
import type { Plugins, TaskMetrics, TaskState } from "../worker.js";
import type { ErrorPolicy } from "./error-policy.js";
import type { TaskConverters } from "./task-converters.js";

/** What a runner tells while it runs. Must not throw. */
export interface TaskEvents {
  /** `waitingFor`: what keeps a RUNNING task from going on, else null. */
  status(state: Exclude<TaskState, "FAILED">, waitingFor: string | null): void;
  failed(error: unknown): void;
  topicUsed(topic: string): void;
}

/** Hands a Kafka client, or a part of one, its own way to say that it waits. */
export type NewConnectivity = () => OnConnectivity;

/** What every task runner is made from. */
export interface TaskParts {
  readonly id: TaskId;
  /** The task's own configuration, given to its `start`. */
  readonly props: Props;
  readonly policy: ErrorPolicy;
  readonly converters: TaskConverters;
  readonly plugins: Plugins;
  /** `offset.flush.interval.ms`: between two commits. */
  readonly commitIntervalMs: number;
  /** `offset.flush.timeout.ms`: how long a commit may take before it counts as failed, and the last one before the task ends without it. */
  readonly commitTimeoutMs: number;
  readonly events: TaskEvents;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** One run of one task, from start to end; for another run another runner is made. */
export interface TaskRunner {
  /** Runs the task; resolves once it has ended and released everything. Never rejects: failures are a FAILED status. */
  run(targetState: TargetState): Promise<void>;
  /** STARTED or PAUSED; STOPPED is `stop`. */
  setTargetState(state: TargetState): void;
  /** Asks it to end: what was handed over is drained and committed, then `run` resolves. */
  stop(): void;
  /** It did not stop in time: as `abandon`, but once the call of the plugin that hangs has come back, the plugin is stopped. */
  cancel(): void;
  /** Drops everything on the spot, as a crash would: no drain, no commit, no leave, no status, no `stop` of the plugin. */
  abandon(): void;
  metrics(): TaskMetrics;
}

/** A built-in converter for a task that asks for one (`context.converter`). */
export function converterFor(
  plugins: Plugins,
  className: string,
  props: Readonly<Record<string, string>>,
  isKey: boolean,
): Converter {
  const converter = plugins.converter(className);
  converter.configure({ ...props, "converter.type": isKey ? "key" : "value" }, isKey);
  return converter;
}

/** Why a running task does not get on, apart from Kafka being away: a call is tried again, commits fail, or the task said so. */
type WaitCause = "retry" | "commit" | "task";

const WAIT_ORDER: readonly WaitCause[] = ["retry", "commit", "task"];

/** The one writer of a task's status: state and waiting reasons in, status reports out, each told once. */
export class TaskStatus {
  readonly #waits = new Map<WaitCause, string>();
  readonly #clientWaits: (string | undefined)[] = [];
  #state: TaskState | undefined;
  #told: string | undefined;

  constructor(private readonly events: TaskEvents) {}

  get state(): TaskState | undefined {
    return this.#state;
  }

  set(state: Exclude<TaskState, "FAILED">): void {
    this.#state = state;
    this.#tell(state, state === "RUNNING" ? this.#reason() : null);
  }

  fail(error: unknown): void {
    this.#state = "FAILED";
    this.#told = undefined;
    this.events.failed(error);
  }

  /** From here until RUNNING reasons to wait are shown, also when it was PAUSED before. */
  starting(): void {
    this.#state = undefined;
    this.#told = undefined;
  }

  /**
   * Notes what the task waits for, or that it goes on. Shown while RUNNING; a task that waits while it still starts is
   * shown as RUNNING too, since nothing else could say why it does not get on.
   */
  waiting(cause: WaitCause, reason: string | undefined): void {
    if (reason === undefined) this.#waits.delete(cause);
    else this.#waits.set(cause, reason);
    this.#show();
  }

  /** For one Kafka client of the task, or one part of it: each says for itself whether it waits. */
  connectivity(): OnConnectivity {
    const at = this.#clientWaits.push(undefined) - 1;
    return (waitingFor) => {
      this.#clientWaits[at] = waitingFor;
      this.#show();
    };
  }

  #show(): void {
    const reason = this.#reason();
    const starting = this.#state === undefined && (this.#told !== undefined || reason !== null);
    if (this.#state === "RUNNING" || starting) this.#tell("RUNNING", reason);
  }

  #reason(): string | null {
    const client = this.#clientWaits.find((waitingFor) => waitingFor !== undefined);
    if (client !== undefined) return client;
    const cause = WAIT_ORDER.find((candidate) => this.#waits.has(candidate));
    return cause === undefined ? null : this.#waits.get(cause)!;
  }

  #tell(state: Exclude<TaskState, "FAILED">, waitingFor: string | null): void {
    const told = `${state} ${waitingFor}`;
    if (told === this.#told) return;
    this.#told = told;
    this.events.status(state, waitingFor);
  }
}
