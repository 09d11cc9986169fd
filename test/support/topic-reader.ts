import type { Consumer } from "../../src/kafka/client/consumer.js";
import type { KafkaClient } from "../../src/kafka/client/kafka-client.js";
import type { TopicPartition } from "../../src/kafka/client/topic-partition.js";
import { kafkaClient } from "./kafka-client.js";

/** A record as texts, at its place. */
export interface ReadRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
}

/** Reads whole topics on demand, and keeps what it has read. */
export class TopicReader {
  readonly #client: KafkaClient;
  readonly #consumer: Consumer;
  readonly #partitions: readonly TopicPartition[];
  readonly #records = new Map<string, ReadRecord[]>();

  private constructor(client: KafkaClient, partitions: readonly TopicPartition[]) {
    this.#client = client;
    this.#partitions = partitions;
    this.#consumer = client.consumer({});
    this.#consumer.assign(partitions);
  }

  /** @param topics exist already. */
  static async open(
    bootstrap: string,
    topics: readonly string[],
    isolation: "read_committed" | "read_uncommitted",
  ): Promise<TopicReader> {
    const client = kafkaClient(bootstrap, { "auto.offset.reset": "earliest", "isolation.level": isolation });
    const { topics: found } = await client.admin.describeTopics(topics);
    const partitions = [...found.values()].flatMap(({ name, partitions }) =>
      partitions.map(({ partition }) => ({ topic: name, partition })),
    );
    return new TopicReader(client, partitions);
  }

  /** The records read so far, in order within each partition. */
  of(topic: string): readonly ReadRecord[] {
    return this.#records.get(topic) ?? [];
  }

  /** Resolves once everything is read that the topics hold now. Of an open transaction it waits for the end. */
  async readToEnd(): Promise<void> {
    for (const { topic, partition, offset } of await this.#client.admin.endOffsets(this.#partitions))
      await this.readTo({ topic, partition }, offset);
  }

  /** Resolves once everything before `offset` is read. */
  async readTo(partition: TopicPartition, offset: number): Promise<void> {
    while ((this.#consumer.position(partition) ?? 0) < offset) {
      for (const fetched of await this.#consumer.poll(1000)) {
        const records = this.#records.get(fetched.topic) ?? [];
        this.#records.set(fetched.topic, records);
        for (const { offset: at, key, value } of fetched.records)
          records.push({ partition: fetched.partition, offset: at, key: text(key), value: text(value) });
      }
    }
  }

  async close(): Promise<void> {
    await this.#consumer.close();
    await this.#client.close();
  }
}

function text(bytes: Buffer | null): string | null {
  return bytes === null ? null : bytes.toString("utf8");
}
