import { expect } from "vitest";
import type { KafkaClient } from "../../src/kafka/client/kafka-client.js";

const COUNT = 400;

/** Creates `topic`, sends records to it, and expects them back: several megabytes, and so many TLS records. */
export async function expectRoundTrip(client: KafkaClient, topic: string): Promise<void> {
  expect(await client.admin.createTopics([{ name: topic, partitions: 1, replicationFactor: 1 }])).toEqual([
    { name: topic },
  ]);
  const values = Array.from({ length: COUNT }, (_, at) => `${at} ${"x".repeat(10_000 + at)}`);
  const record = { topic, partition: 0, key: null, timestampMs: Date.now(), headers: [] };
  const producer = client.producer({}, { acknowledged() {}, failed() {} });
  await producer.send(values.map((value) => ({ ...record, value: Buffer.from(value) })));
  const consumer = client.consumer({
    properties: { "auto.offset.reset": "earliest", "max.partition.fetch.bytes": "4194304" },
  });
  consumer.assign([{ topic, partition: 0 }]);
  const read: string[] = [];
  while (read.length < values.length) {
    for (const { records } of await consumer.poll(10_000)) read.push(...records.map(({ value }) => String(value)));
  }
  expect(read).toEqual(values);
}
