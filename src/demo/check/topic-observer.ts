import type { Clock } from "../../api/clock.js";
import type { Consumer } from "../../kafka/client/consumer.js";
import type { KafkaClient } from "../../kafka/client/kafka-client.js";
import type { TopicEvent } from "./judge-pipeline.js";
import { readTopicEvent } from "./topic-event.js";

/** Reads change topics from their beginning as any consumer would, and notes when each transaction became visible. */
export class TopicObserver {
  /** Everything read so far. */
  readonly events: TopicEvent[] = [];
  /** Per transaction, when its last event so far was read, by the monotonic clock. */
  readonly arrivalsMs = new Map<number, number>();
  /** Rows of the snapshot read so far. */
  snapshotEvents = 0;
  readonly #client: KafkaClient;
  readonly #consumer: Consumer;
  readonly #topics: readonly string[];
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();

  constructor(client: KafkaClient, topics: readonly string[], clock: Clock) {
    this.#client = client;
    this.#topics = topics;
    this.#clock = clock;
    this.#consumer = client.consumer({ properties: { "auto.offset.reset": "earliest", "max.poll.records": "5000" } });
  }

  /** Calls `listener` after each batch that was read. Returns a function that ends this. */
  onRead(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Reads until `signal` aborts. Waits for topics that do not exist yet. */
  async run(signal: AbortSignal): Promise<void> {
    let missing = this.#topics;
    let lookAgainMs = 0;
    while (!signal.aborted) {
      if (missing.length > 0 && this.#clock.monotonicMs() >= lookAgainMs) {
        missing = await this.#assign(missing, signal);
        lookAgainMs = this.#clock.monotonicMs() + 100;
      }
      if (missing.length === this.#topics.length) {
        await this.#clock.delay(100, signal);
        continue;
      }
      await this.#read(missing.length > 0 ? 100 : 1000, signal);
    }
    await this.#consumer.close();
  }

  async #assign(missing: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    const described = await this.#client.admin.describeTopics(missing, signal);
    const found = [...described.topics.values()].flatMap(({ name, partitions }) =>
      partitions.map(({ partition }) => ({ topic: name, partition })),
    );
    if (found.length > 0) this.#consumer.assign([...this.#consumer.assignment, ...found]);
    return described.missing;
  }

  async #read(maxWaitMs: number, signal: AbortSignal): Promise<void> {
    const fetched = await this.#consumer.poll(maxWaitMs, signal);
    const nowMs = this.#clock.monotonicMs();
    for (const { topic, partition, records } of fetched) {
      for (const { offset, key, value } of records) {
        const { event, txId } = readTopicEvent(topic, partition, offset, key, value);
        this.events.push(event);
        if (event.kind === "read") this.snapshotEvents++;
        if (txId !== null) this.arrivalsMs.set(txId, nowMs);
      }
    }
    if (fetched.length > 0) for (const listener of this.#listeners) listener();
  }
}
