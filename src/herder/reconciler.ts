import type { Logger } from "../api/index.js";
import { LoopEndedError } from "../base/command-loop.js";
import type { RestartRequest } from "../contract/restart-request.js";
import type { TaskId } from "../contract/task-id.js";
import type { ConfigEvent, ConfigSnapshot } from "../stores/config-fold.js";
import type { StatusReader } from "./connector-views.js";
import type { Membership } from "./membership/membership.js";
import { reconcile } from "./running/reconcile.js";
import { planRestart, strongerRestart } from "./running/restart-plan.js";
import type { Stops, WorkRunner } from "./running/work-runner.js";
import type { StageTracker } from "./stage-tracker.js";
import { taskKey } from "./work.js";

/** The herder, as the reconciler uses it. Only commands may read `stores`, `membership` and `runner`. */
export interface ReconcilerHost {
  readonly stages: StageTracker;
  readonly stores: { readonly status: StatusReader };
  readonly membership: Membership;
  readonly runner: WorkRunner;
  /** Runs a step as a command of the herder's loop. @throws LoopEndedError once the herder is closing */
  run<T>(stage: string, step: () => Promise<T>): Promise<T>;
  configs(): ConfigSnapshot;
}

/**
 * Brings the connectors and tasks that run here in line with the config topic and this worker's assignment, and carries
 * out the group's restart requests. All methods but `onConfigEvents` are called by commands of the herder's loop.
 */
export class Reconciler {
  /** Requests that wait for their command, by connector. */
  readonly #restarts = new Map<string, RestartRequest>();
  #eventsPending = false;
  /** A rejoin follows once what stops now has stopped. */
  #rejoins = false;

  constructor(
    private readonly host: ReconcilerHost,
    private readonly logger: Logger,
  ) {}

  /** Called with each batch of changes read from the config topic. One command applies all that have arrived. */
  onConfigEvents(events: readonly ConfigEvent[]): void {
    for (const event of events) {
      if (event.kind !== "restart-requested") continue;
      const { request } = event;
      const waiting = this.#restarts.get(request.connector);
      this.#restarts.set(request.connector, waiting ? strongerRestart(waiting, request) : request);
    }
    if (this.#eventsPending) return;
    this.#eventsPending = true;
    this.#submit("applying config updates", async () => {
      this.#eventsPending = false;
      await this.#applyRestarts();
      this.#reconcileBeside();
    });
  }

  /** Stops and starts what the assignment and the configs demand. Resolves after the stops. */
  async reconcile(): Promise<void> {
    const configs = this.host.configs();
    const { stopping } = this.#carryOut(configs);
    await stopping;
    this.host.membership.reconciledWith(configs);
    if (stopping) this.#reconcileBeside(); // starts what had to wait
  }

  /** Restarts those of these that are assigned to this worker. Resolves after the stops. */
  async restart(connector: string | undefined, tasks: readonly TaskId[]): Promise<void> {
    const { assigned } = this.host.membership;
    const own = connector !== undefined && assigned.connectors.has(connector) ? connector : undefined;
    await this.host.runner.restart(
      own,
      tasks.filter((id) => assigned.tasks.has(taskKey(id))),
    );
  }

  #carryOut(configs: ConfigSnapshot): Stops {
    const { membership, runner } = this.host;
    const mayRunTask = (id: TaskId, tasksOffset: number) => membership.mayRunTask(id, tasksOffset);
    return runner.carryOut(reconcile(membership.assigned, runner, configs, mayRunTask));
  }

  /**
   * Reconciles without awaiting the stops: the leader writes further changes meanwhile, and one rebalance follows for
   * all of them.
   */
  #reconcileBeside(): void {
    const { membership } = this.host;
    const configs = this.host.configs();
    const { begun, stopping } = this.#carryOut(configs);
    if (begun) this.#after(begun, () => this.#reconcileBeside());
    if (!stopping) {
      membership.reconciledWith(configs);
      membership.rejoinIfOutdated();
    } else if (membership.isOutdated && !this.#rejoins) {
      this.#rejoins = true;
      this.#after(stopping, () => {
        this.#rejoins = false;
        membership.rejoinIfOutdated();
      });
    }
  }

  async #applyRestarts(): Promise<void> {
    const { status } = this.host.stores;
    for (const [connector, request] of this.#restarts) {
      this.#restarts.delete(connector);
      const states = status.taskStatuses(connector).map(([task, { state }]) => [task, state] as const);
      const plan = planRestart(request, status.status({ connector })?.state ?? "UNASSIGNED", states);
      const tasks = plan.tasks.map((task) => ({ connector, task }));
      await this.host.stages.during(`handling restart request for connector ${connector}`, () =>
        this.restart(plan.connector ? connector : undefined, tasks),
      );
    }
  }

  #after(stopped: Promise<unknown>, step: () => void): void {
    // `begun` and `stopping` never reject: a failed stop is logged where it is begun.
    void stopped.then(() => this.#submit("continuing after connectors and tasks have stopped", async () => step()));
  }

  #submit(stage: string, step: () => Promise<void>): void {
    this.host.run(stage, step).catch((error: unknown) => {
      if (error instanceof LoopEndedError) return;
      this.logger.error("Config updates could not be applied", {}, error);
    });
  }
}
