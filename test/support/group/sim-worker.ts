import {
  type Clock,
  ConflictError,
  NotFoundError,
  type Props,
  type Random,
  type SourceOffset,
} from "../../../src/api/index.js";
import { type Deferred, deferred } from "../../../src/base/deferred.js";
import type { TargetState } from "../../../src/contract/target-state.js";
import type { TaskId } from "../../../src/contract/task-id.js";
import { TaskRequests } from "../../../src/worker/host/task-requests.js";
import type {
  ConnectorState,
  PluginCatalog,
  SourceFencing,
  SourceOffsetStore,
  TaskState,
  Worker,
  WorkerListener,
} from "../../../src/worker/worker.js";

/** The world outside the group that the connectors look at. */
export interface Outside {
  /** The task configs of a connector at present. */
  taskConfigs(connector: string, props: Props): Record<string, string>[];
  started(subject: string, props: Props): void;
  ended(subject: string): void;
}

interface Running<S> {
  readonly name: string;
  readonly props: Props;
  readonly ended: Deferred<void>;
  state: S;
  target: TargetState;
  trace: string | null;
}

interface RunningTask extends Running<TaskState> {
  readonly id: TaskId;
  readonly start: { readonly connectorProps: Props };
  readonly since: number;
  hasRead: boolean;
  flushes: number;
}

type OffsetQuestion =
  | { readonly type: "readOffsets"; readonly partitions: readonly [] }
  | { readonly type: "flushOffsets"; readonly entries: readonly SourceOffset[] };

const GRACE_MS = 5_000;
const STATES = { STARTED: "RUNNING", PAUSED: "PAUSED", STOPPED: "STOPPED" } as const;

/**
 * A worker whose connectors and tasks only start, fail and stop, in random times. As in production, everything is
 * carried out late: starts are accepted at once and reported later, and stops may outlast their time limit and are
 * cancelled then.
 */
export class SimWorker implements Worker {
  readonly #connectors = new Map<string, Running<ConnectorState>>();
  readonly #tasks = new Map<string, RunningTask>();
  readonly plugins: PluginCatalog = {
    list: () => [],
    versions: () => ["1.0"],
    find: (_kind, className) => ({ type: "source", className, taskClassName: "T", version: "1.0" }) as never,
  };

  /** As in production, the worker answers for its tasks' offsets. */
  readonly #requests: TaskRequests;
  readonly #answers = new Map<number, Deferred<void>>();
  #lastRequest = 0;

  constructor(
    private readonly listener: WorkerListener,
    private readonly outside: Outside,
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly failing: () => boolean,
    offsets: SourceOffsetStore,
    fencing: SourceFencing,
  ) {
    this.#requests = new TaskRequests(offsets, fencing, (_host, answer) => {
      if (answer.type !== "offsets") return;
      const asked = this.#answers.get(answer.request)!;
      this.#answers.delete(answer.request);
      if (answer.failure) asked.reject(new Error(answer.failure.message));
      else asked.resolve();
    });
  }

  async configOf(): Promise<never> {
    throw new NotFoundError("CLASS_NOT_FOUND", "No plugins");
  }

  async validate(): Promise<never> {
    throw new NotFoundError("CLASS_NOT_FOUND", "No plugins");
  }

  async startConnector(name: string, props: Props, target: TargetState): Promise<ConnectorState> {
    while (this.#connectors.has(name)) await this.stopConnectors([name]);
    const running = { name, props, ended: deferred(), state: "UNASSIGNED" as const, target, trace: null };
    this.#connectors.set(name, running);
    this.outside.started(name, props);
    return this.#bring(running, target);
  }

  async stopConnectors(names: readonly string[], withinMs = GRACE_MS): Promise<void> {
    const stopping = names.flatMap((name) => this.#connectors.get(name) ?? []);
    await Promise.all(
      stopping.map(async (running) => {
        const forMs = Math.min(GRACE_MS, withinMs, this.#stopMs());
        if (forMs > 0) await Promise.race([this.clock.delay(forMs), running.ended.promise]);
        if (this.#connectors.get(running.name) !== running) return;
        this.#connectors.delete(running.name);
        this.outside.ended(running.name);
        running.ended.resolve();
        if (running.state !== "FAILED") this.listener.connectorStatus(running.name, "UNASSIGNED", null, "1.0");
      }),
    );
  }

  async setConnectorTargetState(name: string, state: TargetState): Promise<ConnectorState | undefined> {
    const running = this.#connectors.get(name);
    if (!running) return undefined;
    return this.#bring(running, state);
  }

  async taskConfigs(name: string): Promise<Record<string, string>[]> {
    const running = this.#connectors.get(name);
    if (running?.state !== "RUNNING") throw new ConflictError("CONNECTOR_NOT_RUNNING", `${name} is not running`);
    await this.clock.delay(this.random.integer(100));
    return this.outside.taskConfigs(name, running.props);
  }

  forgetTopics(): void {}

  async transactionSupport() {
    return null;
  }

  async alterOffsets() {
    return false;
  }

  connectors() {
    return [...this.#connectors.values()].map(({ name, state, trace }) => ({
      name,
      state,
      trace,
      version: "1.0",
      retention: null,
    }));
  }

  async startTask(id: TaskId, connectorProps: Props, props: Props, target: TargetState): Promise<void> {
    const name = keyOf(id);
    while (this.#tasks.has(name)) await this.stopTasks([id]);
    if (target === "STOPPED") return;
    const running: RunningTask = {
      id,
      start: { connectorProps },
      name,
      props,
      ended: deferred(),
      state: "UNASSIGNED",
      target,
      trace: null,
      since: this.clock.monotonicMs(),
      hasRead: false,
      flushes: 0,
    };
    this.#tasks.set(name, running);
    this.outside.started(name, props);
    this.#soon(() => this.#report(running, true));
    this.#requests.started(running);
    void this.#ask(running, { type: "readOffsets", partitions: [] }).then(
      () => {
        running.hasRead = true;
        this.#flush(running);
      },
      () => {}, // A start that cannot read its offsets stores none.
    );
  }

  async stopTasks(ids: readonly TaskId[], withinMs = GRACE_MS): Promise<void> {
    const stopping = ids.flatMap((id) => this.#tasks.get(keyOf(id)) ?? []);
    await Promise.all(
      stopping.map(async (running) => {
        this.#flush(running);
        const forMs = Math.min(GRACE_MS, withinMs, this.#stopMs());
        if (forMs > 0) await Promise.race([this.clock.delay(forMs), running.ended.promise]);
        if (this.#tasks.get(running.name) !== running) return;
        this.#tasks.delete(running.name);
        this.outside.ended(running.name);
        running.ended.resolve();
        if (running.state !== "FAILED") this.listener.taskStatus(running.id, "UNASSIGNED", null, "1.0");
      }),
    );
  }

  async setTaskTargetState(ids: readonly TaskId[], state: TargetState): Promise<void> {
    if (state === "STOPPED") return this.stopTasks(ids);
    for (const id of ids) {
      const running = this.#tasks.get(keyOf(id));
      if (!running) continue;
      running.target = state;
      this.#soon(() => this.#report(running, false));
    }
  }

  tasks() {
    const ratios = { runningRatio: 0, pausedRatio: 0, heldUpMs: 0 };
    return [...this.#tasks.values()].map(({ id, state, trace }) => ({ id, state, trace, version: "1.0", ...ratios }));
  }

  async metrics() {
    return [];
  }

  starts() {
    const none = { attempts: 0, successes: 0, failures: 0 };
    return { connectors: none, tasks: none };
  }

  hosts() {
    return [];
  }

  async close(): Promise<void> {
    await Promise.all([
      this.stopTasks([...this.#tasks.values()].map(({ id }) => id)),
      this.stopConnectors([...this.#connectors.keys()]),
    ]);
  }

  async abandon(): Promise<void> {
    this.crash();
  }

  /** The process is gone, with all that ran in it. */
  crash(): void {
    for (const { name } of [...this.#tasks.values(), ...this.#connectors.values()]) this.outside.ended(name);
    this.#tasks.clear();
    this.#connectors.clear();
  }

  /** Has a connector that runs here look at the outside world again. */
  look(connector: string): void {
    if (this.#connectors.get(connector)?.state === "RUNNING") this.listener.requestReconfiguration(connector);
  }

  async #bring(running: Running<ConnectorState>, target: TargetState): Promise<ConnectorState> {
    running.target = target;
    await this.clock.delay(this.random.integer(300));
    if (this.#connectors.get(running.name) !== running) return "UNASSIGNED";
    if (running.state !== "FAILED" || target === "STOPPED") running.state = STATES[running.target];
    running.trace = running.state === "FAILED" ? "broken" : null;
    this.listener.connectorStatus(running.name, running.state, running.trace, "1.0");
    return running.state;
  }

  #report(running: RunningTask, isNew: boolean): void {
    if (this.#tasks.get(running.name) !== running || running.state === "FAILED") return;
    running.state = isNew && this.failing() ? "FAILED" : running.target === "PAUSED" ? "PAUSED" : "RUNNING";
    running.trace = running.state === "FAILED" ? "broken" : null;
    this.listener.taskStatus(running.id, running.state, running.trace, "1.0");
  }

  /** Stores an offset, as tasks do in between and before they end, which says when the run began. */
  #flush(running: RunningTask): void {
    const { id, since } = running;
    if (!running.hasRead) return;
    const entries = [{ partition: { task: id.task }, offset: { since, at: running.flushes++ } }];
    void this.#ask(running, { type: "flushOffsets", entries }).catch(() => {}); // the next one has newer offsets
  }

  #ask(running: RunningTask, question: OffsetQuestion): Promise<void> {
    const request = ++this.#lastRequest;
    const answered = deferred<void>();
    this.#answers.set(request, answered);
    const isRunning = () => this.#tasks.get(running.name) === running;
    this.#requests.answer(0, { ...question, request, run: 0 }, isRunning() ? running : undefined, isRunning);
    return answered.promise;
  }

  #soon(step: () => void): void {
    this.clock.schedule(this.random.integer(200), step);
  }

  /** Mostly quick; sometimes longer than any limit. */
  #stopMs(): number {
    return this.random.next() < 0.8 ? this.random.integer(300) : this.random.integer(8_000);
  }
}

function keyOf({ connector, task }: TaskId): string {
  return `${connector}-${task}`;
}
