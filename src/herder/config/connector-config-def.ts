import {
  atLeast,
  type ConfigCheck,
  type ConfigDef,
  errorKind,
  invalidValue,
  javaPattern,
  oneOf,
  oneOfIgnoringCase,
  type Props,
} from "../../api/index.js";
import type { SubmittedConfig } from "../../contract/connector-info.js";
import {
  DEAD_LETTER_KEYS,
  DEFAULT_HEADER_CONVERTER,
  ERROR_KEYS,
  TASK_COUNT_KEYS,
  TOPIC_GROUP_KEYS,
  uniqueItems,
} from "../../contract/connector-keys.js";
import type { ConnectorFacts, PluginCatalog } from "../../worker/worker.js";
import { classKeys, fullClassName } from "./class-keys.js";

const COMMON = "Common";
const TRANSFORMS = "Transforms";
const PREDICATES = "Predicates";
const EXACTLY_ONCE = "Exactly Once Support";
const OFFSETS_TOPIC = "offsets.topic";

/** A connector's name may contain anything but control characters (Java's ISO ones). It appears in URLs, keys, logs. */
const legalName: ConfigCheck = (key, value) => {
  if (value === "") return invalidValue(key, value, "String may not be empty");
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

/** The facts about a connector's plugin and its worker on which the definitions depend. */
export interface DefinitionContext {
  readonly plugins: PluginCatalog;
  readonly workerProps: Props;
  readonly plugin: ConnectorFacts;
  /** The connector's configuration. */
  readonly props: SubmittedConfig;
}

/** The keys that the worker reads from a connector's config, in the order of the REST answers. */
export function connectorConfigDef(context: DefinitionContext): ConfigDef {
  return { ...commonKeys(context), ...(context.plugin.type === "sink" ? SINK_KEYS : SOURCE_KEYS) };
}

/** Those of them that do not depend on the connector's type. */
export function commonKeys(context: DefinitionContext): ConfigDef {
  return { ...identityKeys(context), ...converterKeys(context), ...CHAIN_KEYS, ...ERROR_KEYS };
}

function identityKeys({ plugins, plugin }: DefinitionContext): ConfigDef {
  const versions = plugins.versions("connector", plugin.className);
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
      doc: "Version of the connector's plugin: a version, a Maven range such as [1.0,2.0), or latest.",
      default: versions.at(-1) ?? null,
      importance: "medium",
      group: COMMON,
      order: 3,
      width: "medium",
      displayName: "Connector version",
      recommend: () => versions,
    },
    ...TASK_COUNT_KEYS,
  };
}

function converterKeys(context: DefinitionContext): ConfigDef {
  const { plugins, workerProps, plugin, props } = context;
  const keysOf = (key: string, kind: "converter" | "header_converter", noun: string, order: number): ConfigDef => {
    const common = { importance: "low", group: COMMON, width: "short" } as const;
    const ofWorker = workerProps[key]?.trim() || (kind === "header_converter" ? DEFAULT_HEADER_CONVERTER : null);
    return classKeys(plugins, props, {
      kind,
      classKey: key,
      versionKey: `${key}.plugin.version`,
      class: {
        ...common,
        doc: `${noun} class of this connector; by default the worker's. Its own keys have the same prefix.`,
        default: fullClassName(plugins, ofWorker),
        order,
        displayName: `${noun} class`,
      },
      version: {
        ...common,
        doc: `Version of the ${noun.toLowerCase()} to use; by default the newest.`,
        order: order + 1,
        displayName: `${noun} version`,
      },
      usual: props[key] == null ? { version: workerProps[`${key}.plugin.version`] } : { near: plugin.location },
    });
  };
  return {
    ...keysOf("key.converter", "converter", "Key converter", 6),
    ...keysOf("value.converter", "converter", "Value converter", 8),
    ...keysOf("header.converter", "header_converter", "Header converter", 10),
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
    displayName: "Reload Action",
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
