import type { TopicPartition } from "../kafka/client/topic-partition.js";

/** `orders-3`, as in Kafka's own messages. */
export function partitionName({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
