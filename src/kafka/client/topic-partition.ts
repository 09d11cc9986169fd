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
