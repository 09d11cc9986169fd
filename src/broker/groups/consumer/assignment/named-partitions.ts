import {
  type ListedPartitions,
  listed,
  type PartitionsByTopic,
  type TopicPartitions,
  topicPartitions,
} from "./topic-partitions.js";
import type { TopicsView } from "./topics-view.js";

/** Partitions of a topic that is named, as in the embedded protocol of classic members. */
export interface NamedPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

/** The same by the topics' ids, without topics that do not exist. */
export function partitionsById(named: readonly NamedPartitions[], topics: TopicsView): TopicPartitions {
  return topicPartitions(
    named.flatMap(({ topic, partitions }): ListedPartitions[] => {
      const topicId = topics.get(topic)?.id;
      return topicId === undefined ? [] : [{ topicId, partitions }];
    }),
  );
}

/** The same by the topics' names, without topics that do not exist. */
export function partitionsByName(assigned: PartitionsByTopic, topics: TopicsView): NamedPartitions[] {
  return listed(assigned).flatMap(({ topicId, partitions }) => {
    const topic = topics.nameOf(topicId);
    return topic === undefined ? [] : [{ topic, partitions }];
  });
}
