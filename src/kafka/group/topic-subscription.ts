import type { Cluster } from "../cluster/cluster.js";

/** Topics a group consumer reads, and how many partitions each has; 0 of one that is not described. */
export type SubscribedTopics = ReadonlyMap<string, number>;

/** While a topic or partitions of it are missing, they are looked for this often. */
export const MISSING_TOPIC_INTERVAL_MS = 5_000;

/** Which topics a subscription means at the moment: those named, or those whose whole name the pattern matches. */
export class TopicSubscription {
  readonly #names: readonly string[] | undefined;
  readonly #pattern: RegExp | undefined;
  #missing = false;

  constructor(topics: readonly string[] | RegExp) {
    if (topics instanceof RegExp)
      this.#pattern = new RegExp(`^(?:${topics.source})$`, topics.flags.replace(/[gy]/g, ""));
    else this.#names = [...new Set(topics)];
  }

  /** Asks the cluster. Named topics that do not exist are left out until they do. @throws KafkaError */
  async resolve(cluster: Cluster): Promise<SubscribedTopics> {
    const found = new Map<string, number>();
    let isUnready = false;
    for (const [name, { topic, error }] of await cluster.describe(this.#names ?? null)) {
      if (error && this.#names && !error.retriable) throw error;
      if (topic && this.#isMeant(name, topic.internal)) found.set(name, topic.partitions.length);
      // Such as a new topic this broker cannot describe yet.
      if (error?.retriable && this.#isMeant(name, false)) isUnready = true;
    }
    this.#missing = isUnready || (this.#names?.some((name) => !found.has(name)) ?? false);
    return found;
  }

  /** How long what `resolve` said may be relied on. */
  checkIntervalMs(metadataMaxAgeMs: number): number {
    return this.#missing ? Math.min(metadataMaxAgeMs, MISSING_TOPIC_INTERVAL_MS) : metadataMaxAgeMs;
  }

  #isMeant(name: string, internal: boolean): boolean {
    return this.#pattern ? !internal && this.#pattern.test(name) : true;
  }
}

/**
 * Whether two answers differ in topics or partition counts, so that the group has to share out anew. A topic that is not
 * described has nothing to share out, as one that is not there.
 */
export function differ(before: SubscribedTopics, after: SubscribedTopics): boolean {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].some((name) => (before.get(name) ?? 0) !== (after.get(name) ?? 0));
}
