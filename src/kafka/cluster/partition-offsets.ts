import { deleteRecords } from "../../protocol/apis/delete-records.js";
import { listOffsets } from "../../protocol/apis/list-offsets.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import type { TopicPartition, TopicPartitionOffset } from "../client/topic-partition.js";
import type { Cluster, Lane } from "./cluster.js";

const TIMESTAMPS = { latest: -1, earliest: -2 } as const;

/** The result of one partition's lookup. */
export type LookupResult = TopicPartition &
  (
    | { readonly offset: number; readonly error?: undefined }
    | { readonly offset?: undefined; readonly error: KafkaError }
  );

/** Groups partitions by leader; those without a known leader under undefined. */
function byLeader<P extends TopicPartition>(cluster: Cluster, partitions: readonly P[]): Map<number | undefined, P[]> {
  const groups = new Map<number | undefined, P[]>();
  for (const partition of partitions) {
    const leader = cluster.leaderOf(partition.topic, partition.partition);
    const group = groups.get(leader);
    if (group) group.push(partition);
    else groups.set(leader, [partition]);
  }
  return groups;
}

/** Groups partitions by topic, for requests that nest them. */
export function byTopic<P extends TopicPartition>(partitions: readonly P[]): Map<string, P[]> {
  const groups = new Map<string, P[]>();
  for (const partition of partitions) {
    const group = groups.get(partition.topic);
    if (group) group.push(partition);
    else groups.set(partition.topic, [partition]);
  }
  return groups;
}

/**
 * Asks one leader for the first or end offsets of partitions. One attempt; returns a result or error for each.
 * @throws KafkaError when the leader does not answer.
 */
export async function lookUpOffsets(
  lane: Lane,
  leader: number,
  partitions: readonly TopicPartition[],
  which: keyof typeof TIMESTAMPS,
  readCommitted = false,
): Promise<LookupResult[]> {
  const topics = [...byTopic(partitions)].map(([name, each]) => ({
    name,
    partitions: each.map(({ partition }) => ({ partitionIndex: partition, timestamp: TIMESTAMPS[which] })),
  }));
  const answer = await lane.send(leader, listOffsets, { replicaId: -1, isolationLevel: readCommitted ? 1 : 0, topics });
  const results: LookupResult[] = [];
  for (const { name, partitions: answered } of answer.topics) {
    for (const { partitionIndex, errorCode, offset } of answered) {
      const at = { topic: name, partition: partitionIndex };
      const context = `Looking up the ${which} offset of ${name}-${partitionIndex}`;
      results.push(errorCode === 0 ? { ...at, offset } : { ...at, error: new KafkaError(errorCode, context) });
    }
  }
  return results;
}

/**
 * Looks up all partitions; the results keep their order. One attempt.
 * @throws KafkaError of the first partition without a result; the caller retries.
 */
export async function lookUpAll(
  cluster: Cluster,
  lane: Lane,
  partitions: readonly TopicPartition[],
  which: keyof typeof TIMESTAMPS,
  readCommitted = false,
): Promise<TopicPartitionOffset[]> {
  const found = new Map<string, LookupResult>();
  for (const [leader, group] of byLeader(cluster, partitions)) {
    if (leader === undefined) throw noLeader(cluster, group[0]!);
    for (const result of await lookUpOffsets(lane, leader, group, which, readCommitted)) {
      found.set(`${result.topic}-${result.partition}`, result);
    }
  }
  return partitions.map(({ topic, partition }) => {
    const result = found.get(`${topic}-${partition}`);
    if (result?.offset !== undefined) return { topic, partition, offset: result.offset };
    const detail = "the broker left it out of its answer";
    throw result?.error ?? new KafkaError("NETWORK_EXCEPTION", `Looking up ${topic}-${partition}`, { detail });
  });
}

/**
 * Deletes the records before these offsets. One attempt.
 * @throws KafkaError of the first partition that failed; the others may be deleted all the same.
 */
export async function deleteBefore(
  cluster: Cluster,
  lane: Lane,
  offsets: readonly TopicPartitionOffset[],
): Promise<void> {
  for (const [leader, group] of byLeader(cluster, offsets)) {
    if (leader === undefined) throw noLeader(cluster, group[0]!);
    const topics = [...byTopic(group)].map(([name, each]) => ({
      name,
      partitions: each.map(({ partition, offset }) => ({ partitionIndex: partition, offset })),
    }));
    const answer = await lane.send(leader, deleteRecords, { topics, timeoutMs: cluster.config.requestTimeoutMs });
    const answered = answer.topics.flatMap(({ name, partitions }) => partitions.map((each) => ({ name, ...each })));
    for (const { topic, partition } of group) {
      const found = answered.find(({ name, partitionIndex }) => name === topic && partitionIndex === partition);
      const context = `Deleting records of ${topic}-${partition}`;
      if (!found)
        throw new KafkaError("NETWORK_EXCEPTION", context, { detail: "the broker left it out of its answer" });
      if (found.errorCode !== 0) throw new KafkaError(found.errorCode, context);
    }
  }
}

function noLeader(cluster: Cluster, { topic, partition }: TopicPartition): KafkaError {
  const known = cluster.topic(topic);
  if (known?.error) return known.error;
  const missing = known?.topic && partition >= known.topic.partitions.length;
  return new KafkaError(
    missing ? "UNKNOWN_TOPIC_OR_PARTITION" : "LEADER_NOT_AVAILABLE",
    `Partition ${topic}-${partition}`,
  );
}
