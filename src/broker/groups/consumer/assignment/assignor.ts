import type { TopicPartitions } from "./topic-partitions.js";

/** A member, for an assignor. */
export interface Subscriber {
  readonly memberId: string;
  readonly instanceId: string | null;
  /** The ids of existing topics. */
  readonly topicIds: ReadonlySet<string>;
  /** Its target so far. */
  readonly target: TopicPartitions;
}

/**
 * Shares out all partitions of the subscribed topics; each goes to one member that is subscribed to its topic.
 *
 * @param partitionsOf the number of partitions of a topic.
 * @returns the target of each member that gets anything.
 */
export type Assignor = (
  subscribers: readonly Subscriber[],
  partitionsOf: (topicId: string) => number,
) => Map<string, TopicPartitions>;

/** Collects targets. */
export class Targets {
  readonly #targets = new Map<string, Map<string, Set<number>>>();

  give(memberId: string, topicId: string, partition: number): void {
    let topics = this.#targets.get(memberId);
    if (!topics) {
      topics = new Map();
      this.#targets.set(memberId, topics);
    }
    const partitions = topics.get(topicId);
    if (partitions) partitions.add(partition);
    else topics.set(topicId, new Set([partition]));
  }

  get(): Map<string, TopicPartitions> {
    return this.#targets;
  }
}

/** All subscribed topics with their subscribers, both in the order of the ids. */
export function subscribersByTopic(subscribers: readonly Subscriber[]): Map<string, Subscriber[]> {
  const ordered = [...subscribers].sort((a, b) => compare(rankOf(a), rankOf(b)));
  const topics = new Map<string, Subscriber[]>();
  for (const topicId of [...new Set(ordered.flatMap(({ topicIds }) => [...topicIds]))].sort(compare)) {
    topics.set(topicId, []);
  }
  for (const subscriber of ordered) for (const topicId of subscriber.topicIds) topics.get(topicId)!.push(subscriber);
  return topics;
}

/** A static member keeps its place when it comes back with another id. */
function rankOf({ memberId, instanceId }: Subscriber): string {
  return instanceId === null ? `1 ${memberId}` : `0 ${instanceId}`;
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
