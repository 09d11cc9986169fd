import {
  type ConfigCheck,
  type ConfigDef,
  ConfigError,
  type ConfigKey,
  errorKind,
  invalidValue,
  javaPattern,
  type Props,
  parseConfig,
} from "../../api/index.js";
import { countOrDefault, TOPIC_GROUP_KEYS } from "../../contract/connector-keys.js";
import { topicNameFault } from "../../kafka/topic-name.js";

/** The settings of a new topic; -1: the broker's default. */
interface TopicPlan {
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly configs: Readonly<Record<string, string>>;
}

interface TopicGroup extends TopicPlan {
  readonly include: readonly RegExp[];
  readonly exclude: readonly RegExp[];
}

/** A source connector's rules for missing topics (KIP-158): the first matching group, else the default group. */
export interface TopicCreation {
  readonly groups: readonly TopicGroup[];
  readonly defaults: TopicPlan;
}

const PREFIX = "topic.creation.";

/**
 * The `topic.creation.*` keys of a source connector. Undefined if it has none, or if the worker's
 * `topic.creation.enable` is false: then the broker's auto-creation decides.
 *
 * @throws ConfigError for a missing or invalid number, or an invalid pattern.
 */
export function parseTopicCreation(worker: Props, connector: Props): TopicCreation | undefined {
  if (!createsTopics(worker, connector)) return undefined;
  const values = parseConfig(topicCreationKeys(connector), connector) as Readonly<Record<string, unknown>>;
  const plan = (group: string): TopicPlan => ({
    partitions: values[`${PREFIX}${group}.partitions`] as number,
    replicationFactor: values[`${PREFIX}${group}.replication.factor`] as number,
    configs: topicConfigs(connector, group),
  });
  const patterns = (key: string) => (values[key] as readonly string[]).map((source) => javaPattern(key, source));
  const groups = namedGroups(connector).map((name) => ({
    ...plan(name),
    include: patterns(`${PREFIX}${name}.include`),
    exclude: patterns(`${PREFIX}${name}.exclude`),
  }));
  return { groups, defaults: plan("default") };
}

/**
 * Checks what a source connector's configuration says about topics, when the connector starts, as in Kafka Connect.
 *
 * @throws ConfigError naming the key.
 */
export function checkSourceTopics(worker: Props, connector: Props): void {
  parseTopicCreation(worker, connector);
  const key = "offsets.storage.topic";
  const name = connector[key]?.trim() ?? "";
  const illegal = name === "" ? undefined : topicNameFault(name);
  if (illegal !== undefined) throw new ConfigError(key, invalidValue(key, name, illegal));
}

function createsTopics(worker: Props, connector: Props): boolean {
  if (worker["topic.creation.enable"]?.trim().toLowerCase() === "false") return false;
  return Object.keys(connector).some((key) => key.startsWith(PREFIX));
}

/** The settings with which to create the topic. */
export function planTopic(creation: TopicCreation, topic: string): TopicPlan & { readonly name: string } {
  const group = creation.groups.find(
    ({ include, exclude }) =>
      !exclude.some((pattern) => pattern.test(topic)) && include.some((pattern) => pattern.test(topic)),
  );
  const { partitions, replicationFactor, configs } = group ?? creation.defaults;
  return { name: topic, partitions, replicationFactor, configs };
}

/** The groups other than the default group, in order of precedence. */
function namedGroups(connector: Props): string[] {
  const names = (connector["topic.creation.groups"] ?? "").split(",").map((name) => name.trim());
  return [...new Set(names)].filter((name) => name !== "" && name !== "default");
}

/** The keys of the default group, which are required, and of each named group, which default to them. */
function topicCreationKeys(connector: Props): ConfigDef {
  const key = (group: string, name: string) => `${PREFIX}${group}.${name}`;
  const count = (type: "int" | "short", doc: string): ConfigKey => ({ type, doc, check: countOrDefault });
  const partitions = count("int", "Partitions of a new topic; -1 for the broker's default.");
  const replication = count("short", "Replication factor of a new topic; -1 for the broker's default.");
  const def: Record<string, ConfigKey> = {
    [key("default", "replication.factor")]: replication,
    [key("default", "partitions")]: partitions,
  };
  // An invalid number is an error of the default group's key and must not be reported again here.
  const fallback = (name: string) => Number(connector[key("default", name)]) || -1;
  const patterns: ConfigKey = { type: "list", doc: "Patterns of whole topic names.", default: [], check: patternsOnly };
  for (const group of namedGroups(connector)) {
    def[key(group, "include")] = patterns;
    def[key(group, "exclude")] = patterns;
    def[key(group, "replication.factor")] = { ...replication, default: fallback("replication.factor") };
    def[key(group, "partitions")] = { ...partitions, default: fallback("partitions") };
  }
  return { ...TOPIC_GROUP_KEYS, ...def };
}

const patternsOnly: ConfigCheck = (key, value) => {
  if (!Array.isArray(value)) return undefined;
  for (const source of value) {
    try {
      javaPattern(key, source);
    } catch (error) {
      if (errorKind(error) !== "config") throw error;
      return (error as Error).message;
    }
  }
  return undefined;
};

const OWN_KEYS = ["include", "exclude", "partitions", "replication.factor"];

/** All other keys of a group are configs of its topics. */
function topicConfigs(connector: Props, group: string): Record<string, string> {
  const prefix = `${PREFIX}${group}.`;
  const configs: Record<string, string> = {};
  for (const [key, value] of Object.entries(connector)) {
    const own = key.startsWith(prefix) ? key.slice(prefix.length) : "";
    if (own !== "" && !OWN_KEYS.includes(own)) configs[own] = value;
  }
  return configs;
}
