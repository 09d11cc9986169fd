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

/** The worker properties read in src/worker. Converters and Kafka clients read others from the same properties. */
export const workerConfigDef = {
  "task.shutdown.graceful.timeout.ms": {
    type: "long",
    default: 5000,
    doc: "Time limit for tasks to stop, in ms, for all together. After it they are cancelled.",
  },
  "offset.flush.interval.ms": { type: "long", default: 60_000, doc: "Time between two offset commits, in ms." },
  "offset.flush.timeout.ms": {
    type: "long",
    default: 5000,
    doc: "Time after which an offset commit counts as failed, in ms.",
  },
  "topic.creation.enable": {
    type: "boolean",
    default: true,
    doc: "Whether sources may create topics by their topic.creation.* keys. Otherwise the broker creates missing topics.",
  },
  "plugin.path": { type: "string", default: null, doc: "Folders that hold plugins, separated by commas." },
  "task.hosts": {
    type: "int",
    default: 0,
    check: atLeast(0),
    doc: "Threads that share the tasks. 0: one less than the number of cores, at least one.",
  },
  "task.isolation": {
    type: "string",
    default: "shared",
    check: oneOf("shared", "dedicated", "none"),
    doc: "Where tasks run: shared task hosts (shared), one thread per task (dedicated), or, for tests, the worker's own thread (none). A connector may set shared or dedicated for itself.",
  },
  "task.heap.mb": {
    type: "int",
    default: 512,
    check: atLeast(16),
    doc: "Heap of each dedicated task (task.isolation=dedicated) and of the connectors' host, in MiB. A task that needs more fails alone.",
  },
  "task.host.timeout.ms": {
    type: "long",
    default: 30_000,
    check: atLeast(1000),
    doc: "A host that does not answer for this long, in ms, is replaced. Its tasks, or the connector that blocked it, are FAILED. One that still starts, on a busy machine, has at least five minutes.",
  },
  "task.progress.timeout.ms": {
    type: "long",
    default: 600_000,
    check: atLeast(0),
    doc: "A task that has work left but has polled, put, delivered and committed nothing for this long, in ms, is named in the log and in its status, which stays RUNNING. 0: none is.",
  },
  "log.level": {
    type: "string",
    default: "info",
    doc: "Level of the root logger at the start: off, fatal, error, warn, info, debug, trace or all. The environment variable MILLRACE_LOG_LEVEL overrides it.",
  },
  "log.levels": {
    type: "list",
    default: [],
    doc: "Levels of other loggers at the start, as NAME=LEVEL: docs/logging.md has the names.",
  },
  "log.format": {
    type: "string",
    default: "text",
    doc: "Form of the log's lines: text or json. The environment variable MILLRACE_LOG_FORMAT overrides it.",
  },
} as const satisfies ConfigDef;

export type WorkerSettings = ConfigValues<typeof workerConfigDef>;

/** @throws ConfigError naming the key. */
export function parseWorkerSettings(props: Props): WorkerSettings {
  return parseConfig(workerConfigDef, props);
}

/**
 * Exactly-once delivery of source connectors (KIP-618): a cluster goes from the first to the third, one by one. A
 * standalone worker's is `unavailable`: there is no group whose leader could fence tasks.
 */
export type ExactlyOnceMode = "disabled" | "preparing" | "enabled" | "unavailable";

/** The worker's `exactly.once.source.support`, which was validated when the worker started. */
export function exactlyOnceMode(worker: Props): ExactlyOnceMode {
  const mode = worker["exactly.once.source.support"]?.trim().toLowerCase();
  return mode === "preparing" || mode === "enabled" || mode === "unavailable" ? mode : "disabled";
}

export type TaskIsolation = "shared" | "dedicated" | "none";

const isolationConfig = {
  "task.isolation": { ...workerConfigDef["task.isolation"], default: null },
  "task.heap.mb": { ...workerConfigDef["task.heap.mb"], default: null },
} as const satisfies ConfigDef;

/** The errors in a connector's own `task.isolation` and `task.heap.mb`, by key. */
export function isolationFaults(worker: Props, connector: Props): ReadonlyMap<string, readonly string[]> {
  const values = validateConfig(isolationConfig, connector).filter(({ errors }) => errors.length > 0);
  const faults = new Map<string, readonly string[]>(values.map(({ name, errors }) => [name, errors]));
  const unshielded = unshieldedFault(worker["task.isolation"]?.trim(), connector["task.isolation"]?.trim());
  return unshielded === undefined ? faults : faults.set("task.isolation", [unshielded]);
}

/** A connector cannot choose the worker's own thread: a worker that isolates runs no plugin there. */
function unshieldedFault(ofWorker: string | undefined, ofConnector: string | null | undefined): string | undefined {
  if (ofConnector !== "none" || ofWorker === "none") return undefined;
  const detail = "only the worker itself may have none; use shared or dedicated";
  return invalidValue("task.isolation", ofConnector, detail);
}

/** Where a connector's tasks run: the connector's own choice, else the worker's. @throws ConfigError */
export function isolationOf(settings: WorkerSettings, connector: Props): { isolation: TaskIsolation; heapMb: number } {
  const own = parseConfig(isolationConfig, connector);
  const unshielded = unshieldedFault(settings["task.isolation"], own["task.isolation"]);
  if (unshielded !== undefined) throw new ConfigError("task.isolation", unshielded);
  return {
    isolation: (own["task.isolation"] ?? settings["task.isolation"]) as TaskIsolation,
    heapMb: own["task.heap.mb"] ?? settings["task.heap.mb"],
  };
}
