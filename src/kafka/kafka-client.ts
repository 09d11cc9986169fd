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

/** A partition and an offset in it: a position is the offset of the next record to read. Offsets are exact below 2^53. */
export interface TopicPartitionOffset extends TopicPartition {
  readonly offset: number;
}

/** A committed position of a group. `metadata` is kept by the coordinator and handed back as it is. */
export interface CommittedOffset extends TopicPartitionOffset {
  readonly metadata?: string | null;
}

/**
 * Tells a caller that nothing moves and why ("waiting for broker 127.0.0.1:9092: connect ECONNREFUSED",
 * "waiting for topic orders to exist"), and `undefined` once it moves again. Called on changes only, never per record.
 */
export type OnConnectivity = (waitingFor: string | undefined) => void;

/** Client properties exactly as Java's clients name them (`bootstrap.servers`, `linger.ms`, `sasl.jaas.config`, …). */
export type ClientProperties = Readonly<Record<string, string>>;

export interface KafkaClientOptions {
  /**
   * Connection properties (`bootstrap.servers`, `client.id`, `security.protocol`, `sasl.*`, `ssl.*`, …) and the defaults
   * of all producers, consumers and members made from this client. Keys that no client knows are warned about, as in Java.
   */
  readonly properties: ClientProperties;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly onConnectivity?: OnConnectivity;
}

/**
 * One set of connections to a Kafka cluster, and what is done over them. Made by `createKafkaClient(options)`
 * (create-kafka-client.ts), which checks the properties and throws a ConfigError naming the key, but does not connect:
 * everything connects when first used, and a broker that is not there is waited for. A task whose overrides change
 * connection properties gets a client of its own.
 */
export interface KafkaClient {
  readonly admin: KafkaAdmin;

  /** Makes a producer. @throws ConfigError naming the key of a bad property. */
  producer<T>(options: ProducerOptions, listener: ProducerListener<T>): Producer<T>;

  /** Makes a consumer without a group. @throws ConfigError naming the key of a bad property. */
  consumer(options: ConsumerOptions): Consumer;

  /** Makes a consumer that shares its topics with the group `options.groupId`. @throws ConfigError naming the key. */
  groupConsumer(options: GroupConsumerOptions, listener: RebalanceListener): GroupConsumer;

  /** Makes a member of a group of any protocol type; it joins at `start()`. */
  groupMember(options: GroupMemberOptions, callbacks: GroupMemberCallbacks): GroupMember;

  /**
   * Closes what was made from this client, without waiting for undelivered records, and its connections. Whatever is
   * asked of it, or made from it, afterwards is refused with a ClientClosedError.
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

/** What became of one topic: `error` is absent when it was done. */
export interface TopicResult {
  readonly name: string;
  readonly error?: KafkaError;
}

/** One topic config. `isDefault` is false when it was set on this topic. */
export interface TopicConfigEntry {
  readonly name: string;
  readonly value: string | null;
  readonly isDefault: boolean;
  readonly isSensitive: boolean;
}

/** A group the cluster knows. */
export interface GroupListing {
  readonly groupId: string;
  readonly protocolType: string;
}

/**
 * Cluster administration. Every call retries what is retriable (broker away, coordinator moving) until its answer or
 * until `default.api.timeout.ms` (60 s) has passed or `signal` aborts, then throws the last KafkaError.
 */
export interface KafkaAdmin {
  /**
   * Reaches any broker once, without retrying for longer than `timeoutMs`. For a worker's start.
   * @throws KafkaError "no broker of bootstrap.servers=… answered: <why each one did not>".
   */
  connect(timeoutMs: number, signal?: AbortSignal): Promise<void>;
  clusterId(signal?: AbortSignal): Promise<string>;
  /** Names of all topics, internal ones too, in no order. */
  listTopics(signal?: AbortSignal): Promise<string[]>;
  /** Existing topics by name; those that do not exist are told apart. Never creates a topic. */
  describeTopics(
    names: readonly string[],
    signal?: AbortSignal,
  ): Promise<{ readonly topics: ReadonlyMap<string, TopicDescription>; readonly missing: readonly string[] }>;
  /** Creates topics; a result per topic in the order asked. TOPIC_ALREADY_EXISTS is a result like others. Resolves once their leaders are known. */
  createTopics(topics: readonly NewTopic[], signal?: AbortSignal): Promise<TopicResult[]>;
  deleteTopics(names: readonly string[], signal?: AbortSignal): Promise<TopicResult[]>;
  /** All configs of a topic by name. @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION for a missing one. */
  describeTopicConfigs(topic: string, signal?: AbortSignal): Promise<ReadonlyMap<string, TopicConfigEntry>>;
  /** Offset after the last record of each partition (high watermark), in the order asked. */
  endOffsets(partitions: readonly TopicPartition[], signal?: AbortSignal): Promise<TopicPartitionOffset[]>;
  /** Offset of the first record kept of each partition, in the order asked. */
  startOffsets(partitions: readonly TopicPartition[], signal?: AbortSignal): Promise<TopicPartitionOffset[]>;
  listGroups(signal?: AbortSignal): Promise<GroupListing[]>;
  /** All committed offsets of a group; empty for an unknown group. */
  listGroupOffsets(groupId: string, signal?: AbortSignal): Promise<CommittedOffset[]>;
  /** Sets offsets of a group without members (offsets reset). @throws KafkaError, UNKNOWN_MEMBER_ID while it has members. */
  alterGroupOffsets(groupId: string, offsets: readonly CommittedOffset[], signal?: AbortSignal): Promise<void>;
  /** Forgets committed offsets of single partitions. @throws KafkaError, GROUP_SUBSCRIBED_TO_TOPIC while in use. */
  deleteGroupOffsets(groupId: string, partitions: readonly TopicPartition[], signal?: AbortSignal): Promise<void>;
  /** Deletes a group and its offsets. @throws KafkaError NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND. */
  deleteGroup(groupId: string, signal?: AbortSignal): Promise<void>;
}

// --- producer ------------------------------------------------------------------------------------------------------

export interface ProducerOptions {
  /** Producer properties over the client's (`batch.size`, `linger.ms`, `compression.type`, `buffer.memory`, `delivery.timeout.ms`, …). */
  readonly properties?: ClientProperties;
  readonly onConnectivity?: OnConnectivity;
}

/** A record to produce. `partition` null: murmur2 of the key, or a sticky one when the key is null too. */
export interface ProducerRecord {
  readonly topic: string;
  readonly partition: number | null;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Milliseconds since 1970. */
  readonly timestampMs: number;
  /** A list that is the very one of the record before is taken for unchanged. */
  readonly headers: readonly RecordHeader[];
}

/**
 * What becomes of appended records, told once per run of equal consecutive tokens in a batch. A token stands for a
 * ledger range of a whole poll batch, so these are not calls per record. Called from the producer's loop: never throw.
 */
export interface ProducerListener<T> {
  /** `count` records appended with `token` are written as `acks` asks, at `baseOffset` and following (-1: the broker did not say). */
  acknowledged(token: T, count: number, topic: string, partition: number, baseOffset: number): void;
  /** `count` records appended with `token` were not written and will not be retried. */
  failed(token: T, count: number, error: Error, topic: string, partition: number): void;
}

/** Where a record sent by `send` landed. */
export type RecordMetadata = TopicPartitionOffset;

/**
 * Produces with one request in flight per broker, retrying for ever by default
 * (`delivery.timeout.ms` and `retries` limit it). Order is kept per topic partition, retries included (I9). Without tuning, records
 * gather while a request is in flight; `linger.ms` and `batch.size` work as in Java.
 */
export interface Producer<T> {
  /**
   * Takes a record: key, value and headers are copied before it returns, so their buffers may be used again. Its outcome
   * goes to the listener with `token`, also when it can never be sent (too large, no such partition): it does not throw
   * for a bad record. Appending while `full` is allowed, but the caller then answers for the memory.
   */
  append(record: ProducerRecord, token: T): void;
  /** Bytes appended and not yet settled. */
  readonly bufferedBytes: number;
  /** `bufferedBytes` has reached `buffer.memory`: await `drained()` before appending more. */
  readonly full: boolean;
  /** Resolves once the producer is not full (at once if it is not), or is closed. */
  drained(): Promise<void>;
  /** Resolves once all that was appended before is acknowledged or failed (or the producer is closed); ends any lingering. */
  flush(): Promise<void>;
  /**
   * For callers that await single writes (stores, dead letter queue): appends all records in order and resolves with their positions, in order,
   * once all are acknowledged. @throws the KafkaError of the first that failed; others may have been written.
   */
  send(records: readonly ProducerRecord[]): Promise<RecordMetadata[]>;
  /** Flushes for at most `timeoutMs` (0: not at all), then fails what is left. Appending afterwards fails the record, with a ClientClosedError. */
  close(timeoutMs: number): Promise<void>;
}

// --- consumer ------------------------------------------------------------------------------------------------------

interface ConsumerOptions {
  /** Consumer properties over the client's (`auto.offset.reset`, `max.poll.records`, `fetch.max.bytes`, …). */
  readonly properties?: ClientProperties;
  readonly onConnectivity?: OnConnectivity;
}

/** A record read. `key`, `value` and header values are slices of the fetched batch: copy what outlives the poll batch by long. */
export interface ConsumerRecord {
  readonly offset: number;
  /** Milliseconds since 1970; -1 when the record has none. */
  readonly timestampMs: number;
  readonly timestampType: "CreateTime" | "LogAppendTime";
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}

/** Consecutive records of one partition. May hold no record: `nextOffset` then passed control batches or a compacted gap. */
export interface FetchedRecords extends TopicPartition {
  readonly records: readonly ConsumerRecord[];
  /** The position after these records: what to commit once they are done. Never derive it from the last record. */
  readonly nextOffset: number;
  /** End of the partition when this was fetched. */
  readonly highWatermark: number;
}

/** Reads partitions assigned by hand: store readers; and the engine below group consumers. */
export interface Consumer {
  /** Replaces the assignment. Partitions that stay keep position and pause; new ones start at `auto.offset.reset` unless sought. */
  assign(partitions: readonly TopicPartition[]): void;
  readonly assignment: readonly TopicPartition[];
  /** Moves the position of an assigned partition; what was fetched ahead is thrown away. */
  seek(partition: TopicPartition, offset: number | "earliest" | "latest"): void;
  /** Paused partitions are not returned by `poll` until resumed; they keep their position. */
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  readonly paused: readonly TopicPartition[];
  /** Offset of the next record `poll` will return, or undefined while it is not known yet. */
  position(partition: TopicPartition): number | undefined;
  /**
   * Returns what has arrived, at most `max.poll.records` records in order per partition; waits up to `maxWaitMs` for the
   * first, then returns []. Also returns when `signal` aborts or the consumer is closed meanwhile. One call at a time.
   * @throws ClientClosedError when the consumer was closed before, as everything but `close` does.
   * @throws KafkaError OFFSET_OUT_OF_RANGE with `auto.offset.reset=none`, and errors that waiting cannot heal
   *   (authorization, a damaged batch); the position stays before what could not be read.
   */
  poll(maxWaitMs: number, signal?: AbortSignal): Promise<FetchedRecords[]>;
  close(): Promise<void>;
}

// --- groups --------------------------------------------------------------------------------------------------------

/** A protocol a member offers, in order of preference, with what it tells the leader. */
export interface GroupProtocol {
  readonly name: string;
  readonly metadata: Buffer;
}

export interface GroupMemberOptions {
  readonly groupId: string;
  /** `consumer`, `connect`, … All members of a group have the same. */
  readonly protocolType: string;
  /** Asked at every join. */
  protocols(): readonly GroupProtocol[];
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /**
   * How long the coordinator may be out of reach before what is assigned counts as lost; a session without an answer
   * counts, too. Kafka Connect's workers: `heartbeat.interval.ms`. Undefined, as for Java's consumers: only the
   * coordinator's own word counts.
   */
  readonly coordinatorTimeoutMs?: number;
  readonly onConnectivity?: OnConnectivity;
}

/** What the leader assigns from: the chosen protocol, and every member's metadata for it. */
export interface LeaderInput {
  readonly protocol: string;
  readonly generationId: number;
  readonly leaderId: string;
  readonly members: readonly { readonly memberId: string; readonly metadata: Buffer }[];
}

/** A member's place in a generation. */
export interface GroupAssignment {
  readonly generationId: number;
  readonly memberId: string;
  readonly leaderId: string;
  readonly isLeader: boolean;
  readonly protocol: string;
  /** As the leader encoded it; empty when it assigned nothing. */
  readonly assignment: Buffer;
}

/**
 * Called by the member's loop, one at a time, except `onLost`. Heartbeats go on while they run; a rebalance that starts
 * meanwhile is answered once they are done, so none may take longer than the rebalance timeout. One that rejects is
 * called again after a growing delay, in a new round; meanwhile the member does not join, and stays alive.
 */
export interface GroupMemberCallbacks {
  /** On the leader only: the bytes for each member id; members left out get empty bytes. A rejection makes the group rejoin. */
  assign(input: LeaderInput): Promise<ReadonlyMap<string, Buffer>>;
  /** Before every (re)join, the first one too: commit and give up what must not run during a rebalance. Offsets can still be committed. */
  onPrepare(): Promise<void>;
  /** May still be at work, or wait its turn, when `onLost` is called: it must take nothing any more then. */
  onAssigned(assignment: GroupAssignment): Promise<void>;
  /**
   * The coordinator has dropped this member, or is out of reach (see `coordinatorTimeoutMs`): what was assigned may
   * already run elsewhere. Called at once, beside whichever callback is at work; so it must not wait behind that. The
   * member joins again once it has resolved.
   *
   * @param leftMs for how long nobody else can have got it yet: what is left of the session while the coordinator is out of
   *   reach, 0 once it has dropped the member.
   */
  onLost(error: Error, leftMs: number): Promise<void>;
  /**
   * The coordinator refuses the member for a reason that waiting hardly heals (not authorized, session timeout outside
   * the broker's bounds, no protocol shared with the others). The member tries again every few seconds all the same.
   */
  onRefused?(error: Error): void;
}

/** A member of a group (JoinGroup, SyncGroup, Heartbeat, LeaveGroup). Retries for ever, with backoff, whatever happens to brokers. */
export interface GroupMember {
  /** Begins joining. @throws ClientClosedError after `leave` or `abandon`, as commits and reads of offsets do. */
  start(): void;
  /** The generation the member is in; undefined while it is (re)joining or lost. */
  readonly generation: GroupAssignment | undefined;
  /** Makes the whole group rebalance; for changed metadata. */
  requestRejoin(reason: string): void;
  /**
   * Takes part in no rebalance any more: calls no callback but `onLost`, and never joins. It stays alive until `leave`,
   * so that nobody takes over what its owner is still bringing to an end.
   */
  retire(): void;
  /** Leaves the group so that others take over at once, and ends. Callbacks at work are awaited; onPrepare is not called. */
  leave(): Promise<void>;
  /** Ends without a word to the coordinator, as a crash would. */
  abandon(): void;
  /**
   * Commits under the generation at hand.
   * @throws KafkaError ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID or REBALANCE_IN_PROGRESS: not committed, others may own the partitions.
   */
  commitOffsets(offsets: readonly CommittedOffset[], signal?: AbortSignal): Promise<void>;
  /** Committed offsets; partitions without one are left out. */
  fetchOffsets(partitions: readonly TopicPartition[], signal?: AbortSignal): Promise<CommittedOffset[]>;
}

export interface GroupConsumerOptions extends ConsumerOptions {
  /** `properties` may also hold `session.timeout.ms`, `heartbeat.interval.ms`, `max.poll.interval.ms`, `partition.assignment.strategy`. */
  readonly groupId: string;
  /** Topic names, or a pattern matched against whole names of all topics that are not internal, again at every metadata refresh. */
  readonly topics: readonly string[] | RegExp;
}

/**
 * Called inside `GroupConsumer.poll`, as in Java, so that the caller's own loop is never at work meanwhile; each is
 * awaited. A rejection is thrown by `poll`.
 */
export interface RebalanceListener {
  /** Partitions are given up; their offsets can still be committed here. */
  onRevoked(partitions: readonly TopicPartition[]): Promise<void>;
  /** Partitions are ours (all of them, rebalances are eager), at the positions where reading will start: committed, or by `auto.offset.reset`. `seek` may change them here. */
  onAssigned(partitions: readonly TopicPartitionOffset[]): Promise<void>;
  /** Partitions were taken away: others may already read them, offsets cannot be committed. */
  onLost(partitions: readonly TopicPartition[]): Promise<void>;
}

/**
 * A consumer that shares topics with its group. It joins at the first `poll`; it has to be polled at least every
 * `max.poll.interval.ms`, else it leaves the group until polled again.
 */
export interface GroupConsumer extends Omit<Consumer, "assign"> {
  /** Commits positions (offset of the next record to read). @throws KafkaError as GroupMember.commitOffsets. */
  commit(offsets: readonly CommittedOffset[], signal?: AbortSignal): Promise<void>;
  /** Committed positions; partitions without one are left out. */
  committed(partitions: readonly TopicPartition[], signal?: AbortSignal): Promise<CommittedOffset[]>;
  /** Leaves the group. The listener is not called: commit before. */
  close(): Promise<void>;
  /** Ends without leaving the group, as a crash would. */
  abandon(): void;
}
