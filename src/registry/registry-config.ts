import { atLeast, type ConfigDef, ConfigError, type ConfigValues, type Props, parseConfig } from "../api/index.js";
import { accessConfigDef } from "../http/access/access-config.js";
import { LEVELS, type Level } from "./state/scope-config.js";

/** The properties of a registry, under the names of Confluent's. */
export const registryConfigDef = {
  "kafkastore.bootstrap.servers": {
    type: "list",
    doc: "Brokers of the Kafka that holds the schemas, as host:port or PROTOCOL://host:port. kafkastore.security.protocol, kafkastore.ssl.* and kafkastore.sasl.* configure the connection.",
  },
  listeners: { type: "list", doc: "Where the registry listens.", default: ["http://0.0.0.0:8081"] },
  "host.name": { type: "string", doc: "The host under which other registries reach this one.", default: null },
  "host.port": { type: "int", doc: "The port under which other registries reach this one.", default: null },
  "inter.instance.protocol": { type: "string", doc: "Scheme of the listener for other registries.", default: null },
  "inter.instance.headers.whitelist": { type: "list", doc: "Headers that go along to the leader.", default: [] },
  "kafkastore.topic": { type: "string", doc: "Topic of the schemas.", default: "_schemas" },
  "kafkastore.topic.replication.factor": {
    type: "int",
    doc: "Replication factor with which the registry creates the topic, if there are so many brokers.",
    default: 3,
    check: atLeast(1),
  },
  "kafkastore.topic.skip.validation": {
    type: "boolean",
    doc: "Whether an existing topic is taken as it is.",
    default: false,
  },
  "kafkastore.timeout.ms": {
    type: "int",
    doc: "How long a write waits until it is read back. Confluent's default is 500.",
    default: 30_000,
    check: atLeast(1),
  },
  "kafkastore.init.timeout.ms": {
    type: "int",
    doc: "How long a new leader waits until it has read everything.",
    default: 60_000,
    check: atLeast(1),
  },
  "schema.registry.group.id": { type: "string", doc: "Group of the registries.", default: "schema-registry" },
  "leader.eligibility": { type: "boolean", doc: "Whether this registry may lead.", default: true },
  "leader.election.sticky": { type: "boolean", doc: "Whether a leader stays one.", default: false },
  "leader.read.timeout.ms": {
    type: "int",
    doc: "How long a request to the leader may take.",
    default: 60_000,
    check: atLeast(1),
  },
  "schema.compatibility.level": {
    type: "string",
    doc: "The compatibility level where none is configured.",
    default: "backward",
  },
  "schema.search.default.limit": {
    type: "int",
    doc: "Schemas in a list without limit.",
    default: 1000,
    check: atLeast(1),
  },
  "schema.search.max.limit": { type: "int", doc: "Most schemas in a list.", default: 1000, check: atLeast(1) },
  "schema.reject.empty.subject": { type: "boolean", doc: "Whether subjects need a name.", default: false },
  "mode.mutability": { type: "boolean", doc: "Whether modes may change.", default: true },
  "millrace.compat.version": {
    type: "int",
    doc: "Answers like Confluent Schema Registry 8, or 7.",
    default: 8,
  },
  ...accessConfigDef,
} satisfies ConfigDef;

export type RegistryConfig = ConfigValues<typeof registryConfigDef> & {
  readonly defaultLevel: Level;
  readonly release: 7 | 8;
};

/** Older names of properties. */
const RENAMED: Readonly<Record<string, string>> = {
  "master.eligibility": "leader.eligibility",
  "avro.compatibility.level": "schema.compatibility.level",
  "schema.registry.inter.instance.protocol": "inter.instance.protocol",
};

/** @throws ConfigError naming the key */
export function parseRegistryConfig(given: Props): RegistryConfig {
  const props: Record<string, string> = { ...given };
  for (const [old, name] of Object.entries(RENAMED)) {
    const value = given[old];
    if (value !== undefined && given[name] === undefined) props[name] = value;
  }
  const config = parseConfig(registryConfigDef, props);
  const level = config["schema.compatibility.level"];
  const defaultLevel = LEVELS.find((each) => each === level.toUpperCase());
  if (!defaultLevel) {
    throw new ConfigError(
      "schema.compatibility.level",
      `Invalid value ${level} for configuration schema.compatibility.level: one of ${LEVELS.join(", ")}`,
    );
  }
  const release = config["millrace.compat.version"];
  if (release !== 7 && release !== 8) {
    throw new ConfigError(
      "millrace.compat.version",
      `Invalid value ${release} for configuration millrace.compat.version: 7 or 8`,
    );
  }
  return { ...config, defaultLevel, release };
}

/** Families of keys that are read beside the definition: TLS of listeners, the connection to Kafka, the topic's configuration. */
const READ_BY_PREFIX =
  /^(?:(?:listeners\.https\.)?ssl|kafkastore\.(?:ssl|sasl|topic\.config))\.|^kafkastore\.security\.protocol$/;

/** The keys that nothing reads, in their order: misspelt ones, and those of the original that are not served. */
export function idleRegistryKeys(props: Props): string[] {
  return Object.keys(props).filter(
    (key) => !Object.hasOwn(registryConfigDef, key) && !Object.hasOwn(RENAMED, key) && !READ_BY_PREFIX.test(key),
  );
}

/** The properties of the client of Kafka. */
export function kafkaProperties(props: Props, { "kafkastore.bootstrap.servers": servers }: RegistryConfig): Props {
  const own = Object.entries(props).flatMap(([key, value]): [string, string][] => {
    const name = key.startsWith("kafkastore.") ? key.slice("kafkastore.".length) : "";
    return /^(?:ssl|sasl)\.|^security\.protocol$/.test(name) && value !== undefined ? [[name, value]] : [];
  });
  return {
    "client.id": "sr-1",
    ...Object.fromEntries(own),
    "bootstrap.servers": servers.map((server) => server.replace(/^[A-Za-z0-9_]+:\/\//, "")).join(","),
  };
}

/** `kafkastore.topic.config.*` */
export function topicConfigs(props: Props): Readonly<Record<string, string>> {
  const prefix = "kafkastore.topic.config.";
  const own = Object.entries(props).filter((entry): entry is [string, string] => entry[0].startsWith(prefix));
  return Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length), value]));
}
