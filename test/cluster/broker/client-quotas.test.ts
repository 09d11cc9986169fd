import { afterEach, beforeEach, expect, test } from "vitest";
import { alterClientQuotas } from "../../../src/protocol/apis/alter-client-quotas.js";
import { createPartitions } from "../../../src/protocol/apis/create-partitions.js";
import { createTopics } from "../../../src/protocol/apis/create-topics.js";
import { deleteTopics } from "../../../src/protocol/apis/delete-topics.js";
import { describeClientQuotas } from "../../../src/protocol/apis/describe-client-quotas.js";
import { fetch } from "../../../src/protocol/apis/fetch.js";
import { metadata } from "../../../src/protocol/apis/metadata.js";
import { produce } from "../../../src/protocol/apis/produce.js";
import { ZERO_UUID } from "../../../src/protocol/byte-reader.js";
import { startTestBroker, type TestBroker } from "../../support/broker.js";
import { BrokerClient } from "../../support/broker-client.js";
import { batchOf } from "../../support/broker-log.js";
import { KAFKA_QUOTA_ANSWERS, quotaStory } from "../../support/quota-story.js";

const ALL = { components: [], strict: false };

let broker: TestBroker;
let client: BrokerClient;
beforeEach(async () => {
  broker = await startTestBroker();
  client = await BrokerClient.connect(broker.port);
  const topics = [{ name: "t", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }];
  await client.request(createTopics, 5, { topics, timeoutMs: 5000, validateOnly: false });
});
afterEach(async () => {
  client?.close();
  await broker?.close();
});

function set(entityType: string, entityName: string | null, key: string, value: number) {
  const entries = [{ entity: [{ entityType, entityName }], ops: [{ key, value, remove: false }] }];
  return client.request(alterClientQuotas, 0, { entries, validateOnly: false });
}

function write(clientId: string, bytes: number, acks = 1) {
  const records = batchOf([{ value: "x".repeat(bytes) }]);
  const topicData = [{ name: "t", partitionData: [{ index: 0, records }] }];
  return client.request(produce, 9, { acks, timeoutMs: 5000, topicData }, clientId);
}

function read(clientId: string, fetchOffset: number) {
  const topics = [{ topic: "t", partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1_000_000 }] }];
  const limits = { maxWaitMs: 0, minBytes: 0, maxBytes: 1_000_000, isolationLevel: 0 };
  return client.request(fetch, 12, { ...limits, topics }, clientId);
}

test("quotas are altered and described as by Apache Kafka, but for names of hosts and one misprint", async () => {
  const answers = await quotaStory(client, () => Promise.resolve());
  const differing = Object.keys(answers).filter((each) => {
    return JSON.stringify(answers[each]) !== JSON.stringify(KAFKA_QUOTA_ANSWERS[each]);
  });
  expect(differing.map((each) => (answers[each] as { errorMessage: string }).errorMessage)).toEqual([
    "Invalid quota entity combination, IP entity should not be combined with User or ClientId",
    "no-host.invalid is not an IP address: the bundled broker looks up no names of hosts.",
  ]);
});

test("quotas survive a crash", async () => {
  await set("user", null, "consumer_byte_rate", 1000);
  await broker.restart();
  client = await BrokerClient.connect(broker.port);
  const { entries } = await client.request(describeClientQuotas, 1, ALL);
  expect(entries).toMatchObject([
    { entity: [{ entityType: "user", entityName: null }], values: [{ key: "consumer_byte_rate", value: 1000 }] },
  ]);
});

test("a producer beyond its quota reads its throttle time, and is served afterwards", async () => {
  await set("client-id", "slow", "producer_byte_rate", 50_000);
  expect(await write("fast", 600_000)).toMatchObject({ throttleTimeMs: 0 });
  const { responses, throttleTimeMs } = await write("slow", 510_000);
  expect(responses[0]!.partitionResponses[0]!.errorCode).toBe(0);
  expect(throttleTimeMs).toBeGreaterThan(100);
  expect(throttleTimeMs).toBeLessThan(1000);
  // The connection is muted, and serves again afterwards (test/unit/broker/net/connection.test.ts knows the time).
  await client.request(metadata, 9, { topics: [], allowAutoTopicCreation: false });
});

test("a consumer beyond its quota gets what its quota has for a window, and then waits", async () => {
  await set("user", "ANONYMOUS", "consumer_byte_rate", 50_000);
  for (let at = 0; at < 6; at++) await write("writer", 100_000);
  const first = await read("reader", 0);
  const records = first.responses[0]!.partitions[0]!.records!;
  expect(records.length).toBeGreaterThan(400_000);
  expect(records.length).toBeLessThan(500_000);
  expect(first.throttleTimeMs).toBe(0);
  const second = await read("reader", 4);
  expect(second.responses[0]!.partitions[0]!.records!.length).toBeGreaterThan(100_000);
  expect(second.throttleTimeMs).toBeGreaterThan(0);
});

test("a client that creates more partitions than its quota has is refused until it has waited", async () => {
  await set("client-id", "test", "controller_mutation_rate", 1);
  const topic = (name: string, numPartitions: number) => {
    return { name, numPartitions, replicationFactor: 1, assignments: [], configs: [] };
  };
  const creating = { topics: [topic("a", 6), topic("b", 6), topic("c", 1)], timeoutMs: 5000, validateOnly: false };
  const created = await client.request(createTopics, 7, creating);
  expect(created.topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([
    ["a", 0],
    ["b", 0],
    ["c", 89],
  ]);
  expect(created.throttleTimeMs).toBeGreaterThan(0);
  expect(created.throttleTimeMs).toBeLessThanOrEqual(1000);
  // The connection has been muted for that long.
  const growing = { topics: [{ name: "a", count: 15, assignments: null }], timeoutMs: 5000, validateOnly: false };
  expect(await client.request(createPartitions, 3, growing)).toMatchObject({
    throttleTimeMs: 0,
    results: [{ errorCode: 0 }],
  });
  const other = await BrokerClient.connect(broker.port);
  const more = { topics: [topic("d", 1)], timeoutMs: 5000, validateOnly: false };
  const refused = await other.request(createTopics, 6, more);
  expect(refused.topics).toMatchObject([{ errorCode: 89, errorMessage: null }]);
  expect(refused.throttleTimeMs).toBeGreaterThan(1000);
  other.close();
  const old = await BrokerClient.connect(broker.port);
  const taken = await old.request(createTopics, 5, more);
  expect(taken.topics).toMatchObject([{ errorCode: 0 }]);
  expect(taken.throttleTimeMs).toBeGreaterThan(refused.throttleTimeMs);
  old.close();
});

test("a client that deletes more partitions than its quota has is refused until it has waited", async () => {
  const topic = (name: string, numPartitions: number) => {
    return { name, numPartitions, replicationFactor: 1, assignments: [], configs: [] };
  };
  const creating = { topics: [topic("a", 12), topic("b", 1), topic("c", 1)], timeoutMs: 5000, validateOnly: false };
  await client.request(createTopics, 7, creating);
  await set("client-id", "test", "controller_mutation_rate", 1);
  const remove = async (version: number, ...names: string[]) => {
    const connection = await BrokerClient.connect(broker.port);
    const topics = names.map((name) => ({ name, topicId: ZERO_UUID }));
    const answer = await connection.request(deleteTopics, version, { topics, topicNames: names, timeoutMs: 5000 });
    connection.close();
    return { codes: answer.responses.map(({ errorCode }) => errorCode), isThrottled: answer.throttleTimeMs > 0 };
  };
  expect(await remove(6, "none", "a")).toEqual({ codes: [3, 0], isThrottled: false });
  expect(await remove(6, "b", "none")).toEqual({ codes: [89, 3], isThrottled: true });
  expect(await remove(5, "b")).toEqual({ codes: [89], isThrottled: true });
  expect(await remove(4, "b")).toEqual({ codes: [0], isThrottled: true });
  expect(await remove(6, "c", "c")).toEqual({ codes: [42], isThrottled: false });
});

test("an address that connects too often is closed, and others are not", async () => {
  await set("ip", "127.0.0.1", "connection_creation_rate", 1);
  const clients: BrokerClient[] = [];
  for (let at = 0; at < 11; at++) clients.push(await BrokerClient.connect(broker.port));
  await clients.at(-1)!.closed;
  await clients[0]!.request(metadata, 9, { topics: [], allowAutoTopicCreation: false });
  for (const each of clients) each.close();
});
