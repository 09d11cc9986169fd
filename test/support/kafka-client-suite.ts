import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SystemClock } from "../../src/base/clock.js";
import { deferred } from "../../src/base/deferred.js";
import { SystemRandom } from "../../src/base/random.js";
import type { FetchedRecords } from "../../src/kafka/client/consumer.js";
import type { GroupConsumer } from "../../src/kafka/client/group-consumer.js";
import type { KafkaClient } from "../../src/kafka/client/kafka-client.js";
import type { ProducerRecord } from "../../src/kafka/client/producer.js";
import { CODECS } from "../../src/protocol/compression/compression.js";
import { KafkaError } from "../../src/protocol/kafka-error.js";
import { kafkaClient } from "./kafka-client.js";

const _clock = new SystemClock();
const random = new SystemRandom();
const clients: KafkaClient[] = [];
/** A fresh prefix in every run, for clusters that keep their topics. */
const run = random.uuid().slice(0, 8);
let names = 0;
let bootstrap = "";

/** A client of the broker under test, closed after the test. */
export function connect(properties: Record<string, string> = {}): KafkaClient {
  const client = kafkaClient(bootstrap, { "client.id": "test", "auto.offset.reset": "earliest", ...properties });
  clients.push(client);
  return client;
}

export async function newTopic(
  client: KafkaClient,
  partitions = 1,
  configs: Record<string, string> = {},
): Promise<string> {
  const name = `client-${run}-${names++}`;
  const results = await client.admin.createTopics([{ name, partitions, replicationFactor: 1, configs }]);
  expect(results).toEqual([{ name }]);
  return name;
}

/** A server's retention deletes records of long ago, even within a test. */
const SENT_AT_MS = Date.now();

export function record(topic: string, partition: number | null, key: string | null, value: string): ProducerRecord {
  return {
    topic,
    partition,
    key: key === null ? null : Buffer.from(key),
    value: Buffer.from(value),
    timestampMs: SENT_AT_MS,
    headers: [{ key: "h", value: Buffer.from("x") }],
  };
}

/** Polls until it has `count` records. */
async function take(
  consumer: { poll: GroupConsumer["poll"] },
  count: number,
): Promise<{ values: string[]; batches: FetchedRecords[] }> {
  const values: string[] = [];
  const batches: FetchedRecords[] = [];
  while (values.length < count) {
    for (const batch of await consumer.poll(10_000)) {
      batches.push(batch);
      for (const { value } of batch.records) values.push(value?.toString() ?? "");
    }
  }
  return { values, batches };
}

const nothing = { acknowledged() {}, failed() {} };

/** The client's behaviour over TCP with any broker. @param server returns `host:port` once the suite runs. */
export function kafkaClientSuite(server: () => string): void {
  beforeEach(() => {
    bootstrap = server();
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) await client.close();
  });

  describe("admin", () => {
    test("creates, describes and deletes topics, and reports missing ones", async () => {
      const { admin } = connect();
      await admin.connect(10_000);
      expect((await admin.clusterId()).length).toBeGreaterThan(0);
      const client = connect();
      const topic = await newTopic(client, 3, { "cleanup.policy": "compact" });
      const { topics, missing } = await admin.describeTopics([topic, `${topic}-missing`]);
      expect(topics.get(topic)?.partitions.map((each) => each.partition)).toEqual([0, 1, 2]);
      expect(missing).toEqual([`${topic}-missing`]);
      expect(await admin.listTopics()).toContain(topic);
      const configs = await admin.describeTopicConfigs(topic);
      expect(configs.get("cleanup.policy")).toMatchObject({ value: "compact", isDefault: false });
      expect(configs.get("retention.ms")).toMatchObject({ isDefault: true });
      const [again] = await admin.createTopics([{ name: topic, partitions: 1, replicationFactor: -1 }]);
      expect(KafkaError.is(again?.error, "TOPIC_ALREADY_EXISTS")).toBe(true);
      expect(await admin.deleteTopics([topic])).toEqual([{ name: topic }]);
      await expect(admin.describeTopicConfigs(`${topic}-missing`, AbortSignal.timeout(1))).rejects.toThrow(
        /UNKNOWN_TOPIC_OR_PARTITION/,
      );
    });

    test("names the servers and the reason when none of them answers", async () => {
      const client = connect({ "bootstrap.servers": "127.0.0.1:1" });
      await expect(client.admin.connect(5_000)).rejects.toThrow(
        /no broker of bootstrap.servers=127.0.0.1:1 answered: .*ECONNREFUSED/,
      );
    });
  });

  describe("producer and consumer", () => {
    test.each(["0", "1", "all"])("carry records with acks=%s", async (acks) => {
      const client = connect({ acks });
      const topic = await newTopic(client);
      const producer = client.producer({}, nothing);
      const values = Array.from({ length: 5_000 }, (_, at) => `value ${at}`);
      const sent = await producer.send(values.map((value) => record(topic, 0, null, value)));
      expect(sent.map(({ offset }) => offset)).toEqual(values.map((_, at) => (acks === "0" ? -1 : at)));
      const consumer = client.consumer({});
      consumer.assign([{ topic, partition: 0 }]);
      expect((await take(consumer, values.length)).values).toEqual(values);
    });

    test.each(CODECS)("carry records of every shape with compression %s", async (codec) => {
      const client = connect();
      const topic = await newTopic(client, 2);
      const producer = client.producer({ properties: { "compression.type": codec } }, nothing);
      const records = [
        record(topic, 0, "a", "x".repeat(100_000)),
        { ...record(topic, 0, null, ""), value: null, headers: [] },
        record(topic, 1, "b", "other partition"),
      ];
      expect((await producer.send(records)).map(({ partition, offset }) => [partition, offset])).toEqual([
        [0, 0],
        [0, 1],
        [1, 0],
      ]);
      const consumer = client.consumer({});
      consumer.assign([
        { topic, partition: 0 },
        { topic, partition: 1 },
      ]);
      const { batches } = await take(consumer, 3);
      const first = batches.find((each) => each.partition === 0)?.records[0];
      expect(first?.value?.length).toBe(100_000);
      expect(first?.headers).toEqual([{ key: "h", value: Buffer.from("x") }]);
      expect(first?.timestampMs).toBe(SENT_AT_MS);
      expect(consumer.position({ topic, partition: 0 })).toBe(2);
      expect(await client.admin.endOffsets([{ topic, partition: 0 }])).toEqual([{ topic, partition: 0, offset: 2 }]);
      expect(await client.admin.startOffsets([{ topic, partition: 1 }])).toEqual([{ topic, partition: 1, offset: 0 }]);
    });

    test("a hundred thousand records of a ledger arrive once, in order, acknowledged in ranges of tokens", async () => {
      const client = connect();
      const topic = await newTopic(client, 3);
      const acknowledged = new Map<number, number>();
      let calls = 0;
      const producer = client.producer<number>(
        {},
        {
          acknowledged(token, count) {
            calls++;
            acknowledged.set(token, (acknowledged.get(token) ?? 0) + count);
          },
          failed(_, __, error) {
            throw error;
          },
        },
      );
      const total = 100_000;
      for (let at = 0; at < total; at++) {
        if (producer.full) await producer.drained();
        producer.append(record(topic, at % 3, `k${at % 100}`, String(at)), Math.floor(at / 1000));
      }
      await producer.flush();
      expect([...acknowledged.values()].every((count) => count === 1000)).toBe(true);
      expect(acknowledged.size).toBe(100);
      expect(calls).toBeLessThan(1000);
      const consumer = client.consumer({ properties: { "max.poll.records": "10000" } });
      consumer.assign([0, 1, 2].map((partition) => ({ topic, partition })));
      const { batches } = await take(consumer, total);
      const next = [0, 1, 2];
      for (const { partition, records } of batches) {
        for (const { value } of records) {
          expect(Number(value)).toBe(next[partition]);
          next[partition]! += 3;
        }
      }
      expect(next).toEqual([total + 2, total, total + 1]);
    });

    test("a batch larger than the topic's max.message.bytes is cut; a single record that is too large fails by name", async () => {
      const client = connect();
      const topic = await newTopic(client, 1, { "max.message.bytes": "20000" });
      const producer = client.producer({}, nothing);
      const values = Array.from({ length: 100 }, (_, at) => `${at}`.padEnd(1000, "."));
      await producer.send(values.map((value) => record(topic, 0, null, value)));
      const consumer = client.consumer({});
      consumer.assign([{ topic, partition: 0 }]);
      expect((await take(consumer, 100)).values).toEqual(values);
      await expect(producer.send([record(topic, 0, null, "x".repeat(30_000))])).rejects.toThrow(
        new RegExp(`${topic}.*30[0-9]{3} bytes.*max\\.message\\.bytes`),
      );
    });

    test("seek, pause, resume and an offset out of range", async () => {
      const client = connect();
      const topic = await newTopic(client, 2);
      const producer = client.producer({}, nothing);
      await producer.send([0, 1, 2, 3].map((at) => record(topic, at % 2, null, `v${at}`)));
      const consumer = client.consumer({});
      const [even, odd] = [0, 1].map((partition) => ({ topic, partition }));
      consumer.assign([even!, odd!]);
      consumer.pause([odd!]);
      expect((await take(consumer, 2)).values).toEqual(["v0", "v2"]);
      expect(await consumer.poll(50)).toEqual([]);
      consumer.resume([odd!]);
      expect((await take(consumer, 2)).values).toEqual(["v1", "v3"]);
      consumer.seek(even!, 1);
      expect((await take(consumer, 1)).values).toEqual(["v2"]);
      consumer.seek(even!, 77);
      expect((await take(consumer, 2)).values).toEqual(["v0", "v2"]);
      const strict = client.consumer({ properties: { "auto.offset.reset": "none" } });
      strict.assign([even!]);
      strict.seek(even!, 77);
      await expect(strict.poll(10_000)).rejects.toThrow(/OFFSET_OUT_OF_RANGE/);
    });
  });

  describe("groups", () => {
    const shape = { "session.timeout.ms": "6000", "heartbeat.interval.ms": "200" };

    function listening() {
      const assigned: number[][] = [];
      const revoked: number[][] = [];
      return {
        assigned,
        revoked,
        async onAssigned(partitions: readonly { partition: number }[]) {
          assigned.push(partitions.map((each) => each.partition));
        },
        async onRevoked(partitions: readonly { partition: number }[]) {
          revoked.push(partitions.map((each) => each.partition));
        },
        async onLost() {},
      };
    }

    test("consumers share a topic, commit, and take over a leaving member's partitions at its commits", async () => {
      const client = connect(shape);
      const topic = await newTopic(client, 4);
      const producer = client.producer({}, nothing);
      await producer.send(Array.from({ length: 40 }, (_, at) => record(topic, at % 4, null, `v${at}`)));
      const groupId = `group-${run}`;
      const first = listening();
      const one = client.groupConsumer({ groupId, topics: [topic] }, first);
      const { batches } = await take(one, 40);
      expect(first.assigned).toEqual([[0, 1, 2, 3]]);
      await one.commit(
        batches.map((each) => ({ topic, partition: each.partition, offset: each.nextOffset, metadata: "m" })),
      );
      expect(await one.committed([{ topic, partition: 1 }])).toEqual([
        { topic, partition: 1, offset: 10, metadata: "m" },
      ]);

      const second = listening();
      const two = client.groupConsumer({ groupId, topics: [topic] }, second);
      const both = deferred();
      const stop = new AbortController();
      const keepPolling = async (consumer: GroupConsumer) => {
        while (!stop.signal.aborted) {
          expect(await consumer.poll(100, stop.signal)).toEqual([]);
          if (one.assignment.length === 2 && two.assignment.length === 2) both.resolve();
        }
      };
      const polling = [keepPolling(one), keepPolling(two)];
      await both.promise;
      stop.abort();
      await Promise.all(polling);
      expect(first.revoked).toEqual([[0, 1, 2, 3]]);
      expect([...one.assignment, ...two.assignment].map((each) => each.partition).sort()).toEqual([0, 1, 2, 3]);

      await one.close();
      while (two.assignment.length < 4) await two.poll(100);
      await producer.send([record(topic, 3, null, "after")]);
      expect((await take(two, 1)).values).toEqual(["after"]);
      await two.close();
      expect((await client.admin.listGroupOffsets(groupId)).map((each) => each.offset)).toEqual([10, 10, 10, 10]);
      await client.admin.alterGroupOffsets(groupId, [{ topic, partition: 0, offset: 3 }]);
      await client.admin.deleteGroupOffsets(groupId, [{ topic, partition: 1 }]);
      const left = await client.admin.listGroupOffsets(groupId);
      expect(left.map(({ partition, offset }) => [partition, offset]).sort()).toEqual([
        [0, 3],
        [2, 10],
        [3, 10],
      ]);
      await client.admin.deleteGroup(groupId);
      expect(await client.admin.listGroupOffsets(groupId)).toEqual([]);
    });

    test("a pattern also matches topics created later", async () => {
      const client = connect({ ...shape, "metadata.max.age.ms": "200" });
      const topic = await newTopic(client);
      const consumer = client.groupConsumer(
        { groupId: `pattern-${run}`, topics: new RegExp(`${topic}(-later)?`) },
        listening(),
      );
      while (consumer.assignment.length < 1) await consumer.poll(100);
      await client.admin.createTopics([{ name: `${topic}-later`, partitions: 1, replicationFactor: 1 }]);
      while (consumer.assignment.length < 2) await consumer.poll(100);
      await consumer.close();
    });

    test("a leader assigns members of any protocol type", async () => {
      const client = connect();
      const groupId = `connect-${run}`;
      const join = (name: string) => {
        const assigned: string[] = [];
        let reached = deferred<string>();
        const member = client.groupMember(
          {
            groupId,
            protocolType: "connect",
            protocols: () => [{ name: "sessioned", metadata: Buffer.from(name) }],
            sessionTimeoutMs: 6000,
            rebalanceTimeoutMs: 10_000,
            heartbeatIntervalMs: 200,
          },
          {
            async assign({ members }) {
              const all = members
                .map(({ metadata }) => metadata.toString())
                .sort()
                .join("+");
              return new Map(members.map(({ memberId }) => [memberId, Buffer.from(all)]));
            },
            async onPrepare() {},
            async onAssigned({ assignment }) {
              assigned.push(assignment.toString());
              reached.resolve(assignment.toString());
            },
            async onLost() {},
          },
        );
        return {
          member,
          async until(wanted: string) {
            while (assigned.at(-1) !== wanted) {
              reached = deferred();
              if (assigned.at(-1) !== wanted) await reached.promise;
            }
          },
        };
      };
      const one = join("one");
      one.member.start();
      await one.until("one");
      const two = join("two");
      two.member.start();
      await Promise.all([one.until("one+two"), two.until("one+two")]);
      expect(one.member.generation?.generationId).toBe(two.member.generation?.generationId);
      await one.member.leave();
      await two.until("two");
      await two.member.leave();
    });
  });
}
