import { afterAll, beforeAll, expect, test } from "vitest";
import { deferred } from "../../../src/base/deferred.js";
import { startTestBroker, type TestBroker } from "../../support/broker.js";
import { connect, kafkaClientSuite, newTopic, record } from "../../support/kafka-client-suite.js";

// The client on the bundled broker; test/external runs the same suite on Apache Kafka.

let broker: TestBroker;

beforeAll(async () => {
  broker = await startTestBroker();
});

afterAll(async () => {
  await broker.close();
});

kafkaClientSuite(() => broker.bootstrap);

test("after a crash and restart of the broker appended records arrive in order, and readers and groups continue", async () => {
  const waits: (string | undefined)[] = [];
  const onConnectivity = (reason: string | undefined) => waits.push(reason);
  const client = connect({ "session.timeout.ms": "6000", "heartbeat.interval.ms": "200" });
  const topic = await newTopic(client);
  let acknowledged = 0;
  const producer = client.producer<null>(
    { onConnectivity },
    {
      acknowledged(_, count) {
        acknowledged += count;
      },
      failed(_, __, error) {
        throw error;
      },
    },
  );
  const assigned = deferred();
  const group = client.groupConsumer(
    { groupId: `restart`, topics: [topic] },
    {
      async onAssigned() {
        assigned.resolve();
      },
      async onRevoked() {},
      async onLost() {},
    },
  );
  const seen: number[] = [];
  const drain = async () => {
    for (const { records } of await group.poll(50)) seen.push(...records.map(({ value }) => Number(value)));
  };
  while (!assigned.settled) await drain();
  let next = 0;
  const append = (count: number) => {
    for (let at = 0; at < count; at++) producer.append(record(topic, 0, null, String(next++)), null);
  };
  for (let round = 0; round < 3; round++) {
    append(500);
    await broker.crash();
    append(500);
    // While it is down, the owner gets the reason for the wait.
    while (waits.at(-1) === undefined) await drain();
    await broker.restart();
    await producer.flush();
    expect(acknowledged).toBe(next);
    while (seen.at(-1) !== next - 1) await drain();
  }
  expect(waits.at(-1)).toBeUndefined();
  // A batch whose answer was lost may be stored twice in succession; without repeats the order is perfect.
  expect([...new Set(seen)]).toEqual(Array.from({ length: next }, (_, at) => at));
  await group.commit([{ topic, partition: 0, offset: group.position({ topic, partition: 0 })! }]);
  await group.close();
});
