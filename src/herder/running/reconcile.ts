import type { TargetState } from "../../contract/target-state.js";
import type { TaskId } from "../../contract/task-id.js";
import type { ConfigSnapshot, ConnectorEntry } from "../../stores/config-fold.js";
import type { Work } from "../work.js";

/** A connector as the herder last started it on the worker. */
export interface RunningConnector {
  /** The offset of the connector record that it was started from. */
  readonly configOffset: number;
  readonly targetState: TargetState;
}

/** A task as the herder last started it on the worker. */
export interface RunningTask {
  readonly id: TaskId;
  /** The offset of the commit record that it was started from. */
  readonly tasksOffset: number;
  readonly targetState: TargetState;
}

/** The connectors and tasks that run here. */
export interface Running {
  readonly connectors: ReadonlyMap<string, RunningConnector>;
  /** By `taskKey`. */
  readonly tasks: ReadonlyMap<string, RunningTask>;
}

/** Whether a task may start from the commit at `tasksOffset`. */
export type MayRunTask = (id: TaskId, tasksOffset: number) => boolean;

/** The worker's next steps, in this order. */
export interface ReconcileActions {
  readonly stopTasks: readonly TaskId[];
  readonly stopConnectors: readonly string[];
  readonly startConnectors: readonly string[];
  readonly startTasks: readonly TaskId[];
  readonly setConnectorTargets: readonly { readonly connector: string; readonly state: TargetState }[];
  readonly setTaskTargets: readonly { readonly tasks: readonly TaskId[]; readonly state: TargetState }[];
}

/**
 * Decides what must change here, from the assigned, running and configured work. Compares states instead of following
 * events: a missed event costs nothing, and a repetition changes nothing.
 *
 * A connector started from an older config record restarts. Tasks started from an older commit stop at once, all of a
 * connector's together (I5), and restart only when `mayRunTask` confirms that no worker runs the old ones any more,
 * which takes a rebalance. Work that is not assigned, or no longer configured, stops. (I4)
 */
export function reconcile(
  assigned: Work,
  running: Running,
  configs: ConfigSnapshot,
  mayRunTask: MayRunTask,
): ReconcileActions {
  const actions = {
    stopTasks: [] as TaskId[],
    stopConnectors: [] as string[],
    startConnectors: [] as string[],
    startTasks: [] as TaskId[],
    setConnectorTargets: [] as { connector: string; state: TargetState }[],
  };
  for (const [connector, { configOffset, targetState }] of running.connectors) {
    const entry = configs.connectors.get(connector);
    if (!entry || !assigned.connectors.has(connector)) actions.stopConnectors.push(connector);
    else if (entry.configOffset !== configOffset) {
      actions.stopConnectors.push(connector);
      actions.startConnectors.push(connector);
    } else if (entry.targetState !== targetState) {
      actions.setConnectorTargets.push({ connector, state: entry.targetState });
    }
  }
  for (const connector of assigned.connectors) {
    if (configs.connectors.has(connector) && !running.connectors.has(connector))
      actions.startConnectors.push(connector);
  }
  const retargeted = new Map<TargetState, TaskId[]>();
  for (const [key, { id, tasksOffset, targetState }] of running.tasks) {
    const entry = configs.connectors.get(id.connector);
    if (!assigned.tasks.has(key) || !runs(entry, id)) actions.stopTasks.push(id);
    else if (entry.tasksOffset !== tasksOffset) {
      actions.stopTasks.push(id);
      if (mayRunTask(id, entry.tasksOffset)) actions.startTasks.push(id);
    } else if (entry.targetState !== targetState) {
      const tasks = retargeted.get(entry.targetState) ?? [];
      retargeted.set(entry.targetState, [...tasks, id]);
    }
  }
  for (const [key, id] of assigned.tasks) {
    const entry = configs.connectors.get(id.connector);
    if (runs(entry, id) && !running.tasks.has(key) && mayRunTask(id, entry.tasksOffset)) actions.startTasks.push(id);
  }
  return { ...actions, setTaskTargets: [...retargeted].map(([state, tasks]) => ({ tasks, state })) };
}

/** Whether the task is configured and its connector's state allows tasks. */
function runs(entry: ConnectorEntry | undefined, { task }: TaskId): entry is ConnectorEntry {
  return entry !== undefined && task < entry.taskConfigs.length && entry.targetState !== "STOPPED";
}
