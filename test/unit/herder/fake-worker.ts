import { ConflictError, type ErrorKind, NotFoundError } from "../../../src/api/index.js";
import type { TargetState } from "../../../src/contract/target-state.js";
import type { TaskId } from "../../../src/contract/task-id.js";
import type { StatusSubject } from "../../../src/stores/status-fold.js";
import type { ConnectorState, PluginCatalog, PluginRef, Worker, WorkerListener } from "../../../src/worker/worker.js";

const STATES: Readonly<Record<TargetState, ConnectorState>> = {
  STARTED: "RUNNING",
  PAUSED: "PAUSED",
  STOPPED: "STOPPED",
};

/** A worker that runs nothing: it records calls and reports states at once. */
export class FakeWorker implements Worker {
  readonly calls: string[] = [];
  /** Results of taskConfigs, by connector. */
  readonly generated = new Map<string, Record<string, string>[]>();
  /** Connectors whose start never returns. */
  readonly blocked = new Set<string>();
  /** Connectors whose tasks start without a report. */
  readonly silent = new Set<string>();
  /** When set, closing waits for it, like work that ends slowly. */
  closeGate: Promise<void> | undefined;
  /** The connectors' judgement of new offsets. */
  judgeOffsets: (offsets: readonly object[], props: object) => Promise<boolean> = async () => false;
  /** When set, stopping tasks waits for it. */
  stopGate: Promise<void> | undefined;
  readonly #failed = new Set<string>();
  readonly #connectors = new Map<string, ConnectorState>();
  readonly #tasks = new Map<string, TaskId>();
  readonly plugins: PluginCatalog = {
    list: () => [],
    versions: () => [],
    find(kind, name) {
      throw new NotFoundError("CLASS_NOT_FOUND", `No ${kind} ${name}`);
    },
  };

  constructor(readonly listener: WorkerListener) {}

  /** Fails a connector or task. As from a real worker, its stop is then no news. */
  fail(subject: StatusSubject, trace: string, kind: ErrorKind | null): void {
    const { connector, task } = subject;
    this.#failed.add(`${connector}-${task}`);
    if (task === undefined) this.listener.connectorStatus(connector, "FAILED", trace, "1.0", kind);
    else this.listener.taskStatus({ connector, task }, "FAILED", trace, "1.0", kind);
  }

  async configOf({ className }: PluginRef): Promise<never> {
    throw new NotFoundError("CLASS_NOT_FOUND", `No plugin ${className}`);
  }

  async validate({ className }: PluginRef): Promise<never> {
    throw new NotFoundError("CLASS_NOT_FOUND", `No plugin ${className}`);
  }

  async transactionSupport() {
    return null;
  }

  async alterOffsets(className: string, props: object, offsets: readonly object[]) {
    this.calls.push(`alter offsets of ${className}`);
    return this.judgeOffsets(offsets, props);
  }

  async startConnector(name: string, props: Readonly<Record<string, string>>, targetState: TargetState) {
    this.calls.push(`start ${name} ${targetState}${props["v"] ? ` v${props["v"]}` : ""}`);
    if (this.blocked.has(name)) return new Promise<never>(() => {});
    const state = STATES[targetState];
    this.#connectors.set(name, state);
    this.listener.connectorStatus(name, state, null, "1.0");
    return state;
  }

  async stopConnectors(names: readonly string[]) {
    for (const name of names) {
      this.calls.push(`stop ${name}`);
      const isFailed = this.#failed.delete(`${name}-undefined`);
      if (this.#connectors.delete(name) && !isFailed) this.listener.connectorStatus(name, "UNASSIGNED", null, "1.0");
    }
  }

  async setConnectorTargetState(name: string, state: TargetState) {
    this.calls.push(`set ${name} ${state}`);
    if (!this.#connectors.has(name)) return undefined;
    this.#connectors.set(name, STATES[state]);
    this.listener.connectorStatus(name, STATES[state], null, "1.0");
    return STATES[state];
  }

  async taskConfigs(name: string) {
    if (this.#connectors.get(name) !== "RUNNING")
      throw new ConflictError("CONNECTOR_NOT_RUNNING", `${name} is not running`);
    return this.generated.get(name) ?? [{ task: "0" }];
  }

  connectors() {
    return [...this.#connectors].map(([name, state]) => ({
      name,
      state,
      trace: null,
      version: "1.0",
      retention: null,
    }));
  }

  async startTask(id: TaskId, _connector: object, props: Readonly<Record<string, string>>, targetState: TargetState) {
    this.calls.push(`start ${id.connector}-${id.task} ${targetState} ${JSON.stringify(props)}`);
    this.#tasks.set(`${id.connector}-${id.task}`, id);
    if (this.silent.has(id.connector)) return;
    this.listener.taskStatus(id, targetState === "PAUSED" ? "PAUSED" : "RUNNING", null, "1.0");
  }

  async stopTasks(ids: readonly TaskId[]) {
    if (this.stopGate) await this.stopGate;
    for (const id of ids) {
      this.calls.push(`stop ${id.connector}-${id.task}`);
      const key = `${id.connector}-${id.task}`;
      const isFailed = this.#failed.delete(key);
      if (this.#tasks.delete(key) && !isFailed) this.listener.taskStatus(id, "UNASSIGNED", null, "1.0");
    }
  }

  async setTaskTargetState(ids: readonly TaskId[], state: TargetState) {
    for (const id of ids) {
      this.calls.push(`set ${id.connector}-${id.task} ${state}`);
      this.listener.taskStatus(id, state === "PAUSED" ? "PAUSED" : "RUNNING", null, "1.0");
    }
  }

  forgetTopics(connector: string) {
    this.calls.push(`forget topics of ${connector}`);
  }

  tasks() {
    return [...this.#tasks.values()].map((id) => ({
      id,
      state: "RUNNING" as const,
      trace: null,
      version: "1.0",
      runningRatio: 1,
      pausedRatio: 0,
      heldUpMs: 0,
    }));
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

  async close() {
    this.stopGate = undefined; // pending stops are cancelled
    await this.closeGate;
    await this.stopTasks([...this.#tasks.values()]);
    await this.stopConnectors([...this.#connectors.keys()]);
  }

  async abandon() {
    this.#tasks.clear();
    this.#connectors.clear();
  }
}
