import type { CommittedOffset } from "./group-records.js";

/** A committed offset with the partition it is for. */
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

  /** All offsets, of one topic if given. */
  *entries(only?: string): Generator<PartitionOffset> {
    for (const [topic, partitions] of this.#topics) {
      if (only !== undefined && topic !== only) continue;
      for (const [partition, committed] of partitions) yield { topic, partition, ...committed };
    }
  }
}

/** What decides when the offsets of a group are dropped (KIP-211). */
export interface OffsetsContext {
  /** "" for offsets committed without a group. */
  readonly protocolType: string;
  readonly isEmpty: boolean;
  readonly stateTimestamp: number;
  /** Topics that members of a group of consumers are subscribed to; undefined: cannot be told. */
  readonly subscribedTopics: ReadonlySet<string> | undefined;
}

/**
 * Which offsets of a group have expired: of a group without members, counted from when the last one left; of a group
 * with members, those of topics nobody reads any more; without a group, each from its commit.
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
