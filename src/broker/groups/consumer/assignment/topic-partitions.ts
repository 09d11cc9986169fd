/** The partitions of one topic, as a set or with a value for each. */
interface Partitions {
  readonly size: number;
  has(partition: number): boolean;
  keys(): Iterable<number>;
}

/** Partitions by topic id, in any form. No topic is there without a partition. */
export type PartitionsByTopic = ReadonlyMap<string, Partitions>;

/** Partitions by topic id. */
export type TopicPartitions = ReadonlyMap<string, ReadonlySet<number>>;

/** Partitions by topic id, each with the epoch at which its member got it. */
export type AssignedPartitions = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** A topic and some of its partitions, as in requests, answers and records. */
export interface ListedPartitions {
  readonly topicId: string;
  readonly partitions: readonly number[];
}

export const NO_PARTITIONS: AssignedPartitions = new Map();

/** The listed partitions as a set; a topic may be listed more than once. */
export function topicPartitions(listed: readonly ListedPartitions[]): TopicPartitions {
  const topics = new Map<string, Set<number>>();
  for (const { topicId, partitions } of listed) {
    if (partitions.length > 0) topics.set(topicId, new Set([...(topics.get(topicId) ?? []), ...partitions]));
  }
  return topics;
}

/** The partitions as a list, in ascending order within a topic. */
export function listed(topics: PartitionsByTopic): ListedPartitions[] {
  return [...topics].map(([topicId, partitions]) => {
    return { topicId, partitions: [...partitions.keys()].sort((a, b) => a - b) };
  });
}

export function hasPartition(topics: PartitionsByTopic, topicId: string, partition: number): boolean {
  return topics.get(topicId)?.has(partition) ?? false;
}

/** Whether every partition of `part` is in `whole`. */
export function isWithin(part: PartitionsByTopic, whole: PartitionsByTopic): boolean {
  return everyPartition(part, (topicId, partition) => hasPartition(whole, topicId, partition));
}

/** Whether they have a partition in common. */
export function overlap(left: PartitionsByTopic, right: PartitionsByTopic): boolean {
  return !everyPartition(left, (topicId, partition) => !hasPartition(right, topicId, partition));
}

/** Whether both have the same partitions. */
export function samePartitions(left: PartitionsByTopic, right: PartitionsByTopic): boolean {
  if (left.size !== right.size) return false;
  for (const [topicId, { size }] of left) if (right.get(topicId)?.size !== size) return false;
  return isWithin(left, right);
}

/** The assigned partitions that `keeps` accepts. */
export function keptPartitions(
  assigned: AssignedPartitions,
  keeps: (topicId: string, partition: number) => boolean,
): AssignedPartitions {
  const kept = new Map<string, ReadonlyMap<number, number>>();
  for (const [topicId, partitions] of assigned) {
    const left = new Map([...partitions].filter(([partition]) => keeps(topicId, partition)));
    if (left.size > 0) kept.set(topicId, left);
  }
  return kept;
}

/** The partitions of both. */
export function together(left: PartitionsByTopic, right: PartitionsByTopic): TopicPartitions {
  return topicPartitions([...listed(left), ...listed(right)]);
}

function everyPartition(topics: PartitionsByTopic, holds: (topicId: string, partition: number) => boolean): boolean {
  for (const [topicId, partitions] of topics) {
    for (const partition of partitions.keys()) if (!holds(topicId, partition)) return false;
  }
  return true;
}
