import type { KafkaError } from "../../protocol/kafka-error.js";
import type { CommittedOffset, TopicPartition, TopicPartitionOffset } from "./topic-partition.js";

/** A topic as the cluster describes it. */
export interface TopicDescription {
  readonly name: string;
  readonly internal: boolean;
  /** In order of partition id. `leader` is -1 while there is none. */
  readonly partitions: readonly PartitionDescription[];
}

export interface PartitionDescription {
  readonly partition: number;
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

export interface NewTopic {
  readonly name: string;
  /** -1: the broker's `num.partitions`. */
  readonly partitions: number;
  /** -1: the broker's `default.replication.factor`. */
  readonly replicationFactor: number;
  readonly configs?: Readonly<Record<string, string>>;
}

/** The result for one topic; `error` is absent after a success. */
export interface TopicResult {
  readonly name: string;
  readonly error?: KafkaError;
}

/** One topic config. `isDefault` is false when the config is set on the topic. */
export interface TopicConfigEntry {
  readonly name: string;
  readonly value: string | null;
  readonly isDefault: boolean;
  readonly isSensitive: boolean;
}

/** A group of the cluster. */
export interface GroupListing {
  readonly groupId: string;
  readonly protocolType: string;
  /** `Empty`, `Stable`, …; empty when the broker is too old to tell. */
  readonly state: string;
}

/** An ACL, in Kafka's numbers (ResourceType, PatternType, AclOperation, AclPermissionType). */
export interface AclEntry {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly patternType: number;
  readonly principal: string;
  readonly host: string;
  readonly operation: number;
  readonly permissionType: number;
}

/** A transactional id that the cluster knows, and the state of its transaction (`Ongoing`, `Empty`, …). */
export interface TransactionListing {
  readonly transactionalId: string;
  readonly state: string;
}

/** What a reader sees: with `read_committed` nothing from the first record of an open transaction on. */
export type IsolationLevel = "read_uncommitted" | "read_committed";

/**
 * Cluster administration. Every call but `connect` retries retriable errors (a broker is down, the coordinator moves)
 * until `default.api.timeout.ms` (60 s) has passed or `signal` aborts; then it throws the last KafkaError.
 */
export interface KafkaAdmin {
  /**
   * Tries each broker once, until one answers or `timeoutMs` has passed. For a worker's start.
   * @throws KafkaError "no broker of bootstrap.servers=… answered", with the reasons or the timeout.
   */
  connect(timeoutMs: number, signal?: AbortSignal): Promise<void>;
  clusterId(signal?: AbortSignal): Promise<string>;
  /** Names of all topics including internal ones, in no particular order. */
  listTopics(signal?: AbortSignal): Promise<string[]>;
  /** Describes topics; the names of those that do not exist are in `missing`. Never creates a topic. */
  describeTopics(
    names: readonly string[],
    signal?: AbortSignal,
  ): Promise<{ readonly topics: ReadonlyMap<string, TopicDescription>; readonly missing: readonly string[] }>;
  /**
   * Creates topics and waits until their leaders are known. Returns one result per topic, in the same order;
   * TOPIC_ALREADY_EXISTS is a result, too.
   */
  createTopics(topics: readonly NewTopic[], signal?: AbortSignal): Promise<TopicResult[]>;
  deleteTopics(names: readonly string[], signal?: AbortSignal): Promise<TopicResult[]>;
  /** All configs of a topic by name. @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION when it does not exist. */
  describeTopicConfigs(topic: string, signal?: AbortSignal): Promise<ReadonlyMap<string, TopicConfigEntry>>;
  /**
   * Sets configs of a topic; null removes one, so that the default is in force. All are changed, or none.
   * @throws KafkaError INVALID_CONFIG, POLICY_VIOLATION, … when the cluster refuses one.
   */
  alterTopicConfigs(
    topic: string,
    changes: Readonly<Record<string, string | null>>,
    signal?: AbortSignal,
  ): Promise<void>;
  /**
   * Offset after the last record that a reader with this isolation level may see (by default: the high watermark) of
   * each partition, in the order of `partitions`.
   */
  endOffsets(
    partitions: readonly TopicPartition[],
    signal?: AbortSignal,
    isolation?: IsolationLevel,
  ): Promise<TopicPartitionOffset[]>;
  /** Offset of the first retained record of each partition, in the order of `partitions`. */
  startOffsets(partitions: readonly TopicPartition[], signal?: AbortSignal): Promise<TopicPartitionOffset[]>;
  /** Deletes the records before these offsets. @throws KafkaError of the first partition that refuses. */
  deleteRecords(offsets: readonly TopicPartitionOffset[], signal?: AbortSignal): Promise<void>;
  listGroups(signal?: AbortSignal): Promise<GroupListing[]>;
  /** All committed offsets of a group; empty for an unknown group. */
  listGroupOffsets(groupId: string, signal?: AbortSignal): Promise<CommittedOffset[]>;
  /**
   * Sets offsets of a group without members (offsets reset).
   * @throws KafkaError UNKNOWN_MEMBER_ID while it has members.
   */
  alterGroupOffsets(groupId: string, offsets: readonly CommittedOffset[], signal?: AbortSignal): Promise<void>;
  /** Deletes committed offsets of single partitions. @throws KafkaError GROUP_SUBSCRIBED_TO_TOPIC while in use. */
  deleteGroupOffsets(groupId: string, partitions: readonly TopicPartition[], signal?: AbortSignal): Promise<void>;
  /** Deletes a group and its offsets. @throws KafkaError NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND. */
  deleteGroup(groupId: string, signal?: AbortSignal): Promise<void>;
  /**
   * The node of the coordinator that a transactional id has or would have. @throws KafkaError UNSUPPORTED_VERSION when
   * the cluster serves no transactions.
   */
  findTransactionCoordinator(transactionalId: string, signal?: AbortSignal): Promise<number>;
  /**
   * Ends the producers with these transactional ids: they can write no more, and their open transactions are aborted.
   * A new producer with such an id can write again. @throws KafkaError of the first id that failed.
   */
  fenceProducers(transactionalIds: readonly string[], signal?: AbortSignal): Promise<void>;
  /** The transactional ids of all brokers. @throws KafkaError UNSUPPORTED_VERSION of brokers before Kafka 3.0. */
  listTransactions(signal?: AbortSignal): Promise<TransactionListing[]>;
  /** All ACLs. @throws KafkaError SECURITY_DISABLED when the cluster has no authorizer. */
  describeAcls(signal?: AbortSignal): Promise<AclEntry[]>;
  /** Adds ACLs. Returns one result per ACL, in the same order: undefined, or why it was refused. */
  createAcls(acls: readonly AclEntry[], signal?: AbortSignal): Promise<(KafkaError | undefined)[]>;
  /** The names of the users that may log in with SCRAM. */
  listScramUsers(signal?: AbortSignal): Promise<string[]>;
}
