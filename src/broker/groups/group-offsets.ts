import type { CommittedOffset } from "./group-records.js";

/** A committed offset and its partition. */
export interface PartitionOffset extends CommittedOffset {
  readonly topic: string;
  readonly partition: number;
}

/** The committed offsets of one group. */
export class GroupOffsets {
  readonly #topics = new Map<string, Map<number, CommittedOffset>>();

  get isEmpty(): boolean {
    return this.#topics.size === 0;
  }

  get(topic: string, partition: number): CommittedOffset | undefined {
    return this.#topics.get(topic)?.get(partition);
  }

  set(topic: string, partition: number, committed: CommittedOffset): void {
    let partitions = this.#topics.get(topic);
    if (!partitions) {
      partitions = new Map();
      this.#topics.set(topic, partitions);
    }
    partitions.set(partition, committed);
  }

  delete(topic: string, partition: number): void {
    const partitions = this.#topics.get(topic);
    if (partitions?.delete(partition) && partitions.size === 0) this.#topics.delete(topic);
  }

  /** All offsets, or those of topic `only`. */
  *entries(only?: string): Generator<PartitionOffset> {
    for (const [topic, partitions] of this.#topics) {
      if (only !== undefined && topic !== only) continue;
      for (const [partition, committed] of partitions) yield { topic, partition, ...committed };
    }
  }
}

/** The facts about a group that decide when its offsets expire (KIP-211). */
export interface OffsetsContext {
  /** "" for offsets committed without a group. */
  readonly protocolType: string;
  readonly isEmpty: boolean;
  readonly stateTimestamp: number;
  /** Topics that the members of a consumer group are subscribed to; undefined: unknown. */
  readonly subscribedTopics: ReadonlySet<string> | undefined;
}

/**
 * The same for a group of the consumer protocol. As in Kafka, each offset counts from its commit, and an empty group does
 * not keep them longer.
 */
export function consumerOffsetsContext(subscribed: ReadonlySet<string>): OffsetsContext {
  return { protocolType: "consumer", isEmpty: false, stateTimestamp: 0, subscribedTopics: subscribed };
}

/**
 * The expired offsets of a group. Without members, their age counts from when the last one left; with members, only
 * topics that none of them reads expire, counted from the commit, as do all offsets committed without a group.
 */
export function expiredOffsets(
  offsets: Iterable<PartitionOffset>,
  context: OffsetsContext,
  nowMs: number,
  retentionMs: number,
): PartitionOffset[] {
  const expired: PartitionOffset[] = [];
  for (const offset of offsets) {
    if (offset.expireTimestamp >= 0) {
      if (nowMs >= offset.expireTimestamp) expired.push(offset);
      continue;
    }
    let sinceMs: number;
    if (context.protocolType === "") sinceMs = offset.commitTimestamp;
    else if (context.isEmpty) sinceMs = Math.max(context.stateTimestamp, offset.commitTimestamp);
    else if (context.subscribedTopics && !context.subscribedTopics.has(offset.topic)) sinceMs = offset.commitTimestamp;
    else continue;
    if (nowMs - sinceMs >= retentionMs) expired.push(offset);
  }
  return expired;
}
