import {
  atLeast,
  type ConfigDef,
  ConfigError,
  type ConfigValues,
  invalidValue,
  oneOf,
  type Props,
  parseConfig,
  validateConfig,
} from "../api/index.js";

/** The worker properties that this floor reads; all others are carried along for converters and Kafka clients. */
export const workerConfigDef = {
  "task.shutdown.graceful.timeout.ms": {
    type: "long",
    default: 5000,
    doc: "How long tasks that are stopped together may take, in ms, before they are cancelled.",
  },
  "offset.flush.interval.ms": { type: "long", default: 60_000, doc: "Between two commits of offsets, in ms." },
  "offset.flush.timeout.ms": {
    type: "long",
    default: 5000,
    doc: "How long a commit may take before it counts as failed.",
  },
  "topic.creation.enable": {
    type: "boolean",
    default: true,
    doc: "Whether topic.creation.* keys of sources are followed; otherwise missing topics are left to the broker.",
  },
  "plugin.path": { type: "string", default: null, doc: "Folders that hold plugins, separated by commas." },
  "task.hosts": {
    type: "int",
    default: 0,
    check: atLeast(0),
    doc: "Threads that share the tasks; 0: one less than the machine has cores, at least one.",
  },
  "task.isolation": {
    type: "string",
    default: "shared",
    check: oneOf("shared", "dedicated", "none"),
    doc: "Where tasks run: in the shared task hosts, each in a thread of its own, or (for tests) all plugins in the worker's own thread. A connector may choose shared or dedicated for itself.",
  },
  "task.heap.mb": {
    type: "int",
    default: 512,
    check: atLeast(16),
    doc: "The heap of a task with task.isolation=dedicated, in MiB; one that needs more fails, alone. Also of the connectors' host.",
  },
  "task.host.timeout.ms": {
    type: "long",
    default: 30_000,
    check: atLeast(1000),
    doc: "A host that does not answer for so long is replaced: its tasks, or the connector that held it up, are FAILED.",
  },
} as const satisfies ConfigDef;

export type WorkerSettings = ConfigValues<typeof workerConfigDef>;

/** @throws ConfigError naming the key. */
export function parseWorkerSettings(props: Props): WorkerSettings {
  return parseConfig(workerConfigDef, props);
}

export type TaskIsolation = "shared" | "dedicated" | "none";

const isolationConfig = {
  "task.isolation": { ...workerConfigDef["task.isolation"], default: null },
  "task.heap.mb": { ...workerConfigDef["task.heap.mb"], default: null },
} as const satisfies ConfigDef;

/** What is wrong with a connector's own `task.isolation` and `task.heap.mb`, by key. */
export function isolationFaults(worker: Props, connector: Props): ReadonlyMap<string, readonly string[]> {
  const values = validateConfig(isolationConfig, connector).filter(({ errors }) => errors.length > 0);
  const faults = new Map<string, readonly string[]>(values.map(({ name, errors }) => [name, errors]));
  const unshielded = unshieldedFault(worker["task.isolation"]?.trim(), connector["task.isolation"]?.trim());
  return unshielded === undefined ? faults : faults.set("task.isolation", [unshielded]);
}

/** A connector cannot choose the worker's own thread: no plugin of a worker that isolates runs there. */
function unshieldedFault(ofWorker: string | undefined, ofConnector: string | null | undefined): string | undefined {
  if (ofConnector !== "none" || ofWorker === "none") return undefined;
  const detail = "only the worker itself may have none; use shared or dedicated";
  return invalidValue("task.isolation", ofConnector, detail);
}

/** Where a connector's tasks run: as it says, else as the worker does. @throws ConfigError */
export function isolationOf(settings: WorkerSettings, connector: Props): { isolation: TaskIsolation; heapMb: number } {
  const own = parseConfig(isolationConfig, connector);
  const unshielded = unshieldedFault(settings["task.isolation"], own["task.isolation"]);
  if (unshielded !== undefined) throw new ConfigError("task.isolation", unshielded);
  return {
    isolation: (own["task.isolation"] ?? settings["task.isolation"]) as TaskIsolation,
    heapMb: own["task.heap.mb"] ?? settings["task.heap.mb"],
  };
}
