import {
  atLeast,
  type ConfigCheck,
  type ConfigDef,
  type ConfigKey,
  errorKind,
  invalidValue,
  javaPattern,
  oneOf,
  oneOfIgnoringCase,
} from "../../api/index.js";
import {
  DEAD_LETTER_KEYS,
  ERROR_KEYS,
  TASK_COUNT_KEYS,
  TOPIC_GROUP_KEYS,
  uniqueItems,
} from "../../contract/connector-keys.js";
import type { PluginCatalog } from "../../worker/worker.js";

const COMMON = "Common";
const TRANSFORMS = "Transforms";
const PREDICATES = "Predicates";
const EXACTLY_ONCE = "Exactly Once Support";
const OFFSETS_TOPIC = "offsets.topic";

/** A connector's name may contain anything but control characters (Java's ISO ones). It appears in URLs, keys, logs. */
const legalName: ConfigCheck = (key, value) => {
  if (value === null || value === "") return invalidValue(key, value, "String may not be empty");
  if (typeof value !== "string") return undefined;
  const controls = Array.from(value, (char) => char.codePointAt(0)!).filter(
    (code) => code < 32 || (code >= 127 && code < 160),
  );
  return controls.length === 0
    ? undefined
    : invalidValue(
        key,
        "hidden",
        `String may not contain control sequences but had the following ASCII chars: ${controls.join(", ")}`,
      );
};

const plainList: ConfigCheck = (key, value) => {
  if (!Array.isArray(value)) return undefined;
  if (new Set(value).size < value.length) return `Configuration '${key}' values must not be duplicated.`;
  return value.includes("") ? `Configuration '${key}' values must not be empty.` : undefined;
};

/** A Java pattern, by the same rules as the task's own matching: the check and the task must agree. */
const regex: ConfigCheck = (key, value) => {
  if (typeof value !== "string") return undefined;
  try {
    javaPattern(key, value.trim());
    return undefined;
  } catch (error) {
    if (errorKind(error) !== "config") throw error;
    return invalidValue(key, value, `Invalid regex: ${((error as Error).cause as Error).message}`);
  }
};

const nonEmptyOrAbsent: ConfigCheck = (key, value) =>
  value === "" ? invalidValue(key, value, "String must be non-empty") : undefined;

/** The worker settings that appear as defaults of its connectors. */
export interface WorkerDefaults {
  readonly keyConverter: string;
  readonly valueConverter: string;
  readonly headerConverter: string;
}

/** The keys that the worker reads from a connector's config, in the order of the REST answers. */
export function connectorConfigDef(
  type: "source" | "sink",
  plugins: PluginCatalog,
  worker: WorkerDefaults,
  pluginVersion: string | null,
): ConfigDef {
  return { ...commonKeys(plugins, worker, pluginVersion), ...(type === "sink" ? SINK_KEYS : SOURCE_KEYS) };
}

function commonKeys(plugins: PluginCatalog, worker: WorkerDefaults, pluginVersion: string | null): ConfigDef {
  return { ...identityKeys(pluginVersion), ...converterKeys(plugins, worker), ...CHAIN_KEYS, ...ERROR_KEYS };
}

function identityKeys(pluginVersion: string | null): ConfigDef {
  return {
    name: {
      type: "string",
      doc: "Name of the connector, unique in the cluster.",
      importance: "high",
      group: COMMON,
      order: 1,
      width: "medium",
      displayName: "Connector name",
      check: legalName,
    },
    "connector.class": {
      type: "string",
      doc: "Class of the connector: the full name, the simple name, or the simple name without 'Connector'.",
      importance: "high",
      group: COMMON,
      order: 2,
      width: "long",
      displayName: "Connector class",
    },
    "connector.plugin.version": {
      type: "string",
      doc: "Version of the connector's plugin.",
      default: pluginVersion,
      importance: "medium",
      group: COMMON,
      order: 3,
      width: "medium",
      displayName: "Connector version",
    },
    ...TASK_COUNT_KEYS,
  };
}

function converterKeys(plugins: PluginCatalog, worker: WorkerDefaults): ConfigDef {
  const classesOf = (...types: readonly string[]) =>
    plugins
      .list()
      .filter((plugin) => types.includes(plugin.type))
      .map((plugin) => plugin.class);
  const converters = classesOf("converter");
  const headerConverters = classesOf("header_converter");
  const known =
    (find: (name: string) => unknown): ConfigCheck =>
    (key, value) => {
      if (typeof value !== "string") return undefined;
      try {
        find(value);
        return undefined;
      } catch (error) {
        return invalidValue(key, value, `Class ${value} could not be found. ${(error as Error).message}`);
      }
    };
  const converter = (displayName: string, order: number, fallback: string): ConfigKey => ({
    type: "class",
    doc: `${displayName} of this connector; by default the worker's. Its own keys have the same prefix.`,
    default: fallback,
    importance: "low",
    group: COMMON,
    order,
    width: "short",
    displayName,
    check: known((name) => plugins.find("converter", name)),
    recommend: () => converters,
  });
  const version = (displayName: string, order: number): ConfigKey => ({
    type: "string",
    doc: `Version of the ${displayName.replace(/ version$/, "")} to use; by default the installed one.`,
    default: null,
    importance: "low",
    group: COMMON,
    order,
    width: "short",
    displayName,
  });
  return {
    "key.converter": converter("Key converter class", 6, worker.keyConverter),
    "key.converter.plugin.version": version("Key converter version", 7),
    "value.converter": converter("Value converter class", 8, worker.valueConverter),
    "value.converter.plugin.version": version("Value converter version", 9),
    "header.converter": {
      ...converter("Header converter class", 10, worker.headerConverter),
      check: known((name) => plugins.find("header_converter", name)),
      recommend: () => headerConverters,
    },
    "header.converter.plugin.version": version("Header converter version", 11),
  };
}

const CHAIN_KEYS: ConfigDef = {
  transforms: {
    type: "list",
    doc: "Aliases of the transformations applied to records, in order.",
    default: [],
    importance: "low",
    group: TRANSFORMS,
    order: 12,
    width: "long",
    displayName: "Transforms",
    check: uniqueItems,
  },
  predicates: {
    type: "list",
    doc: "Aliases of the predicates that transformations use.",
    default: [],
    importance: "low",
    group: PREDICATES,
    order: 13,
    width: "long",
    displayName: "Predicates",
    check: uniqueItems,
  },
  "config.action.reload": {
    type: "string",
    doc: "Action when a config provider's value changes: restart the connector, or none.",
    default: "restart",
    importance: "low",
    group: COMMON,
    order: 14,
    width: "medium",
    displayName: "Reload action",
    check: oneOf("none", "restart"),
  },
};

const SINK_KEYS: ConfigDef = {
  topics: {
    type: "list",
    doc: "Topics to read, separated by commas.",
    default: [],
    importance: "high",
    group: COMMON,
    order: 4,
    width: "long",
    displayName: "Topics",
    check: plainList,
  },
  "topics.regex": {
    type: "string",
    doc: "Pattern of the names of the topics to read, instead of a list.",
    default: "",
    importance: "high",
    group: COMMON,
    order: 4,
    width: "long",
    displayName: "Topics regex",
    check: regex,
  },
  ...DEAD_LETTER_KEYS,
};

const SOURCE_KEYS: ConfigDef = {
  ...TOPIC_GROUP_KEYS,
  "exactly.once.support": {
    type: "string",
    doc: "required: refuse the config unless exactly-once delivery is certain. requested: no such check.",
    default: "requested",
    importance: "medium",
    group: EXACTLY_ONCE,
    order: 2,
    width: "short",
    displayName: "Exactly once support",
    check: oneOfIgnoringCase("REQUIRED", "REQUESTED"),
  },
  "transaction.boundary": {
    type: "string",
    doc: "Where transactions end: with each poll, at an interval, or where the connector defines it.",
    default: "poll",
    importance: "medium",
    group: EXACTLY_ONCE,
    order: 3,
    width: "short",
    displayName: "Transaction Boundary",
    check: oneOfIgnoringCase("INTERVAL", "POLL", "CONNECTOR"),
  },
  "transaction.boundary.interval.ms": {
    type: "long",
    doc: "Interval of transactions, in ms, if transaction.boundary is 'interval'.",
    default: null,
    importance: "low",
    group: EXACTLY_ONCE,
    order: 4,
    width: "short",
    displayName: "Transaction boundary interval",
    check: (key, value) => (value === null ? undefined : atLeast(0)(key, value)),
  },
  "offsets.storage.topic": {
    type: "string",
    doc: "The connector's own offsets topic; by default the worker's.",
    default: null,
    importance: "low",
    group: OFFSETS_TOPIC,
    order: 1,
    width: "long",
    displayName: "Offsets topic",
    check: nonEmptyOrAbsent,
  },
};
