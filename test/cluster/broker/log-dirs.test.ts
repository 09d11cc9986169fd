import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTopics } from "../../../src/protocol/apis/create-topics.js";
import { describeLogDirs } from "../../../src/protocol/apis/describe-log-dirs.js";
import { produce } from "../../../src/protocol/apis/produce.js";
import { startTestBroker, type TestBroker } from "../../support/broker.js";
import { BrokerClient } from "../../support/broker-client.js";
import { batchOf } from "../../support/broker-log.js";

let broker: TestBroker;
let client: BrokerClient;
beforeAll(async () => {
  broker = await startTestBroker();
  client = await BrokerClient.connect(broker.port);
  const topic = (name: string, numPartitions: number) => ({
    ...{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] },
  });
  const created = { topics: [topic("orders", 2), topic("empty", 1)], timeoutMs: 1000, validateOnly: false };
  await client.request(createTopics, 7, created);
  const records = batchOf([{ value: "x".repeat(5000) }]);
  const topicData = [{ name: "orders", partitionData: [{ index: 1, records }] }];
  await client.request(produce, 9, { acks: -1, timeoutMs: 1000, topicData });
});
afterAll(async () => {
  client?.close();
  await broker?.close();
});

/** Bytes of a partition's segments in the data folder. */
function bytesOnDisk(partition: string): number {
  const folder = join(broker.dataDir, partition);
  const logs = readdirSync(folder).filter((name) => name.endsWith(".log"));
  return logs.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

test.each([1, 2, 3, 4, 5])("v%i tells the size of every partition in the one folder", async (version) => {
  const { errorCode, results } = await client.request(describeLogDirs, version, { topics: null });
  const sizeOf = (partitionIndex: number, partitionSize: number) => ({
    ...{ partitionIndex, partitionSize, offsetLag: 0, isFutureKey: false },
  });
  expect(bytesOnDisk("orders-1")).toBeGreaterThan(5000);
  expect(errorCode).toBe(0);
  expect(results).toMatchObject([{ errorCode: 0, logDir: broker.dataDir, isCordoned: false }]);
  const { topics, totalBytes, usableBytes } = results[0]!;
  expect(topics.filter(({ name }) => !name.startsWith("__"))).toEqual([
    { name: "empty", partitions: [sizeOf(0, 0)] },
    { name: "orders", partitions: [sizeOf(0, 0), sizeOf(1, bytesOnDisk("orders-1"))] },
  ]);
  if (version < 4) expect([totalBytes, usableBytes]).toEqual([-1, -1]);
  else expect(totalBytes).toBeGreaterThan(usableBytes);
  if (version >= 4) expect(usableBytes).toBeGreaterThan(0);
});

test("partitions and topics that do not exist are left out", async () => {
  const topics = [
    { topic: "orders", partitions: [1, 7, -1] },
    { topic: "empty", partitions: [3] },
    { topic: "missing", partitions: [0] },
  ];
  const { results } = await client.request(describeLogDirs, 4, { topics });
  expect(results[0]!.topics).toMatchObject([{ name: "orders", partitions: [{ partitionIndex: 1 }] }]);
  expect(results[0]!.topics[0]!.partitions).toHaveLength(1);
});
