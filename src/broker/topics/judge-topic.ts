import type { ErrorName } from "../../protocol/error-codes.js";
import { topicNameFault } from "../../protocol/topic-name.js";
import type { BrokerProperties } from "../broker-properties.js";
import { judgeTopicConfig } from "./topic-config.js";
import { collidingTopic, isInternalTopic, METADATA_TOPIC } from "./topic-name.js";

/** Kafka's limit of new partitions per request. */
export const MAX_PARTITIONS_PER_REQUEST = 10_000;

/** The refusal of a request above that limit. */
export const TOO_MANY_PARTITIONS: TopicRefusal = {
  kind: "refused",
  error: "POLICY_VIOLATION",
  message: "Excessively large number of partitions per request.",
};

/** A topic of a CreateTopics request; -1 stands for the broker's default. */
export interface NewTopicRequest {
  readonly name: string;
  readonly numPartitions: number;
  readonly replicationFactor: number;
  readonly assignments: readonly { readonly partitionIndex: number; readonly brokerIds: readonly number[] }[];
  readonly configs: readonly { readonly name: string; readonly value: string | null }[];
}

/** The broker's state that a request is judged by. */
export interface TopicSurroundings {
  readonly existing: ReadonlySet<string>;
  readonly nodeId: number;
  readonly properties: BrokerProperties;
}

export interface TopicPlan {
  readonly kind: "create";
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly configs: Readonly<Record<string, string>>;
}

export interface TopicRefusal {
  readonly kind: "refused";
  readonly error: ErrorName;
  readonly message: string;
}

/** Judges one topic of a CreateTopics request, in the order and with the errors of Kafka's controller. */
export function judgeNewTopic(
  request: NewTopicRequest,
  { existing, nodeId, properties }: TopicSurroundings,
): TopicPlan | TopicRefusal {
  const { name, numPartitions, replicationFactor, assignments } = request;
  const fault = topicNameFault(name);
  if (fault) return refused("INVALID_TOPIC_EXCEPTION", fault);
  if (name === METADATA_TOPIC) {
    return refused("INVALID_REQUEST", `Creation of internal topic ${METADATA_TOPIC} is prohibited.`);
  }
  const collision = collidingTopic(name, existing);
  if (collision)
    return refused("INVALID_TOPIC_EXCEPTION", `Topic '${name}' collides with existing topic: ${collision}`);
  if (existing.has(name)) return refused("TOPIC_ALREADY_EXISTS", `Topic '${name}' already exists.`);
  if (isInternalTopic(name)) return refused("INVALID_TOPIC_EXCEPTION", `The broker creates ${name} itself.`);
  const configs: Record<string, string> = {};
  for (const { name: key, value } of request.configs) {
    if (value === null) return refused("INVALID_CONFIG", `Null value not supported for topic configs: ${key}`);
    configs[key] = value;
  }
  const configFault = judgeTopicConfig(configs, properties);
  if (configFault) return refused("INVALID_CONFIG", configFault);
  if (assignments.length > 0) return judgeAssignments(request, configs, nodeId);
  const replicas = replicationFactor === -1 ? properties.number("default.replication.factor") : replicationFactor;
  if (numPartitions === 0 || numPartitions < -1) {
    return refused("INVALID_PARTITIONS", "Number of partitions was set to an invalid non-positive value.");
  }
  if (replicas < 1) {
    return refused(
      "INVALID_REPLICATION_FACTOR",
      "Replication factor must be larger than 0, or -1 to use the default value.",
    );
  }
  if (replicas > 1 && !properties.flag("millrace.lenient.replication")) {
    const message = `Unable to replicate the partition ${replicas} time(s): The target replication factor of ${replicas} cannot be reached because only 1 broker(s) are registered.`;
    return refused("INVALID_REPLICATION_FACTOR", message);
  }
  const partitions = numPartitions === -1 ? properties.number("num.partitions") : numPartitions;
  // Also checked here for auto-created topics: their number is num.partitions, which clients may alter.
  if (partitions > MAX_PARTITIONS_PER_REQUEST) return TOO_MANY_PARTITIONS;
  return { kind: "create", name, partitions, replicationFactor: replicas, configs };
}

function judgeAssignments(
  { name, numPartitions, replicationFactor, assignments }: NewTopicRequest,
  configs: Readonly<Record<string, string>>,
  nodeId: number,
): TopicPlan | TopicRefusal {
  if (numPartitions !== -1) {
    return refused(
      "INVALID_REQUEST",
      "A manual partition assignment was specified, but numPartitions was not set to -1.",
    );
  }
  if (replicationFactor !== -1) {
    return refused(
      "INVALID_REQUEST",
      "A manual partition assignment was specified, but replication factor was not set to -1.",
    );
  }
  const indexes = new Set(assignments.map(({ partitionIndex }) => partitionIndex));
  for (let index = 0; index < assignments.length; index++) {
    if (!indexes.has(index)) {
      return refused("INVALID_REPLICA_ASSIGNMENT", "partitions should be a consecutive 0-based integer sequence");
    }
  }
  if (assignments.some(({ brokerIds }) => brokerIds.length !== 1 || brokerIds[0] !== nodeId)) {
    const message = `The manual partition assignment must name broker ${nodeId}, the only one, for each partition.`;
    return refused("INVALID_REPLICA_ASSIGNMENT", message);
  }
  return { kind: "create", name, partitions: assignments.length, replicationFactor: 1, configs };
}

/** Judges a CreatePartitions request for one topic; undefined: accepted. */
export function judgeMorePartitions(
  name: string,
  current: number,
  count: number,
  assignments: readonly { readonly brokerIds: readonly number[] }[] | null,
  nodeId: number,
): TopicRefusal | undefined {
  if (count <= current) {
    const message = `The topic ${name} currently has ${current} partition(s); ${count} would not be an increase.`;
    return refused("INVALID_PARTITIONS", message);
  }
  if (!assignments) return undefined;
  if (assignments.length !== count - current) {
    const message = `Attempted to add ${count - current} additional partition(s), but only ${assignments.length} assignment(s) were specified.`;
    return refused("INVALID_REPLICA_ASSIGNMENT", message);
  }
  if (assignments.some(({ brokerIds }) => brokerIds.length !== 1 || brokerIds[0] !== nodeId)) {
    return refused("INVALID_REPLICA_ASSIGNMENT", `The assignment must name broker ${nodeId}, the only one.`);
  }
  return undefined;
}

function refused(error: ErrorName, message: string): TopicRefusal {
  return { kind: "refused", error, message };
}
