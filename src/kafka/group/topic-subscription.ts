import type { Cluster } from "../cluster/cluster.js";

/** A group consumer's topics and their partition counts; 0 for a topic that is not described. */
export type SubscribedTopics = ReadonlyMap<string, number>;

/** The interval of looks while a topic, or some of its partitions, are missing. */
export const MISSING_TOPIC_INTERVAL_MS = 5_000;

/** Resolves a subscription to topics: those it names, or those whose whole names match its pattern. */
export class TopicSubscription {
  readonly #names: readonly string[] | undefined;
  readonly #pattern: RegExp | undefined;
  #missing = false;

  constructor(topics: readonly string[] | RegExp) {
    if (topics instanceof RegExp)
      this.#pattern = new RegExp(`^(?:${topics.source})$`, topics.flags.replace(/[gy]/g, ""));
    else this.#names = [...new Set(topics)];
  }

  /** Asks the cluster. Named topics are left out while they do not exist. @throws KafkaError */
  async resolve(cluster: Cluster): Promise<SubscribedTopics> {
    const found = new Map<string, number>();
    let isUnready = false;
    for (const [name, { topic, error }] of await cluster.describe(this.#names ?? null)) {
      if (error && this.#names && !error.retriable) throw error;
      if (topic && this.#isMeant(name, topic.internal)) found.set(name, topic.partitions.length);
      // For example a new topic that this broker cannot describe yet.
      if (error?.retriable && this.#isMeant(name, false)) isUnready = true;
    }
    this.#missing = isUnready || (this.#names?.some((name) => !found.has(name)) ?? false);
    return found;
  }

  /** The time until `resolve` should be called again. */
  checkIntervalMs(metadataMaxAgeMs: number): number {
    return this.#missing ? Math.min(metadataMaxAgeMs, MISSING_TOPIC_INTERVAL_MS) : metadataMaxAgeMs;
  }

  #isMeant(name: string, internal: boolean): boolean {
    return this.#pattern ? !internal && this.#pattern.test(name) : true;
  }
}

/**
 * Whether two results differ in topics or partition counts, so that the group must rebalance. A topic that is not
 * described has no partitions to assign, like one that does not exist.
 */
export function differ(before: SubscribedTopics, after: SubscribedTopics): boolean {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].some((name) => (before.get(name) ?? 0) !== (after.get(name) ?? 0));
}
