import { kafkaClient } from "./kafka-client.js";

/**
 * Creates a topic of one partition and reads it as it fills, uncommitted records included, to follow the progress of its
 * writers.
 */
export async function progressOf(bootstrap: string, topic: string) {
  const client = kafkaClient(bootstrap);
  await client.admin.createTopics([{ name: topic, partitions: 1, replicationFactor: 1 }]);
  const consumer = client.consumer({ properties: { "auto.offset.reset": "earliest" } });
  consumer.assign([{ topic, partition: 0 }]);
  let records = 0;
  return {
    /** Resolves once `count` records have been written, whatever became of them. */
    async reached(count: number): Promise<void> {
      while (records < count) for (const fetched of await consumer.poll(10_000)) records += fetched.records.length;
    },
    close: () => client.close(),
  };
}

/** Reads the values of a topic's one partition for a reader of committed records, until `isDone`. */
export async function committedValues(
  bootstrap: string,
  topic: string,
  isDone: (values: readonly string[]) => boolean,
): Promise<string[]> {
  const client = kafkaClient(bootstrap);
  const consumer = client.consumer({
    properties: { "auto.offset.reset": "earliest", "isolation.level": "read_committed" },
  });
  consumer.assign([{ topic, partition: 0 }]);
  const values: string[] = [];
  try {
    while (!isDone(values)) {
      for (const { records } of await consumer.poll(10_000)) values.push(...records.map(({ value }) => String(value)));
    }
    return values;
  } finally {
    await client.close();
  }
}
