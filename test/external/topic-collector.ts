import { type Consumer, Kafka, logLevel } from "kafkajs";

/** A record as it was read, texts for a comparison of their bytes. */
export interface Collected {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

interface Waiter {
  readonly reached: (records: ReadonlyMap<string, readonly Collected[]>) => boolean;
  readonly resolve: () => void;
}

/** Reads topics as they fill, and says when what a test waits for has come. kafkajs is an implementation independent of ours. */
export class TopicCollector {
  readonly #records = new Map<string, Collected[]>();
  readonly #waiters = new Set<Waiter>();
  readonly #kafka: Kafka;
  readonly #consumer: Consumer;
  readonly #topics: readonly string[];

  private constructor(bootstrap: string, topics: readonly string[]) {
    this.#kafka = new Kafka({ clientId: "collector", brokers: [bootstrap], logLevel: logLevel.ERROR });
    this.#topics = topics;
    for (const topic of topics) this.#records.set(topic, []);
    this.#consumer = this.#kafka.consumer({ groupId: `collector-${process.pid}-${topics[0]}` });
  }

  /** Creates the topics, of one partition each, and reads them from then on. */
  static async open(bootstrap: string, topics: readonly string[]): Promise<TopicCollector> {
    const collector = new TopicCollector(bootstrap, topics);
    const admin = collector.#kafka.admin();
    await admin.connect();
    await admin.createTopics({
      topics: topics.map((topic) => ({ topic, numPartitions: 1, replicationFactor: 1 })),
      waitForLeaders: true,
    });
    await admin.disconnect();
    await collector.#consume();
    return collector;
  }

  get records(): ReadonlyMap<string, readonly Collected[]> {
    return this.#records;
  }

  /** Resolves when `reached` says so of what was read. */
  until(reached: Waiter["reached"]): Promise<void> {
    if (reached(this.#records)) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.add({ reached, resolve }));
  }

  /** Resolves when everything is read that the topics hold at the time of the call. */
  async readToEnd(): Promise<void> {
    const admin = this.#kafka.admin();
    await admin.connect();
    const ends = new Map<string, number>();
    for (const topic of this.#topics) {
      const [partition] = await admin.fetchTopicOffsets(topic);
      ends.set(topic, Number(partition?.high ?? 0));
    }
    await admin.disconnect();
    await this.until((records) => [...ends].every(([topic, end]) => (records.get(topic)?.length ?? 0) >= end));
  }

  async close(): Promise<void> {
    await this.#consumer.disconnect();
  }

  async #consume(): Promise<void> {
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topics: [...this.#topics], fromBeginning: true });
    await this.#consumer.run({
      eachMessage: async ({ topic, message }) => {
        const headers = Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]);
        this.#records.get(topic)?.push({
          key: message.key?.toString("utf8") ?? null,
          value: message.value?.toString("utf8") ?? null,
          headers: Object.fromEntries(headers),
        });
        for (const waiter of this.#waiters) {
          if (!waiter.reached(this.#records)) continue;
          this.#waiters.delete(waiter);
          waiter.resolve();
        }
      },
    });
  }
}
