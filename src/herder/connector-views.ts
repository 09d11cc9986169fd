import { NotFoundError } from "../api/index.js";
import type { ConnectorInfo, ConnectorStateInfo, InstanceState, TaskInfo } from "../contract/connector-info.js";
import type { TaskId } from "../contract/task-id.js";
import type { ConfigSnapshot, ConnectorEntry } from "../stores/config-fold.js";
import type { StatusSubject, StoredStatus } from "../stores/status-fold.js";
import type { PluginCatalog } from "../worker/worker.js";
import type { RestartPlan } from "./running/restart-plan.js";

/** The part of the status store that views read. */
export interface StatusReader {
  status(subject: StatusSubject): StoredStatus | undefined;
  taskStatuses(connector: string): [number, StoredStatus][];
}

/** The connector's entry. @throws NotFoundError */
export function entryOf(configs: ConfigSnapshot, name: string): ConnectorEntry {
  const entry = configs.connectors.get(name);
  if (!entry) throw new NotFoundError("CONNECTOR_NOT_FOUND", `Connector ${name} not found`);
  return entry;
}

/** source or sink, or unknown if this worker does not have the plugin. */
function connectorType(plugins: PluginCatalog, className: string | null | undefined): ConnectorInfo["type"] {
  try {
    return plugins.find("connector", className ?? "").type;
  } catch {
    return "unknown"; // shown in the answer; the connector's status has the reason
  }
}

export function connectorInfo(configs: ConfigSnapshot, plugins: PluginCatalog, name: string): ConnectorInfo {
  const { config, taskConfigs } = entryOf(configs, name);
  return {
    name,
    config,
    tasks: taskConfigs.map((_, task) => ({ connector: name, task })),
    type: connectorType(plugins, config["connector.class"]),
  };
}

export function taskInfos(configs: ConfigSnapshot, name: string): TaskInfo[] {
  return entryOf(configs, name).taskConfigs.map((config, task) => ({ id: { connector: name, task }, config }));
}

/** @throws NotFoundError when the connector has no status */
export function connectorStateInfo(
  configs: ConfigSnapshot,
  statuses: StatusReader,
  plugins: PluginCatalog,
  name: string,
): ConnectorStateInfo {
  const status = statuses.status({ connector: name });
  if (!status) throw new NotFoundError("STATUS_NOT_FOUND", `No status found for connector ${name}`);
  return {
    name,
    connector: instanceState(status),
    tasks: statuses.taskStatuses(name).map(([id, task]) => ({ id, ...instanceState(task) })),
    type: connectorType(plugins, configs.connectors.get(name)?.config["connector.class"]),
  };
}

/** @throws NotFoundError when the task has no status */
export function taskState(statuses: StatusReader, id: TaskId): { readonly id: number } & InstanceState {
  const status = statuses.status(id);
  if (!status) throw new NotFoundError("STATUS_NOT_FOUND", `No status found for task ${id.connector}-${id.task}`);
  return { id: id.task, ...instanceState(status) };
}

/** The state in which everything in the plan shows RESTARTING. */
export function withRestarting(info: ConnectorStateInfo, plan: RestartPlan): ConnectorStateInfo {
  const restarting = <S extends InstanceState>(state: S) => ({ ...state, state: "RESTARTING" as const });
  return {
    ...info,
    connector: plan.connector ? restarting(info.connector) : info.connector,
    tasks: info.tasks.map((task) => (plan.tasks.includes(task.id) ? restarting(task) : task)),
  };
}

function instanceState({ state, workerId, version, trace }: StoredStatus): InstanceState {
  return { state, worker_id: workerId, version, ...(trace && { trace }) };
}
