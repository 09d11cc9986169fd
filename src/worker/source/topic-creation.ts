import { ConfigError, type Props, parseConfig } from "../../api/index.js";
import { wholePattern } from "../../base/topic-pattern.js";
import { TOPIC_GROUP_KEYS } from "../../contract/connector-keys.js";

/** What a new topic shall be like; -1: the broker's default. */
interface TopicPlan {
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly configs: Readonly<Record<string, string>>;
}

interface TopicGroup extends TopicPlan {
  readonly include: readonly RegExp[];
  readonly exclude: readonly RegExp[];
}

/** A source connector's rules for topics that do not exist (KIP-158): the first group that matches, else the default group. */
export interface TopicCreation {
  readonly groups: readonly TopicGroup[];
  readonly defaults: TopicPlan;
}

const PREFIX = "topic.creation.";

/**
 * The `topic.creation.*` keys of a source connector; undefined when there is none, or the worker's
 * `topic.creation.enable` is false: the broker's auto-creation decides then.
 *
 * @throws ConfigError for a missing or impossible number, or a pattern that is none.
 */
export function parseTopicCreation(worker: Props, connector: Props): TopicCreation | undefined {
  if (worker["topic.creation.enable"]?.trim().toLowerCase() === "false") return undefined;
  if (!Object.keys(connector).some((key) => key.startsWith(PREFIX))) return undefined;
  const defaults = parsePlan(connector, "default", undefined);
  const names = parseConfig(TOPIC_GROUP_KEYS, connector)["topic.creation.groups"];
  const groups = names
    .filter((name) => name !== "default" && name !== "")
    .map((name) => ({
      ...parsePlan(connector, name, defaults),
      include: parsePatterns(connector, `${PREFIX}${name}.include`),
      exclude: parsePatterns(connector, `${PREFIX}${name}.exclude`),
    }));
  return { groups, defaults };
}

/** What the topic is created as. */
export function planTopic(creation: TopicCreation, topic: string): TopicPlan & { readonly name: string } {
  const group = creation.groups.find(
    ({ include, exclude }) =>
      !exclude.some((pattern) => pattern.test(topic)) && include.some((pattern) => pattern.test(topic)),
  );
  const { partitions, replicationFactor, configs } = group ?? creation.defaults;
  return { name: topic, partitions, replicationFactor, configs };
}

const OWN_KEYS = ["include", "exclude", "partitions", "replication.factor"];

function parsePlan(connector: Props, group: string, defaults: TopicPlan | undefined): TopicPlan {
  const prefix = `${PREFIX}${group}.`;
  const configs: Record<string, string> = {};
  for (const [key, value] of Object.entries(connector)) {
    const own = key.startsWith(prefix) ? key.slice(prefix.length) : "";
    if (own !== "" && !OWN_KEYS.includes(own)) configs[own] = value;
  }
  return {
    partitions: parseCount(connector, `${prefix}partitions`, defaults?.partitions),
    replicationFactor: parseCount(connector, `${prefix}replication.factor`, defaults?.replicationFactor),
    configs,
  };
}

function parseCount(connector: Props, key: string, fallback: number | undefined): number {
  const def = { [key]: { type: "int", doc: "", ...(fallback !== undefined && { default: fallback }) } } as const;
  const count = parseConfig(def, connector)[key] as number;
  if (count >= 1 || count === -1) return count;
  throw new ConfigError(
    key,
    `Invalid value ${count} for configuration ${key}: must be at least 1, or -1 for the broker's default`,
  );
}

function parsePatterns(connector: Props, key: string): RegExp[] {
  const sources = (connector[key] ?? "").split(",").map((source) => source.trim());
  return sources.filter((source) => source !== "").map((source) => wholePattern(key, source));
}
