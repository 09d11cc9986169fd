import type { Cluster, TopicMetadata } from "../cluster/cluster.js";
import { differ, MISSING_TOPIC_INTERVAL_MS, type SubscribedTopics, TopicSubscription } from "./topic-subscription.js";

/**
 * The topics that a consumer's group reads, and the number of partitions of each that it has assigned. Each look at the
 * cluster is compared with these counts, not with the look before: new topics and partitions appear at one broker after
 * another, so a leader may see fewer partitions while it assigns than an earlier look has found. The rest would have no
 * owner, and a comparison of two looks would never notice.
 */
export class GroupTopics {
  readonly #subscription: TopicSubscription;
  #own: SubscribedTopics = new Map();
  /** Topics that only other members read. Only the leader knows which of their partitions it has not assigned. */
  #others: SubscribedTopics = new Map();
  #isShort = false;

  constructor(
    private readonly cluster: Cluster,
    private readonly groupId: string,
    topics: readonly string[] | RegExp,
  ) {
    this.#subscription = new TopicSubscription(topics);
  }

  /** This member's topics, as of the last look. */
  get names(): string[] {
    return [...this.#own.keys()].sort();
  }

  /** Whether the last `share` probably missed partitions. */
  get isShort(): boolean {
    return this.#isShort;
  }

  /** The time until the next look. */
  get checkIntervalMs(): number {
    const { metadataMaxAgeMs } = this.cluster.config;
    const intervalMs = this.#subscription.checkIntervalMs(metadataMaxAgeMs);
    return this.#isShort ? Math.min(intervalMs, MISSING_TOPIC_INTERVAL_MS) : intervalMs;
  }

  /** Asks the cluster. Resolves to whether the group must rebalance. @throws KafkaError */
  async look(): Promise<boolean> {
    const before = this.#others;
    const own = await this.#subscription.resolve(this.cluster);
    const names = [...before.keys()];
    const others = countsOf(names, await this.#describe(names));
    // If the leader has assigned in the meantime, `share` has newer counts of the others.
    const isCurrent = this.#others === before;
    const hasChanged = differ(this.#own, own) || (isCurrent && differ(before, others));
    this.#own = own;
    if (isCurrent) this.#others = others;
    return hasChanged;
  }

  /**
   * Asks for the partitions that a leader assigns among the members that read these topics. A topic that the broker
   * does not describe has none until a look finds it. @throws KafkaError
   */
  async share(names: readonly string[]): Promise<SubscribedTopics> {
    const described = await this.#describe(names);
    const shared = countsOf(names, described);
    const reasons: string[] = [];
    this.#isShort = false;
    for (const [name, count] of shared) {
      const error = described.get(name)?.error;
      const known = this.#own.get(name) ?? this.#others.get(name) ?? 0;
      if (!error && count >= known) continue;
      reasons.push(error?.reason ?? `Topic ${name}: the broker describes ${count} of ${known} partitions`);
      if (error?.retriable ?? true) this.#isShort = true;
    }
    this.#others = new Map([...shared].filter(([name]) => !this.#own.has(name)));
    this.#own = new Map([...this.#own].map(([name, count]) => [name, shared.get(name) ?? count]));
    if (reasons.length > 0) {
      const fields = { group: this.groupId, reason: reasons.join("; ") };
      this.cluster.logger.warn("Partitions of a group's topics are left out of its assignment", fields);
    }
    return shared;
  }

  /** Another member leads now and watches the topics that this one does not read. */
  follow(): void {
    this.#others = new Map();
    this.#isShort = false;
  }

  async #describe(names: readonly string[]): Promise<Map<string, TopicMetadata>> {
    return names.length === 0 ? new Map() : await this.cluster.describe(names);
  }
}

/** The partition counts of these topics; 0 for a topic that is not described. */
function countsOf(names: readonly string[], described: ReadonlyMap<string, TopicMetadata>): Map<string, number> {
  return new Map(names.map((name) => [name, described.get(name)?.topic?.partitions.length ?? 0]));
}
