import { ConfigError, type Props } from "../../api/index.js";
import type { TaskId } from "../../contract/task-id.js";
import { connectionProperties } from "../../kafka/client-properties.js";
import { overridePolicy, overrideRefusal } from "./override-policy.js";

export type ClientKind = "producer" | "consumer" | "admin";

/** The properties of one Kafka client of a task, as Java's clients name them. */
export type DerivedProperties = Readonly<Record<string, string>>;

const INT_MAX = "2147483647";
const LONG_MAX = "9223372036854775807";

/**
 * A source task's producer: the framework's defaults, then the worker's `producer.` keys, then the connector's
 * `producer.override.` keys. Of the worker's other keys only bootstrap.servers reaches a producer, as in Kafka Connect.
 *
 * @throws ConfigError for an override that the worker's policy forbids.
 */
export function sourceProducerProperties(worker: Props, connector: Props, id: TaskId): DerivedProperties {
  return producerProperties(worker, connector, `connector-producer-${id.connector}-${id.task}`);
}

/** The id of a source task's transactions: it must stay the same, since its next producer fences this one by it. */
export function transactionalIdOf(worker: Props, { connector, task }: TaskId): string {
  return `${worker["group.id"]}-${connector}-${task}`;
}

/** A source task's producer properties, for transactions: the worker chooses their id, and that they are idempotent. */
export function transactionalProperties(producer: DerivedProperties): DerivedProperties {
  const { "transactional.id": _id, "enable.idempotence": _idempotence, ...rest } = producer;
  return rest;
}

/** The producer of a sink task's dead letter queue, derived like a source task's. @throws ConfigError as there. */
export function deadLetterProducerProperties(worker: Props, connector: Props, id: TaskId): DerivedProperties {
  return producerProperties(worker, connector, `connector-dlq-producer-${id.connector}-${id.task}`);
}

/** The default consumer group of a sink connector. */
export function sinkGroupId(connector: string): string {
  return `connect-${connector}`;
}

/**
 * A sink task's consumer: defaults, the worker's `consumer.` keys, the connector's `consumer.override.` keys.
 * `groupId` is `connect-<name>` unless one of them sets it.
 *
 * @throws ConfigError for an override that the worker's policy forbids.
 */
export function sinkConsumerProperties(
  worker: Props,
  connector: Props,
  id: TaskId,
): { readonly groupId: string; readonly properties: DerivedProperties } {
  const properties = {
    ...bootstrapServers(worker),
    "client.id": `connector-consumer-${id.connector}-${id.task}`,
    "enable.auto.commit": "false",
    "auto.offset.reset": "earliest",
    ...withPrefix(worker, "consumer."),
    ...allowedOverrides(worker, connector, "consumer"),
  };
  const { "group.id": groupId = sinkGroupId(id.connector), ...rest } = properties as Record<string, string>;
  return { groupId, properties: rest };
}

/**
 * The admin client of a task (topic creation) or of its dead letter queue: the worker's un-prefixed keys, its `admin.`
 * keys, the connector's `admin.override.` keys.
 *
 * @throws ConfigError for an override that the worker's policy forbids.
 */
export function adminProperties(
  worker: Props,
  connector: Props,
  id: TaskId,
  use: "adminclient" | "dlq-adminclient",
): DerivedProperties {
  return {
    ...connectionProperties(worker),
    "client.id": `connector-${use}-${id.connector}-${id.task}`,
    ...withPrefix(worker, "admin."),
    ...allowedOverrides(worker, connector, "admin"),
  };
}

function producerProperties(worker: Props, connector: Props, clientId: string): DerivedProperties {
  return {
    ...bootstrapServers(worker),
    acks: "all",
    "enable.idempotence": "false",
    "max.in.flight.requests.per.connection": "1",
    "max.block.ms": LONG_MAX,
    "delivery.timeout.ms": INT_MAX,
    "client.id": clientId,
    ...withPrefix(worker, "producer."),
    ...allowedOverrides(worker, connector, "producer"),
  };
}

function allowedOverrides(worker: Props, connector: Props, kind: ClientKind): Record<string, string> {
  const prefix = `${kind}.override.`;
  const overrides = withPrefix(connector, prefix);
  const policy = overridePolicy(worker);
  for (const name of Object.keys(overrides)) {
    if (policy.allows(name)) continue;
    const key = prefix + name;
    throw new ConfigError(key, `Client Config Overrides not allowed ${key}: ${overrideRefusal(policy, name)}`);
  }
  return overrides;
}

function bootstrapServers(worker: Props): Record<string, string> {
  const servers = worker["bootstrap.servers"];
  return servers === undefined ? {} : { "bootstrap.servers": servers };
}

/** The entries whose key starts with `prefix`, without it. */
export function withPrefix(props: Props, prefix: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [key, value] of Object.entries(props)) {
    if (key.startsWith(prefix) && key.length > prefix.length) found[key.slice(prefix.length)] = value;
  }
  return found;
}
