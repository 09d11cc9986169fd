import { errorKind, type Logger } from "../../api/index.js";
import { type Deferred, deferred } from "../../base/deferred.js";
import { traceOf } from "../../base/trace/error-trace.js";
import type { TargetState } from "../../contract/target-state.js";
import type { TaskId } from "../../contract/task-id.js";
import type { ConfigSnapshot } from "../../stores/config-fold.js";
import type { StoredProps } from "../../stores/config-records.js";
import type { ConnectorState, Worker } from "../../worker/worker.js";
import { taskKey } from "../work.js";
import type { ConfigReloads } from "./config-reloads.js";
import type { ReconcileActions, Running, RunningConnector, RunningTask } from "./reconcile.js";
import type { StatusReporter } from "./status-reporter.js";

export interface WorkRunnerOptions {
  readonly worker: Worker;
  readonly reporter: StatusReporter;
  readonly logger: Logger;
  configs(): ConfigSnapshot;
  /** Checked when a connector is about to start: it may have been assigned elsewhere since the decision. (I4) */
  mayRunConnector(connector: string): boolean;
  /** As `mayRunConnector`, for a task of the commit at `tasksOffset`. */
  mayRunTask(id: TaskId, tasksOffset: number): boolean;
  /**
   * The configuration of a connector or its task, with references replaced. `expires` as in `resolveReferences`.
   * @throws ConfigError
   */
  resolve(connector: string, props: StoredProps, expires?: (ttlMs: number) => void): Readonly<Record<string, string>>;
  readonly reloads: ConfigReloads;
  /** The connector has become RUNNING or PAUSED: its tasks may have to be committed anew. */
  connectorRuns(connector: string): void;
}

interface StartWaiter {
  readonly connector: string;
  readonly configOffset: number;
  readonly started: Deferred<void>;
}

/** Each resolves once its part has stopped; undefined if it is empty. */
export interface Stops {
  /** The stops of this decision. */
  readonly begun: Promise<void> | undefined;
  /** Everything that stops at that time. */
  readonly stopping: Promise<unknown> | undefined;
}

interface Stop {
  readonly tasks: readonly TaskId[];
  readonly connectors: readonly string[];
  readonly ended: Deferred<void>;
}

/**
 * Carries out reconcile's decisions on the worker, and records what runs. What stops is recorded until it has ended, and
 * starts no earlier; work is given up only after that (I4). Starts are not awaited: a plugin that blocks in `start` must
 * not block the herder.
 */
export class WorkRunner implements Running {
  readonly connectors = new Map<string, RunningConnector>();
  readonly tasks = new Map<string, RunningTask>();
  /** Stops in progress, which `stopEverything` must shorten, too. */
  readonly #stopping = new Set<Stop>();
  /** Connectors whose start has ended, by the offset of the config that they were started with. */
  readonly #started = new Map<string, number>();
  readonly #startWaiters = new Set<StartWaiter>();
  #ended = false;

  constructor(private readonly options: WorkRunnerOptions) {}

  /** From now on nothing starts: the worker is closing, and the current command may outlive the wait for it. */
  end(): void {
    this.#ended = true;
    this.options.reloads.stop();
  }

  /**
   * Stops everything that runs within `withinMs`. That limit also shortens the stops of the command in progress,
   * which may wait for the whole graceful timeout: other workers may run these tasks sooner. (I4)
   */
  async stopEverything(withinMs: number): Promise<void> {
    const stopping = [...this.#stopping];
    const tasks = [...[...this.tasks.values()].map(({ id }) => id), ...stopping.flatMap((stop) => stop.tasks)];
    const connectors = [...this.connectors.keys(), ...stopping.flatMap((stop) => stop.connectors)];
    await this.#stop(tasks, connectors, withinMs);
  }

  /** Begins the stops, and starts what does not stop. Decide again when stops have ended, for what had to wait. */
  carryOut(actions: ReconcileActions): Stops {
    const { stopTasks, stopConnectors } = actions;
    let begun: Promise<void> | undefined;
    if (stopTasks.length + stopConnectors.length > 0) {
      begun = this.#stop(stopTasks, stopConnectors).catch((error: unknown) => {
        this.options.logger.error("Connectors and tasks could not be stopped", {}, error);
      });
    }
    for (const { connector, state } of actions.setConnectorTargets) this.#setConnectorTarget(connector, state);
    for (const { tasks, state } of actions.setTaskTargets) this.#setTaskTargets(tasks, state);
    const stopping = [...this.#stopping];
    const connectors = new Set(stopping.flatMap((stop) => stop.connectors));
    const tasks = new Set(stopping.flatMap((stop) => stop.tasks.map(taskKey)));
    for (const connector of actions.startConnectors)
      if (!connectors.has(connector)) void this.startConnector(connector);
    for (const id of actions.startTasks) if (!tasks.has(taskKey(id))) void this.startTask(id);
    return {
      begun,
      stopping: stopping.length > 0 ? Promise.all(stopping.map(({ ended }) => ended.promise)) : undefined,
    };
  }

  /** Stops and starts a connector. Resolves with its new state, which may take as long as the plugin likes. */
  restartConnector(connector: string): { readonly stopped: Promise<void>; readonly started: Promise<ConnectorState> } {
    const stopped = this.#stop([], [connector]);
    return { stopped, started: stopped.then(() => this.startConnector(connector)) };
  }

  /**
   * Resolves once the connector has been started here with its newest config, with success or without, or its config is
   * removed.
   */
  async connectorStarted(connector: string): Promise<void> {
    const entry = this.options.configs().connectors.get(connector);
    if (!entry || (this.#started.get(connector) ?? -1) >= entry.configOffset) return;
    const waiter = { connector, configOffset: entry.configOffset, started: deferred() };
    this.#startWaiters.add(waiter);
    await waiter.started.promise;
  }

  /** Stops these, shows them as RESTARTING, and starts them. */
  async restart(connector: string | undefined, tasks: readonly TaskId[]): Promise<void> {
    await this.#stop(tasks, connector === undefined ? [] : [connector]);
    // If they were lost during the stop, RESTARTING would hide the status that their new worker has written.
    const own = connector !== undefined && this.options.mayRunConnector(connector) ? connector : undefined;
    const ownTasks = tasks.filter((id) => this.#mayRunTask(id));
    if (own !== undefined) this.options.reporter.restarting({ connector: own });
    for (const id of ownTasks) this.options.reporter.restarting(id);
    if (own !== undefined) void this.startConnector(own);
    for (const id of ownTasks) void this.startTask(id);
  }

  /** Stops and starts a task. False if it failed at once. */
  async restartTask(id: TaskId): Promise<boolean> {
    await this.#stop([id], []);
    return this.startTask(id);
  }

  /** Starts a connector with its current config. Never rejects: a failure is its FAILED status. */
  async startConnector(connector: string): Promise<ConnectorState> {
    const { worker, reporter, configs, resolve, connectorRuns } = this.options;
    const entry = configs().connectors.get(connector);
    if (!entry || this.#ended || !this.options.mayRunConnector(connector)) return "UNASSIGNED";
    this.connectors.set(connector, { configOffset: entry.configOffset, targetState: entry.targetState });
    reporter.starting({ connector });
    try {
      let ttlMs: number | undefined;
      const props = resolve(connector, entry.config, (validMs) => {
        ttlMs = Math.min(validMs, ttlMs ?? validMs);
      });
      this.options.reloads.resolved(connector, props, ttlMs);
      const state = await worker.startConnector(connector, props, entry.targetState);
      if (mayHaveTasks(state)) connectorRuns(connector);
      return state;
    } catch (error) {
      reporter.connectorStatus(connector, "FAILED", traceOf(error), null, errorKind(error) ?? null);
      return "FAILED";
    } finally {
      this.#started.set(connector, entry.configOffset);
      this.#endWaits((waiter) => waiter.connector === connector && waiter.configOffset <= entry.configOffset);
    }
  }

  /**
   * Starts a task of the current commit. Never rejects: a failure is its FAILED status. Returns whether the worker
   * accepted it; the outcome of its own start shows later. A later reconcile starts a task that may not run yet.
   */
  async startTask(id: TaskId): Promise<boolean> {
    const { worker, reporter, configs, resolve } = this.options;
    const entry = configs().connectors.get(id.connector);
    const taskConfig = entry?.taskConfigs[id.task];
    if (!entry || !taskConfig || this.#ended || !this.options.mayRunTask(id, entry.tasksOffset)) return false;
    const { targetState, tasksOffset, taskConfigs } = entry;
    this.tasks.set(taskKey(id), { id, tasksOffset, targetState });
    reporter.starting(id);
    try {
      const [own, ofTask] = [resolve(id.connector, entry.config), resolve(id.connector, taskConfig)];
      await worker.startTask(id, own, ofTask, targetState, taskConfigs.length);
      return true;
    } catch (error) {
      reporter.taskStatus(id, "FAILED", traceOf(error), null, errorKind(error) ?? null);
      return false;
    }
  }

  async #stop(tasks: readonly TaskId[], connectors: readonly string[], withinMs?: number): Promise<void> {
    for (const id of tasks) this.tasks.delete(taskKey(id));
    for (const connector of connectors) {
      this.connectors.delete(connector);
      this.#started.delete(connector);
      this.options.reloads.ended(connector);
    }
    this.#endWaits(({ connector }) => !this.options.configs().connectors.has(connector));
    const stop = { tasks, connectors, ended: deferred() };
    this.#stopping.add(stop);
    try {
      const { worker } = this.options;
      if (withinMs === undefined) {
        if (tasks.length > 0) await worker.stopTasks(tasks);
        if (connectors.length > 0) await worker.stopConnectors(connectors);
      } else {
        await Promise.all([worker.stopTasks(tasks, withinMs), worker.stopConnectors(connectors, withinMs)]);
      }
    } finally {
      this.#stopping.delete(stop);
      stop.ended.resolve();
    }
  }

  #endWaits(isOver: (waiter: StartWaiter) => boolean): void {
    for (const waiter of this.#startWaiters) {
      if (!isOver(waiter)) continue;
      this.#startWaiters.delete(waiter);
      waiter.started.resolve();
    }
  }

  #mayRunTask(id: TaskId): boolean {
    const entry = this.options.configs().connectors.get(id.connector);
    return entry !== undefined && this.options.mayRunTask(id, entry.tasksOffset);
  }

  #setConnectorTarget(connector: string, targetState: TargetState): void {
    const { worker, connectorRuns, logger } = this.options;
    const running = this.connectors.get(connector);
    if (running) this.connectors.set(connector, { ...running, targetState });
    worker.setConnectorTargetState(connector, targetState).then(
      (state) => {
        if (mayHaveTasks(state)) connectorRuns(connector);
      },
      (error: unknown) =>
        logger.error("A connector's target state could not be set", { connector, targetState }, error),
    );
  }

  #setTaskTargets(ids: readonly TaskId[], targetState: TargetState): void {
    for (const id of ids) {
      // Removed if the group was lost while the preceding stops were awaited.
      const running = this.tasks.get(taskKey(id));
      if (running) this.tasks.set(taskKey(id), { ...running, targetState });
    }
    this.options.worker.setTaskTargetState(ids, targetState).catch((error: unknown) => {
      this.options.logger.error(
        "The target state of tasks could not be set",
        { targetState, tasks: ids.length },
        error,
      );
    });
  }
}

function mayHaveTasks(state: ConnectorState | undefined): boolean {
  return state === "RUNNING" || state === "PAUSED";
}
