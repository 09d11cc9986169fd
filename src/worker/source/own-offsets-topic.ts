import { ConfigError, invalidValue, type Props } from "../../api/index.js";
import {
  adminProperties,
  type DerivedProperties,
  sinkConsumerProperties,
  sourceProducerProperties,
  transactionalProperties,
} from "../task/task-client-properties.js";
import { exactlyOnceMode } from "../worker-config.js";

/** A topic for the offsets of one source connector, and the properties of the clients that reach it. */
export interface OwnOffsetsPlan {
  readonly topic: string;
  readonly producer: DerivedProperties;
  readonly consumer: DerivedProperties;
  readonly admin: DerivedProperties;
}

/**
 * The offsets topic that a source connector has besides the worker's (KIP-618): the one that it names in
 * `offsets.storage.topic`; under exactly-once delivery also one of the worker's topic's name in the cluster that it
 * writes to, because a transaction cannot span two clusters.
 *
 * @returns undefined: the worker's topic alone.
 * @throws ConfigError for an override that the worker's policy forbids.
 */
export function ownOffsetsTopic(worker: Props, connector: Props, name: string): OwnOffsetsPlan | undefined {
  const mode = exactlyOnceMode(worker);
  const named = connector["offsets.storage.topic"]?.trim() || undefined;
  if (named === undefined && mode !== "enabled") return undefined;
  // A standalone worker keeps its offsets in a file.
  const ofWorker = mode === "unavailable" ? undefined : worker["offset.storage.topic"]?.trim();
  const topic = named ?? ofWorker;
  if (topic === undefined) return undefined;
  const id = { connector: name, task: 0 };
  const producer = sourceProducerProperties(worker, connector, id);
  if (topic === ofWorker && isSameCluster(producer["bootstrap.servers"], worker["bootstrap.servers"])) return undefined;
  const { "group.id": _, ...consumer } = sinkConsumerProperties(worker, connector, id).properties as Record<
    string,
    string
  >;
  return {
    topic,
    producer: { ...transactionalProperties(producer), "client.id": `connector-offsets-producer-${name}` },
    consumer: { ...consumer, "client.id": `connector-offsets-consumer-${name}` },
    admin: {
      ...adminProperties(worker, connector, id, "adminclient"),
      "client.id": `connector-offsets-adminclient-${name}`,
    },
  };
}

/**
 * Called before the topic is created, with the id of the cluster that each client has reached; "" if it has none.
 *
 * @throws ConfigError unless they are the same: otherwise offsets would be written to one cluster and read from another,
 *   and earlier tasks fenced in one where they do not write.
 */
export function requireOneCluster(
  plan: OwnOffsetsPlan,
  ids: Readonly<Record<"producer" | "consumer" | "admin", string>>,
): void {
  for (const kind of ["consumer", "admin"] as const) {
    if (ids[kind] === ids.producer || ids[kind] === "" || ids.producer === "") continue;
    const key = `${kind}.override.bootstrap.servers`;
    const detail = `topic ${plan.topic}, for the connector's own offsets, must be in the cluster that the connector writes to, which is another one (${plan.producer["bootstrap.servers"]}); name that one's servers in ${key}`;
    throw new ConfigError(key, invalidValue(key, plan[kind]["bootstrap.servers"], detail));
  }
}

/** As Kafka Connect compares: by the servers' names. */
function isSameCluster(one: string | undefined, other: string | undefined): boolean {
  const servers = (list: string | undefined) =>
    (list ?? "")
      .split(",")
      .map((each) => each.trim())
      .sort();
  return servers(one).join() === servers(other).join();
}
