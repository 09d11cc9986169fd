import type { KafkaClient } from "../../../src/kafka/client/kafka-client.js";
import type { Producer } from "../../../src/kafka/client/producer.js";
import { kafkaClient } from "../../support/kafka-client.js";

export interface InputRecord {
  readonly topic: string;
  readonly key: string;
  readonly value: string;
  readonly timestampMs: number;
}

/** Writes the input of the applications under test. */
export class InputProducer {
  readonly #client: KafkaClient;
  readonly #producer: Producer<string>;
  readonly #failures: Error[] = [];

  constructor(bootstrap: string) {
    this.#client = kafkaClient(bootstrap);
    this.#producer = this.#client.producer(
      {},
      { acknowledged() {}, failed: (_token, _count, error) => this.#failures.push(error) },
    );
  }

  async createTopics(names: readonly string[], partitions: number): Promise<void> {
    await this.#client.admin.createTopics(names.map((name) => ({ name, partitions, replicationFactor: 1 })));
  }

  /** Resolves once all are acknowledged. @throws the first error of one that is not. */
  async write(records: readonly InputRecord[]): Promise<void> {
    for (const { topic, key, value, timestampMs } of records) {
      const bytes = { key: Buffer.from(key), value: Buffer.from(value) };
      this.#producer.append({ topic, partition: null, ...bytes, timestampMs, headers: [] }, topic);
    }
    await this.#producer.flush();
    if (this.#failures[0]) throw this.#failures[0];
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}
