import {
  type Clock,
  type ConfigDef,
  ConflictError,
  errorKind,
  type Props,
  RetriableError,
  type SinkOffset,
  type SourceOffset,
  type Support,
} from "../api/index.js";
import { deferred } from "../base/deferred.js";
import type { LevelSettings } from "../base/log/log-levels.js";
import { LOGGERS } from "../base/log/logger-names.js";
import type { NamedLogger } from "../base/logger.js";
import { traceOf } from "../base/trace/error-trace.js";
import type { TargetState } from "../contract/target-state.js";
import type { TaskId } from "../contract/task-id.js";
import { ConnectorRunner } from "./connector/connector-runner.js";
import type { PluginCalls } from "./connector/plugin-calls.js";
import { failureOf } from "./host/failure.js";
import { writeForwarded } from "./host/forwarding-logger.js";
import type { OpenHost } from "./host/host-link.js";
import type { HostReport } from "./host/task-host-messages.js";
import { TaskHosts } from "./host/task-hosts.js";
import { TaskRequests } from "./host/task-requests.js";
import { HostedTask, type HostedTaskParts } from "./hosted-task.js";
import type {
  ConnectorFacts,
  ConnectorSnapshot,
  ConnectorState,
  HostSnapshot,
  PluginCatalog,
  PluginRef,
  PluginValidation,
  SourceFencing,
  SourceOffsetStore,
  Starts,
  TaskMetrics,
  TaskSnapshot,
  TransactionQuestion,
  Worker,
  WorkerListener,
} from "./worker.js";
import type { WorkerSettings } from "./worker-config.js";

export interface ConnectWorkerParts {
  readonly settings: WorkerSettings;
  readonly plugins: PluginCatalog;
  readonly calls: PluginCalls;
  readonly offsets: SourceOffsetStore;
  /** For exactly-once delivery; undefined when it is off. */
  readonly fencing?: SourceFencing | undefined;
  readonly listener: WorkerListener;
  readonly openHost: OpenHost;
  /** @throws ConfigError for settings of the framework with which a connector must not start */
  readonly checkConnector: (type: ConnectorFacts["type"], props: Props) => void;
  readonly clock: Clock;
  readonly logger: NamedLogger;
}

/** Runs connectors in the connectors' host and tasks in task hosts, and is the only writer of their state. */
export class ConnectWorker implements Worker {
  readonly plugins: PluginCatalog;
  readonly #connectors = new Map<string, ConnectorRunner>();
  readonly #tasks = new Map<string, HostedTask>();
  readonly #runs = new Map<number, HostedTask>();
  readonly #hosts: TaskHosts;
  readonly #starts = {
    connectors: { attempts: 0, successes: 0, failures: 0 },
    tasks: { attempts: 0, successes: 0, failures: 0 },
  };
  readonly #requests: TaskRequests;
  readonly #taskParts: HostedTaskParts;
  #nextRun = 1;

  constructor(private readonly parts: ConnectWorkerParts) {
    this.plugins = parts.plugins;
    this.#requests = new TaskRequests(parts.offsets, parts.fencing, (host, answer) => this.#hosts.send(host, answer));
    this.#taskParts = {
      listener: parts.listener,
      clock: parts.clock,
      logger: parts.logger,
      progressTimeoutMs: parts.settings["task.progress.timeout.ms"],
      started: (state) => this.#starts.tasks[state === "FAILED" ? "failures" : "successes"]++,
    };
    this.#hosts = new TaskHosts({
      settings: parts.settings,
      open: parts.openHost,
      clock: parts.clock,
      logger: parts.logger,
      report: (host, report) => this.#hear(host, report),
      ended: (host, reason, owner) => this.#hostEnded(host, reason, owner),
    });
  }

  configOf(plugin: PluginRef): Promise<ConfigDef> {
    return this.parts.calls.configOf(plugin);
  }

  validate(plugin: PluginRef, props: Readonly<Record<string, string | null>>): Promise<PluginValidation> {
    return this.parts.calls.validate(plugin, props);
  }

  async startConnector(name: string, props: Props, targetState: TargetState): Promise<ConnectorState> {
    // Checked again after each wait: another call may have started it meanwhile. None can between this check and `set`.
    while (this.#connectors.has(name)) await this.stopConnectors([name]);
    const { calls, listener, logger, checkConnector } = this.parts;
    this.#starts.connectors.attempts++;
    let runner: ConnectorRunner;
    try {
      const plugin = this.plugins.find("connector", props["connector.class"] ?? "", {
        version: props["connector.plugin.version"],
      });
      runner = new ConnectorRunner({
        name,
        plugin,
        props,
        open: (events) => calls.connector(name, plugin.className, events),
        logger: logger.named(LOGGERS.connector, { connector: name }),
        check: () => checkConnector(plugin.type, props),
        status: (state, trace, kind) => listener.connectorStatus(name, state, trace, plugin.version, kind),
        requestReconfiguration: () => listener.requestReconfiguration(name),
      });
    } catch (error) {
      logger.error("A connector could not be created", { connector: name }, error);
      listener.connectorStatus(name, "FAILED", traceOf(error), null, errorKind(error) ?? null);
      this.#starts.connectors.failures++;
      return "FAILED";
    }
    this.#connectors.set(name, runner);
    const state = await runner.setTargetState(targetState);
    this.#starts.connectors[state === "FAILED" ? "failures" : "successes"]++;
    return state;
  }

  async stopConnectors(names: readonly string[], withinMs?: number): Promise<void> {
    const runners = names.flatMap((name) => this.#connectors.get(name) ?? []);
    const late = await this.#stoppedInTime(runners, (runner) => runner.end(), withinMs);
    for (const runner of late) {
      this.parts.logger.warn("A connector did not stop in time and is cancelled", {
        connector: runner.snapshot().name,
      });
      runner.cancel();
    }
    for (const runner of runners) {
      const { name } = runner.snapshot();
      if (this.#connectors.get(name) === runner) this.#connectors.delete(name);
    }
  }

  async setConnectorTargetState(name: string, state: TargetState): Promise<ConnectorState | undefined> {
    return this.#connectors.get(name)?.setTargetState(state);
  }

  async taskConfigs(name: string): Promise<Record<string, string>[]> {
    const runner = this.#connectors.get(name);
    if (!runner) throw new ConflictError("CONNECTOR_NOT_RUNNING", `Connector ${name} does not run on this worker`);
    return runner.taskConfigs();
  }

  alterOffsets(
    className: string,
    props: Props,
    offsets: readonly SourceOffset[] | readonly SinkOffset[],
  ): Promise<boolean> {
    return this.parts.calls.alterOffsets(className, props, offsets);
  }

  transactionSupport(question: TransactionQuestion, className: string, props: Props): Promise<Support | null> {
    return this.parts.calls.transactionSupport(question, className, props);
  }

  connectors(): readonly ConnectorSnapshot[] {
    return [...this.#connectors.values()].map((runner) => runner.snapshot());
  }

  async startTask(
    id: TaskId,
    connectorProps: Props,
    taskProps: Props,
    targetState: TargetState,
    taskCount: number,
  ): Promise<void> {
    while (this.#tasks.has(keyOf(id))) await this.stopTasks([id]);
    if (targetState === "STOPPED") return;
    const task = new HostedTask(id, { connectorProps, taskProps, taskCount }, this.#taskParts, {
      run: this.#nextRun++,
      host: this.#hosts.take(connectorProps),
      targetState,
    });
    this.#starts.tasks.attempts++;
    this.#tasks.set(keyOf(id), task);
    this.#requests.started(task);
    this.#send(task);
  }

  #send(task: HostedTask): void {
    const { id, start, run, host, targetState } = task;
    this.#runs.set(run, task);
    this.#hosts.send(host, { type: "start", run, id, ...start, targetState });
  }

  async stopTasks(ids: readonly TaskId[], withinMs?: number): Promise<void> {
    const tasks = ids.flatMap((id) => this.#tasks.get(keyOf(id)) ?? []);
    for (const task of tasks) {
      task.isStopping = true;
      this.#hosts.send(task.host, { type: "stop", run: task.run, cancel: false });
    }
    const late = await this.#stoppedInTime(tasks, (task) => task.ended.promise, withinMs);
    for (const task of late) this.#cancel(task);
    for (const task of tasks) if (this.#tasks.get(keyOf(task.id)) === task) this.#tasks.delete(keyOf(task.id));
  }

  async setTaskTargetState(ids: readonly TaskId[], state: TargetState): Promise<void> {
    if (state === "STOPPED") return this.stopTasks(ids);
    for (const id of ids) {
      const task = this.#tasks.get(keyOf(id));
      if (!task) continue;
      task.targetState = state;
      this.#hosts.send(task.host, { type: "pause", run: task.run, paused: state === "PAUSED" });
    }
  }

  forgetTopics(connector: string): void {
    for (const { id, run, host } of this.#runs.values()) {
      if (id.connector === connector) this.#hosts.send(host, { type: "forgetTopics", run });
    }
  }

  tasks(): readonly TaskSnapshot[] {
    const nowMs = this.parts.clock.monotonicMs();
    return [...this.#tasks.values()].map((task) => task.snapshot(nowMs));
  }

  async metrics(): Promise<readonly TaskMetrics[]> {
    const reported = await this.#hosts.metrics();
    // A host that hangs still reports tasks that were cancelled there and run elsewhere now.
    const isHere = (host: number, id: TaskId) => this.#tasks.get(keyOf(id))?.host === host;
    return reported.flatMap(([host, tasks]) => tasks.filter(({ id }) => isHere(host, id)));
  }

  starts(): { readonly connectors: Starts; readonly tasks: Starts } {
    return this.#starts;
  }

  hosts(): readonly HostSnapshot[] {
    const connectors = this.parts.calls.snapshot();
    return [...this.#hosts.snapshot(), ...(connectors ? [connectors] : [])];
  }

  /** Passes the levels to all hosts. Hosts that open later start with them. */
  setLogLevels(levels: LevelSettings): void {
    this.#hosts.setLogLevels(levels);
    this.parts.calls.setLogLevels(levels);
  }

  async close(): Promise<void> {
    await Promise.all([
      this.stopTasks([...this.#tasks.values()].map(({ id }) => id)),
      this.stopConnectors([...this.#connectors.keys()]),
    ]);
    await Promise.all([this.#hosts.close(), this.parts.calls.close()]);
  }

  async abandon(): Promise<void> {
    for (const task of this.#runs.values()) task.ended.resolve();
    this.#runs.clear();
    this.#tasks.clear();
    for (const runner of this.#connectors.values()) runner.abandon();
    this.#connectors.clear();
    await Promise.all([this.#hosts.close(), this.parts.calls.close()]);
  }

  /** Waits for all together, at most `task.shutdown.graceful.timeout.ms`; returns the late ones. */
  async #stoppedInTime<T>(
    all: readonly T[],
    stop: (one: T) => Promise<void>,
    withinMs = Number.POSITIVE_INFINITY,
  ): Promise<T[]> {
    if (all.length === 0) return [];
    const late = new Set(all);
    const timeUp = deferred();
    const graceMs = Math.min(withinMs, this.parts.settings["task.shutdown.graceful.timeout.ms"]);
    const timer = this.parts.clock.schedule(graceMs, timeUp.resolve);
    const stopped = Promise.all(all.map((one) => stop(one).then(() => late.delete(one))));
    await Promise.race([stopped, timeUp.promise]);
    timer.cancel();
    return [...late];
  }

  /** From here on the run has no effect: its offsets are refused and its statuses ignored. */
  #cancel(task: HostedTask): void {
    const { id, run, host } = task;
    this.parts.logger.warn("A task did not stop in time and is cancelled", { connector: id.connector, task: id.task });
    this.#hosts.send(host, { type: "stop", run, cancel: true });
    if (task.state !== "FAILED") task.enter("UNASSIGNED", null, task.version);
    this.#end(task);
  }

  #end(task: HostedTask): void {
    if (!this.#runs.delete(task.run)) return;
    this.#hosts.release(task.host);
    task.ended.resolve();
  }

  /** Passes a task's counters on, unless they are those of a host that it has left. */
  #watch(host: number, metrics: TaskMetrics): void {
    const task = this.#tasks.get(keyOf(metrics.id));
    if (task?.host === host && !task.isStopping) task.watch(metrics);
  }

  #hear(host: number, report: HostReport): void {
    if (report.type === "ready") return;
    if (report.type === "metrics") {
      for (const metrics of report.tasks) this.#watch(host, metrics);
      return;
    }
    if (report.type === "log") {
      writeForwarded(report, this.parts.logger);
      return;
    }
    const task = this.#runs.get(report.run);
    switch (report.type) {
      case "status":
        task?.enter(report.state, report.waitingFor, report.version);
        break;
      case "failed":
        task?.fail(report.failure, report.version);
        break;
      case "ended":
        if (task) this.#end(task);
        break;
      case "topicUsed":
        if (task) this.parts.listener.topicUsed(task.id, report.topic);
        break;
      default:
        this.#requests.answer(host, report, task, () => this.#runs.has(report.run));
    }
  }

  /**
   * The task whose code ran last fails, the others start again on another host. If it was no task's code, all fail: any
   * of them may do it again.
   */
  #hostEnded(host: number, reason: string, owner: number): void {
    const there = [...this.#runs.values()].filter((task) => task.host === host);
    const culprit = there.find(({ run }) => run === owner);
    for (const task of there) {
      if (task.state === "FAILED" || task.isStopping) {
        if (task.state !== "FAILED") task.enter("UNASSIGNED", null, task.version);
        this.#end(task);
      } else if (culprit && task !== culprit) {
        this.#move(task, culprit.id);
      } else {
        const name = `task ${task.id.connector}-${task.id.task}`;
        const message = culprit
          ? `The code of ${name} ended its task host: ${reason}`
          : `The task host that ran ${name} was lost: ${reason}`;
        task.fail(failureOf(new RetriableError("TASK_HOST_LOST", message)), task.version);
        this.#end(task);
      }
    }
  }

  /** Starts a task again whose host was lost with it, from its last stored or committed offsets. */
  #move(task: HostedTask, culprit: TaskId): void {
    const { id, start } = task;
    const why = { connector: id.connector, task: id.task, because: keyOf(culprit) };
    this.parts.logger.warn("A task starts again on another host: another task has ended its own", why);
    this.#runs.delete(task.run);
    task.run = this.#nextRun++;
    task.host = this.#hosts.take(start.connectorProps);
    this.#send(task);
  }
}

/** Unique, because the task number follows the last dash. */
function keyOf({ connector, task }: TaskId): string {
  return `${connector}-${task}`;
}
