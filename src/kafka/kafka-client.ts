import type { Clock } from "../api/clock.js";
import type { Logger } from "../api/logger.js";
import type { Random } from "../api/random.js";
import type { RecordHeader } from "../api/record-headers.js";
import type { KafkaError } from "../protocol/kafka-error.js";

/** One partition of a topic. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/**
 * A partition and an offset in it. A position is the offset of the next record to read. Offsets are exact below 2^53.
 */
export interface TopicPartitionOffset extends TopicPartition {
  readonly offset: number;
}

/** A committed position of a group. The coordinator stores `metadata` and returns it unchanged. */
export interface CommittedOffset extends TopicPartitionOffset {
  readonly metadata?: string | null;
}

/**
 * Called with the reason when there is no progress ("waiting for a broker: …", "waiting for topic orders"), and with
 * `undefined` once there is. Called on changes only, never per record.
 */
export type OnConnectivity = (waitingFor: string | undefined) => void;

/** Client properties with the names of Java's clients (`bootstrap.servers`, `linger.ms`, `sasl.jaas.config`, …). */
export type ClientProperties = Readonly<Record<string, string>>;

export interface KafkaClientOptions {
  /**
   * Connection properties (`bootstrap.servers`, `client.id`, `security.protocol`, `sasl.*`, `ssl.*`, …) and the
   * defaults of all producers, consumers and members of this client. Unknown keys cause a warning, as in Java.
   */
  readonly properties: ClientProperties;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly onConnectivity?: OnConnectivity;
}

/**
 * A client of one Kafka cluster. Created by `createKafkaClient(options)` (create-kafka-client.ts), which checks the
 * properties and throws a ConfigError naming the key, but does not connect. Connections open on first use, and calls
 * wait for a broker that is down. A task whose overrides change connection properties has its own client.
 */
export interface KafkaClient {
  readonly admin: KafkaAdmin;

  /** Creates a producer. @throws ConfigError naming the key of an invalid property. */
  producer<T>(options: ProducerOptions, listener: ProducerListener<T>): Producer<T>;

  /** Creates a producer for transactions (KIP-98). @throws ConfigError naming the key of an invalid property. */
  transactionalProducer<T>(
    options: TransactionalProducerOptions,
    listener: ProducerListener<T>,
  ): TransactionalProducer<T>;

  /** Creates a consumer without a group. @throws ConfigError naming the key of an invalid property. */
  consumer(options: ConsumerOptions): Consumer;

  /** Creates a consumer in the group `options.groupId`. @throws ConfigError naming the key of an invalid property. */
  groupConsumer(options: GroupConsumerOptions, listener: RebalanceListener): GroupConsumer;

  /** Creates a member of a group of any protocol type; it joins at `start()`. */
  groupMember(options: GroupMemberOptions, callbacks: GroupMemberCallbacks): GroupMember;

  /**
   * Closes all producers, consumers and members of this client, without waiting for undelivered records, and then its
   * connections. Later calls to any of them fail with a ClientClosedError.
   */
  close(): Promise<void>;
}

// --- admin ---------------------------------------------------------------------------------------------------------

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
}

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
  /** Offset after the last record of each partition (high watermark), in the order of `partitions`. */
  endOffsets(partitions: readonly TopicPartition[], signal?: AbortSignal): Promise<TopicPartitionOffset[]>;
  /** Offset of the first retained record of each partition, in the order of `partitions`. */
  startOffsets(partitions: readonly TopicPartition[], signal?: AbortSignal): Promise<TopicPartitionOffset[]>;
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
}

// --- producer ------------------------------------------------------------------------------------------------------

export interface ProducerOptions {
  /**
   * Producer properties that override the client's (`batch.size`, `linger.ms`, `compression.type`, `buffer.memory`, …).
   */
  readonly properties?: ClientProperties;
  readonly onConnectivity?: OnConnectivity;
}

/** A record to produce. `partition` null: by murmur2 of the key, or a sticky partition if the key is null, too. */
export interface ProducerRecord {
  readonly topic: string;
  readonly partition: number | null;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Milliseconds since 1970. */
  readonly timestampMs: number;
  /** Encoded once while consecutive records share the same list object: do not change it in between. */
  readonly headers: readonly RecordHeader[];
}

/**
 * Receives the outcomes of appended records, once per run of equal consecutive tokens in a batch. A token stands for
 * the ledger range of a whole poll batch, so there is no call per record. Called from the producer's loop: must not
 * throw.
 */
export interface ProducerListener<T> {
  /** `count` records with `token` are written, as `acks` requires, from `baseOffset` on (-1: unknown). */
  acknowledged(token: T, count: number, topic: string, partition: number, baseOffset: number): void;
  /** `count` records with `token` failed and will not be retried. */
  failed(token: T, count: number, error: Error, topic: string, partition: number): void;
}

/** The position of a record sent with `send`. */
export type RecordMetadata = TopicPartitionOffset;

/**
 * Produces with one request in flight per broker. By default it retries without limit; `delivery.timeout.ms` and
 * `retries` limit it. Records of a topic partition keep their order, also when retried (I9). Records collect into
 * batches while a request is in flight; `linger.ms` and `batch.size` work as in Java.
 */
export interface Producer<T> {
  /**
   * Adds a record. Its key, value and headers are copied, so their buffers may be reused. The listener receives the
   * outcome with `token`, also of a record that can never be sent (too large): a bad record does not throw. A record
   * for a partition that does not exist waits for it. Appending while `full` is allowed, but then the caller must
   * limit the memory.
   */
  append(record: ProducerRecord, token: T): void;
  /** Bytes of records without an outcome yet. */
  readonly bufferedBytes: number;
  /** Whether `bufferedBytes` has reached `buffer.memory`: await `drained()` before appending more. */
  readonly full: boolean;
  /** Resolves once the producer is not full (at once if it is not), or is closed. */
  drained(): Promise<void>;
  /** Ends lingering; resolves once all records appended before are settled, or the producer is closed. */
  flush(): Promise<void>;
  /**
   * For callers that await single writes (stores, dead letter queue): appends all records and resolves with their
   * positions, in order, once all are acknowledged.
   * @throws the error of the first that failed; others may have been written.
   */
  send(records: readonly ProducerRecord[]): Promise<RecordMetadata[]>;
  /**
   * Flushes for at most `timeoutMs` (0: not at all), then fails the remaining records. Records appended later fail with
   * a ClientClosedError.
   */
  close(timeoutMs: number): Promise<void>;
}

export interface TransactionalProducerOptions extends ProducerOptions {
  readonly transactionalId: string;
}

/**
 * A producer whose records become visible together, to consumers with `isolation.level=read_committed`. Only one
 * producer with its transactional id can write at a time: `init` fences the others. It is used up by its first failure
 * of any record or call: everything later fails with that error, nothing of its transaction becomes visible, and
 * another producer must take its place.
 */
export interface TransactionalProducer<T> extends Producer<T> {
  /**
   * Takes over the transactional id, fencing its former producers and aborting what they left open. Waits while the
   * cluster is away. To be called once, before anything else.
   * @throws KafkaError of a refusal, or the last one when `signal` aborts.
   */
  init(signal?: AbortSignal): Promise<void>;
  /** Opens a transaction. Records can be appended only within one. */
  begin(): void;
  readonly inTransaction: boolean;
  /**
   * Waits until all records are acknowledged, and makes them visible.
   * @throws the error of the first record that failed, with nothing visible; KafkaError when the transaction has been
   *   fenced, has timed out, or is refused, with nothing visible; the last error when `signal` aborts, and then the
   *   outcome is not known.
   */
  commit(signal?: AbortSignal): Promise<void>;
  /** Ends the transaction with nothing visible. @throws KafkaError as `commit`; nothing becomes visible even then. */
  abort(signal?: AbortSignal): Promise<void>;
  /** As of any producer; aborts an open transaction first, within `timeoutMs`. */
  close(timeoutMs: number): Promise<void>;
}

// --- consumer ------------------------------------------------------------------------------------------------------

interface ConsumerOptions {
  /** Consumer properties that override the client's (`auto.offset.reset`, `max.poll.records`, `fetch.max.bytes`, …). */
  readonly properties?: ClientProperties;
  readonly onConnectivity?: OnConnectivity;
}

/** A record read. `key`, `value` and header values are slices of the fetched batch: copy what you keep for long. */
export interface ConsumerRecord {
  readonly offset: number;
  /** Milliseconds since 1970; -1 when the record has none. */
  readonly timestampMs: number;
  readonly timestampType: "CreateTime" | "LogAppendTime";
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}

/**
 * Consecutive records of one partition. Without records, `nextOffset` has passed control batches or a compacted gap.
 */
export interface FetchedRecords extends TopicPartition {
  readonly records: readonly ConsumerRecord[];
  /** The position after these records, to commit once they are done. Never derive it from the last record. */
  readonly nextOffset: number;
  /** The end of the partition at the time of the fetch. */
  readonly highWatermark: number;
}

/** Reads explicitly assigned partitions. Used by store readers, and inside group consumers. */
export interface Consumer {
  /**
   * Replaces the assignment. Partitions that stay keep their position and pause; new ones start at `auto.offset.reset`
   * unless `seek` is called.
   */
  assign(partitions: readonly TopicPartition[]): void;
  readonly assignment: readonly TopicPartition[];
  /** Moves the position of an assigned partition and discards its records fetched ahead. */
  seek(partition: TopicPartition, offset: number | "earliest" | "latest"): void;
  /** `poll` does not return paused partitions until they are resumed; they keep their position. */
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  readonly paused: readonly TopicPartition[];
  /** Offset of the next record that `poll` will return; undefined while unknown. */
  position(partition: TopicPartition): number | undefined;
  /**
   * Returns the records that have arrived, at most `max.poll.records`, in order per partition. Waits up to `maxWaitMs`
   * for the first, then returns []. Also returns when `signal` aborts or the consumer is closed. One call at a time.
   * @throws ClientClosedError when the consumer is already closed, as do all methods except `close`.
   * @throws KafkaError OFFSET_OUT_OF_RANGE with `auto.offset.reset=none`, and errors for which waiting does not help
   *   (authorization, a damaged batch); the position stays before the unreadable records.
   */
  poll(maxWaitMs: number, signal?: AbortSignal): Promise<FetchedRecords[]>;
  close(): Promise<void>;
}

// --- groups --------------------------------------------------------------------------------------------------------

/** A protocol that a member offers, with the member's metadata for the leader. */
export interface GroupProtocol {
  readonly name: string;
  readonly metadata: Buffer;
}

export interface GroupMemberOptions {
  readonly groupId: string;
  /** `consumer`, `connect`, …; the same for all members of a group. */
  readonly protocolType: string;
  /** Called at every join. The most preferred first. */
  protocols(): readonly GroupProtocol[];
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /**
   * If set, the assignment counts as lost when the coordinator was unreachable for this time, or has not answered for a
   * whole session. Kafka Connect's workers set `heartbeat.interval.ms`. Undefined, as for Java's consumers: the
   * assignment is lost only when the coordinator says so.
   */
  readonly coordinatorTimeoutMs?: number;
  readonly onConnectivity?: OnConnectivity;
}

/** The leader's input: the chosen protocol, and every member's metadata for it. */
export interface LeaderInput {
  readonly protocol: string;
  readonly generationId: number;
  readonly leaderId: string;
  readonly members: readonly { readonly memberId: string; readonly metadata: Buffer }[];
}

/** A member's assignment in one generation. */
export interface GroupAssignment {
  readonly generationId: number;
  readonly memberId: string;
  readonly leaderId: string;
  readonly isLeader: boolean;
  readonly protocol: string;
  /** The leader's encoded assignment; empty when it assigned nothing. */
  readonly assignment: Buffer;
}

/**
 * Called by the member's loop, one at a time, except `onLost`. Heartbeats continue while they run. The member joins a
 * rebalance only after they are done, so none may take longer than the rebalance timeout. If one rejects, the next
 * round calls it again after a growing delay; until then the member does not join but stays alive.
 */
export interface GroupMemberCallbacks {
  /**
   * Leader only: returns the bytes of each member id; omitted members get empty bytes. A rejection makes the leader
   * rejoin.
   */
  assign(input: LeaderInput): Promise<ReadonlyMap<string, Buffer>>;
  /** Called before every join, including the first: stop what must not run during a rebalance. Commits still work. */
  onPrepare(): Promise<void>;
  /** If `onLost` is called while this runs or waits, it must not take the assignment any more. */
  onAssigned(assignment: GroupAssignment): Promise<void>;
  /**
   * The coordinator has dropped this member or is unreachable (see `coordinatorTimeoutMs`): the assigned work may
   * already run elsewhere. Called at once, even while another callback runs, so it must not wait for that one. The
   * member joins again once it has resolved.
   *
   * @param leftMs the time during which no other member can have the work yet: the rest of the session while the
   *   coordinator is unreachable, 0 once it has dropped the member.
   */
  onLost(error: Error, leftMs: number): Promise<void>;
  /**
   * The coordinator refuses the member for a reason that will hardly pass by itself (not authorized, session timeout
   * outside the broker's bounds, no protocol in common with the others). The member still retries every few seconds.
   */
  onRefused?(error: Error): void;
}

/**
 * A member of a group (JoinGroup, SyncGroup, Heartbeat, LeaveGroup). It retries all failures of brokers, with backoff.
 */
export interface GroupMember {
  /** Starts joining. @throws ClientClosedError after `leave` or `abandon`, as do `commitOffsets` and `fetchOffsets`. */
  start(): void;
  /** The member's current generation; undefined while it is joining or lost. */
  readonly generation: GroupAssignment | undefined;
  /** Makes the whole group rebalance, because metadata has changed. */
  requestRejoin(reason: string): void;
  /**
   * Stops taking part in rebalances: the member calls no callback but `onLost` and never joins again. It stays alive
   * until `leave`, so that no other member takes over the work its owner is still finishing.
   */
  retire(): void;
  /**
   * Leaves the group, so that others take over at once, and ends. Awaits running callbacks; does not call `onPrepare`.
   */
  leave(): Promise<void>;
  /** Ends without notifying the coordinator, like a crash. */
  abandon(): void;
  /**
   * Commits in the current generation.
   * @throws KafkaError ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID or REBALANCE_IN_PROGRESS: nothing was committed, and
   *   others may own the partitions.
   */
  commitOffsets(offsets: readonly CommittedOffset[], signal?: AbortSignal): Promise<void>;
  /** Committed offsets; partitions without one are left out. */
  fetchOffsets(partitions: readonly TopicPartition[], signal?: AbortSignal): Promise<CommittedOffset[]>;
}

/**
 * `properties` may also hold `session.timeout.ms`, `heartbeat.interval.ms`, `max.poll.interval.ms` and
 * `partition.assignment.strategy`.
 */
export interface GroupConsumerOptions extends ConsumerOptions {
  readonly groupId: string;
  /**
   * Topic names, or a pattern for the whole names of topics that are not internal. The cluster's topics are matched
   * again at least every `metadata.max.age.ms`.
   */
  readonly topics: readonly string[] | RegExp;
}

/**
 * Called and awaited inside `GroupConsumer.poll`, as in Java, so that the caller's own loop is not working at the same
 * time. `poll` throws a rejection.
 */
export interface RebalanceListener {
  /** These partitions are being revoked; their offsets can still be committed here. */
  onRevoked(partitions: readonly TopicPartition[]): Promise<void>;
  /**
   * The complete assignment (rebalances are eager), with the positions where reading starts: the committed ones, or
   * those of `auto.offset.reset`. `seek` may change them here.
   */
  onAssigned(partitions: readonly TopicPartitionOffset[]): Promise<void>;
  /** These partitions are lost: others may already read them, and their offsets cannot be committed. */
  onLost(partitions: readonly TopicPartition[]): Promise<void>;
}

/**
 * A consumer that shares topics with its group. It joins at the first `poll`, and must be polled at least every
 * `max.poll.interval.ms`; otherwise it leaves the group until it is polled again.
 */
export interface GroupConsumer extends Omit<Consumer, "assign"> {
  /** Commits positions (offset of the next record to read). @throws KafkaError as GroupMember.commitOffsets. */
  commit(offsets: readonly CommittedOffset[], signal?: AbortSignal): Promise<void>;
  /** Committed positions; partitions without one are left out. */
  committed(partitions: readonly TopicPartition[], signal?: AbortSignal): Promise<CommittedOffset[]>;
  /** Leaves the group. The listener is not called: commit before. */
  close(): Promise<void>;
  /** Ends without leaving the group, like a crash. */
  abandon(): void;
}
