import type { Consumer, ConsumerOptions } from "./consumer.js";
import type { CommittedOffset, TopicPartition, TopicPartitionOffset } from "./topic-partition.js";

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
