import type { Cluster, TopicMetadata } from "../cluster/cluster.js";
import { differ, MISSING_TOPIC_INTERVAL_MS, type SubscribedTopics, TopicSubscription } from "./topic-subscription.js";

/**
 * The topics a consumer's group reads, and how many partitions of each it has shared out: what each look at the cluster
 * is compared with. Brokers hear of new topics and partitions one after another, so a leader may be told less while it
 * assigns than a look has found before; nobody would own the rest, and a look compared with an earlier look would never
 * notice.
 */
export class GroupTopics {
  readonly #subscription: TopicSubscription;
  #own: SubscribedTopics = new Map();
  /** Topics only other members read: nobody but the leader can have the group share them out anew. */
  #others: SubscribedTopics = new Map();
  #isShort = false;

  constructor(
    private readonly cluster: Cluster,
    private readonly groupId: string,
    topics: readonly string[] | RegExp,
  ) {
    this.#subscription = new TopicSubscription(topics);
  }

  /** The topics this member reads, as of the last look. */
  get names(): string[] {
    return [...this.#own.keys()].sort();
  }

  /** Whether the last `share` was told of less than there probably is. */
  get isShort(): boolean {
    return this.#isShort;
  }

  /** How long what is known may be relied on. */
  get checkIntervalMs(): number {
    const { metadataMaxAgeMs } = this.cluster.config;
    const intervalMs = this.#subscription.checkIntervalMs(metadataMaxAgeMs);
    return this.#isShort ? Math.min(intervalMs, MISSING_TOPIC_INTERVAL_MS) : intervalMs;
  }

  /** Asks the cluster. Resolves to whether the group has to share out anew. @throws KafkaError */
  async look(): Promise<boolean> {
    const before = this.#others;
    const own = await this.#subscription.resolve(this.cluster);
    const names = [...before.keys()];
    const others = countsOf(names, await this.#describe(names));
    // Another assignment meanwhile has asked for the others itself.
    const isCurrent = this.#others === before;
    const hasChanged = differ(this.#own, own) || (isCurrent && differ(before, others));
    this.#own = own;
    if (isCurrent) this.#others = others;
    return hasChanged;
  }

  /**
   * Asks for the partitions a leader shares out among members that read these topics; those that are not described have
   * none until a look finds them. @throws KafkaError
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

  /** Another member leads now, and looks after what this one does not read. */
  follow(): void {
    this.#others = new Map();
    this.#isShort = false;
  }

  async #describe(names: readonly string[]): Promise<Map<string, TopicMetadata>> {
    return names.length === 0 ? new Map() : await this.cluster.describe(names);
  }
}

/** Partitions of each of these topics; 0 of one that is not described. */
function countsOf(names: readonly string[], described: ReadonlyMap<string, TopicMetadata>): Map<string, number> {
  return new Map(names.map((name) => [name, described.get(name)?.topic?.partitions.length ?? 0]));
}
