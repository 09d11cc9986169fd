import { expect, test } from "vitest";
import { SimClock } from "../../../src/base/clock.js";
import type { ProducerRecord } from "../../../src/kafka/client/producer.js";
import { ClientMeter } from "../../../src/kafka/client-meter.js";
import { RecordBatchWriter } from "../../../src/protocol/records/record-batch-writer.js";
import { ScriptedBroker, scriptedClient } from "./scripted-broker.js";

const listener = { acknowledged() {}, failed() {} };
const record = (value: string): ProducerRecord => {
  return { topic: "t", partition: 0, key: null, value: Buffer.from(value), timestampMs: 1, headers: [] };
};

function setUp(properties: Record<string, string> = {}) {
  const clock = new SimClock();
  const broker = new ScriptedBroker(clock);
  broker.topic("t", 1, () => 0);
  return { clock, broker, client: scriptedClient(broker, properties) };
}

test("a request counts when it is sent, its time when it is answered; the longest is forgotten after a minute", async () => {
  const clock = new SimClock();
  const meter = new ClientMeter("me", clock);
  const produced = meter.sent([Buffer.alloc(10), Buffer.alloc(90)]);
  const joined = meter.sent([Buffer.alloc(5)]);
  await clock.advance(30);
  expect(meter.metrics()).toMatchObject({
    clientId: "me",
    requests: 2,
    sentBytes: 105,
    receivedBytes: 0,
    transfers: 0,
  });
  meter.answered(0, produced, 40);
  await clock.advance(5_000);
  meter.answered(11, joined, 2);
  const fetched = meter.sent([Buffer.alloc(1)]);
  await clock.advance(10);
  meter.answered(1, fetched, 8);
  expect(meter.metrics()).toMatchObject({
    requests: 3,
    sentBytes: 106,
    receivedBytes: 50,
    transfers: 2,
    transferTimeMs: 40,
    transferMaxMs: 30,
  });
  await clock.advance(60_000);
  expect(meter.metrics()).toMatchObject({ transferTimeMs: 40, transferMaxMs: 0 });
});

test("a producer counts its records at each attempt, those to be repeated and those given up", async () => {
  const { clock, broker, client } = setUp();
  const producer = client.producer({}, listener);
  for (const value of ["a", "b", "c"]) producer.append(record(value), "x");
  broker.fail("Produce", "NOT_LEADER_OR_FOLLOWER");
  await clock.advance(10_000);
  expect(client.metrics()).toMatchObject({ recordsSent: 6, recordsRetried: 3, recordsFailed: 0, transfers: 2 });
  broker.fail("Produce", "TOPIC_AUTHORIZATION_FAILED");
  producer.append(record("d"), "x");
  await clock.advance(1_000);
  const metrics = client.metrics();
  expect(metrics).toMatchObject({ recordsSent: 7, recordsRetried: 3, recordsFailed: 1, transfers: 3 });
  // Metadata is a request, too, but no transfer.
  expect(metrics.requests).toBeGreaterThan(3);
  expect(metrics.sentBytes).toBeGreaterThan(100);
  expect(metrics.receivedBytes).toBeGreaterThan(100);
});

test("a producer with acks=0 counts requests that have no answer", async () => {
  const { clock, client } = setUp({ acks: "0" });
  const producer = client.producer({}, listener);
  producer.append(record("a"), "x");
  await clock.advance(100);
  const { sentBytes } = client.metrics();
  producer.append(record("b".repeat(1_000)), "x");
  await clock.advance(100);
  expect(client.metrics()).toMatchObject({ recordsSent: 2, transfers: 0 });
  expect(client.metrics().sentBytes - sentBytes).toBeGreaterThan(1_000);
});

test("a consumer counts the records that it returned and the bytes that it fetched", async () => {
  const { clock, broker, client } = setUp({ "auto.offset.reset": "earliest", "max.poll.records": "2" });
  const writer = new RecordBatchWriter();
  for (const value of ["a", "b", "c"]) writer.append(1, null, Buffer.from(value), []);
  const batch = writer.finish();
  broker.store("t-0", batch);
  const consumer = client.consumer({});
  consumer.assign([{ topic: "t", partition: 0 }]);
  const polled = consumer.poll(1_000);
  await clock.advance(1_000);
  expect((await polled)[0]?.records).toHaveLength(2);
  expect(client.metrics()).toMatchObject({ recordsConsumed: 2, bytesConsumed: batch.length });
  expect((await consumer.poll(1_000))[0]?.records).toHaveLength(1);
  expect(client.metrics()).toMatchObject({ recordsConsumed: 3, bytesConsumed: batch.length });
  expect(client.metrics().transfers).toBeGreaterThanOrEqual(1);
});
