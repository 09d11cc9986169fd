import {
  allOf,
  atLeast,
  type ConfigCheck,
  type ConfigDef,
  ConfigError,
  type ConfigValues,
  invalidValue,
  oneOfIgnoringCase,
  type Props,
  parseConfig,
} from "../../api/index.js";
import { countOrDefault, DEFAULT_HEADER_CONVERTER } from "../../contract/connector-keys.js";
import { accessConfigDef } from "../../http/access/access-config.js";
import { connectionProperties } from "../../kafka/client-properties.js";
import type { InternalTopic } from "../../stores/internal-topic.js";
import { OVERRIDE_POLICY_KEYS, overridePolicy } from "../../worker/task/override-policy.js";
import { isKnownMac, MACS } from "./mac-algorithms.js";
import { judgeWorkerKey, type KeyVerdict } from "./worker-keys.js";

const someItems: ConfigCheck = (key, value) => {
  if (!Array.isArray(value)) return undefined;
  if (value.length === 0 || value.includes("")) return `Configuration '${key}' values must not be empty.`;
  return new Set(value).size < value.length ? `Configuration '${key}' values must not be duplicated.` : undefined;
};

const nonEmptyName: ConfigCheck = (key, value) =>
  value === "" ? invalidValue(key, value, "String must be non-empty") : undefined;

/** The values of `ssl.client.auth`, in any case. */
export const clientAuth: ConfigCheck = oneOfIgnoringCase("NONE", "REQUESTED", "REQUIRED");

const knownMac: ConfigCheck = (key, value) =>
  typeof value === "string" && !isKnownMac(value)
    ? invalidValue(key, value, `String must be one of: ${Object.keys(MACS).join(", ")}`)
    : undefined;

const knownMacs: ConfigCheck = (key, value) =>
  Array.isArray(value) ? value.map((item) => knownMac(key, item)).find((complaint) => complaint) : undefined;

/**
 * The keys of a distributed worker that Millrace itself reads (DistributedConfig, WorkerConfig, RestServerConfig).
 * Clients read others.
 */
export const distributedConfigDef = {
  "bootstrap.servers": { type: "list", doc: "Initial brokers, as host:port.", check: someItems },
  "group.id": { type: "string", doc: "Name of the group of workers.", check: nonEmptyName },
  "config.storage.topic": { type: "string", doc: "Topic of the connector configs.", check: nonEmptyName },
  "config.storage.replication.factor": {
    type: "short",
    doc: "Replication factor with which the worker creates that topic.",
    default: 3,
    check: countOrDefault,
  },
  "offset.storage.topic": { type: "string", doc: "Topic of the source offsets.", check: nonEmptyName },
  "offset.storage.replication.factor": {
    type: "short",
    doc: "Replication factor with which the worker creates that topic.",
    default: 3,
    check: countOrDefault,
  },
  "offset.storage.partitions": {
    type: "int",
    doc: "Partitions with which the worker creates that topic.",
    default: 25,
    check: countOrDefault,
  },
  "status.storage.topic": { type: "string", doc: "Topic of the statuses.", check: nonEmptyName },
  "status.storage.replication.factor": {
    type: "short",
    doc: "Replication factor with which the worker creates that topic.",
    default: 3,
    check: countOrDefault,
  },
  "status.storage.partitions": {
    type: "int",
    doc: "Partitions with which the worker creates that topic.",
    default: 5,
    check: countOrDefault,
  },
  "key.converter": { type: "class", doc: "Converter of record keys, unless a connector names its own." },
  "value.converter": { type: "class", doc: "Converter of record values, unless a connector names its own." },
  "header.converter": {
    type: "class",
    doc: "Converter of header values, unless a connector names its own.",
    default: DEFAULT_HEADER_CONVERTER,
  },
  listeners: { type: "list", doc: "Addresses on which REST listens.", default: ["http://:8083"], check: someItems },
  "rest.advertised.host.name": { type: "string", doc: "Host under which other workers reach REST.", default: null },
  "rest.advertised.port": { type: "int", doc: "Port under which other workers reach REST.", default: null },
  "rest.advertised.listener": {
    type: "string",
    doc: "Scheme under which other workers reach REST: http or https, by a listener or through a proxy.",
    default: null,
    check: (key, value) => (value === null ? undefined : oneOfIgnoringCase("HTTP", "HTTPS")(key, value)),
  },
  "ssl.client.auth": {
    type: "string",
    doc: "Whether https listeners ask their clients for a certificate: none, requested or required.",
    default: "none",
    check: clientAuth,
  },
  "admin.listeners": {
    type: "list",
    doc: "Addresses on which /admin is served, instead of on those of listeners. Empty: nowhere.",
    default: null,
  },
  ...accessConfigDef,
  "session.timeout.ms": {
    type: "int",
    doc: "Time without a heartbeat after which the group drops a worker, in ms.",
    default: 10_000,
  },
  "heartbeat.interval.ms": { type: "int", doc: "Time between a worker's heartbeats, in ms.", default: 3_000 },
  "rebalance.timeout.ms": { type: "int", doc: "Longest time for a rebalance, in ms.", default: 60_000 },
  "connect.protocol": {
    type: "string",
    doc: "Group protocol: eager, compatible or sessioned.",
    default: "sessioned",
    check: oneOfIgnoringCase("EAGER", "COMPATIBLE", "SESSIONED"),
  },
  "scheduled.rebalance.max.delay.ms": {
    type: "int",
    doc: "Time that the work of a worker that crashed waits for its return, in ms: a restarted worker usually returns sooner, and moving its work twice costs more than waiting. 0: it moves as soon as the session ends. What a worker gives up when it stops moves at once.",
    default: 300_000,
    check: atLeast(0),
  },
  "worker.sync.timeout.ms": {
    type: "int",
    doc: "Time for a worker to catch up with the config topic before it rejoins, in ms.",
    default: 3_000,
  },
  "exactly.once.source.support": {
    type: "string",
    doc: "Exactly-once delivery of source connectors. A running cluster goes from disabled to preparing on all workers, and then to enabled on all.",
    default: "disabled",
    check: oneOfIgnoringCase("DISABLED", "PREPARING", "ENABLED"),
  },
  "inter.worker.key.generation.algorithm": {
    type: "string",
    doc: "Algorithm of the key that signs requests between workers.",
    default: "HmacSHA256",
    check: knownMac,
  },
  "inter.worker.key.size": {
    type: "int",
    doc: "Size of that key in bits; by default the algorithm's own.",
    default: null,
    check: (key, value) => (value === null ? undefined : atLeast(40)(key, value)),
  },
  "inter.worker.key.ttl.ms": {
    type: "int",
    doc: "Age at which that key is replaced, in ms.",
    default: 3_600_000,
    check: atLeast(0),
  },
  "inter.worker.signature.algorithm": {
    type: "string",
    doc: "Algorithm with which this worker signs its requests to others.",
    default: "HmacSHA256",
    check: knownMac,
  },
  "inter.worker.verification.algorithms": {
    type: "list",
    doc: "Accepted signature algorithms.",
    default: ["HmacSHA256"],
    check: allOf(someItems, knownMacs),
  },
  ...OVERRIDE_POLICY_KEYS,
  "config.providers": { type: "list", doc: "Names of config providers.", default: [] },
  "topic.tracking.enable": {
    type: "boolean",
    doc: "Whether the worker records the topics that connectors use.",
    default: true,
  },
  "topic.tracking.allow.reset": { type: "boolean", doc: "Whether clients may clear these records.", default: true },
} as const satisfies ConfigDef;

export type DistributedConfig = ConfigValues<typeof distributedConfigDef>;

/**
 * Parses a worker's properties.
 *
 * @throws ConfigError naming the first key that is missing, wrong, or not supported.
 */
export function parseDistributedConfig(props: Props): DistributedConfig {
  const config = parseConfig(distributedConfigDef, props);
  overridePolicy(props);
  const signed = "inter.worker.signature.algorithm";
  if (!config["inter.worker.verification.algorithms"].includes(config[signed])) {
    const detail = "Signature algorithm must be present in inter.worker.verification.algorithms list";
    throw new ConfigError(signed, invalidValue(signed, config[signed], detail));
  }
  return config;
}

/** The worker's three state topics. Keys such as `offset.storage.retention.bytes` are topic configs. */
export function internalTopics(
  config: DistributedConfig,
  props: Props,
): Record<"config" | "offset" | "status", InternalTopic> {
  const topic = (kind: "config" | "offset" | "status", partitions: number, purpose: string): InternalTopic => ({
    name: config[`${kind}.storage.topic`],
    partitions,
    replicationFactor: config[`${kind}.storage.replication.factor`],
    configs: topicConfigs(props, `${kind}.storage.`),
    property: `${kind}.storage.topic`,
    replicationProperty: `${kind}.storage.replication.factor`,
    purpose,
  });
  return {
    config: topic("config", 1, "connector configurations"),
    offset: topic("offset", config["offset.storage.partitions"], "source connector offsets"),
    status: topic("status", config["status.storage.partitions"], "connector and task statuses"),
  };
}

const OWN_TOPIC_KEYS: ReadonlySet<string> = new Set([
  "topic",
  "partitions",
  "replication.factor",
  "cleanup.policy",
  "file.filename",
]);

function topicConfigs(props: Props, prefix: string): Record<string, string> {
  const configs: Record<string, string> = {};
  for (const [key, value] of Object.entries(props)) {
    const name = key.slice(prefix.length);
    if (key.startsWith(prefix) && !OWN_TOPIC_KEYS.has(name)) configs[name] = value;
  }
  return configs;
}

/** The keys of the herders' definitions: a standalone worker's only one of its own, and a distributed worker's. */
const OF_ALL_MODES = { "offset.storage.file.filename": null, ...distributedConfigDef };

/**
 * Worker properties without effect here: those that Kafka Connect knows, and unknown ones, in their order.
 *
 * @param def the definition of the worker's mode.
 */
export function idleWorkerKeys(
  props: Props,
  def: ConfigDef,
): { readonly withoutEffect: string[]; readonly unknown: string[] } {
  const judged = Object.keys(props).map((key) => [key, judgeWorkerKey(key, def, OF_ALL_MODES)] as const);
  const keysOf = (wanted: KeyVerdict) => judged.flatMap(([key, verdict]) => (verdict === wanted ? [key] : []));
  return { withoutEffect: keysOf("without-effect"), unknown: keysOf("unknown") };
}

/** The worker properties for the clients of its own topics and group. */
export function ownClientProperties(props: Props): Record<string, string> {
  const { "group.id": groupId } = props;
  return { "client.id": groupId === undefined ? "connect" : `connect-${groupId}`, ...connectionProperties(props) };
}
