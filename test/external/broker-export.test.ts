import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { KafkaClient } from "../../src/kafka/client/kafka-client.js";
import { CODECS } from "../../src/protocol/compression/compression.js";
import { startTestBroker, type TestBroker } from "../support/broker.js";
import { clientOf, readAll, recordOf, runExport, send, transactional } from "../support/export-run.js";
import { findPeers, Peers } from "./peers.js";

const { script, missing } = findPeers();
const AUTHORIZER = "org.apache.kafka.metadata.authorizer.StandardAuthorizer";

describe.skipIf(missing)("an export of the bundled broker", () => {
  let peers: Peers;
  let bundled: TestBroker;
  let [from, to]: (KafkaClient | undefined)[] = [];
  beforeAll(async () => {
    bundled = await startTestBroker({
      properties: { "authorizer.class.name": AUTHORIZER, "super.users": "User:ANONYMOUS" },
    });
    peers = await Peers.prepare(script);
    await peers.startKafka();
    [from, to] = [clientOf(bundled.bootstrap), clientOf(peers.bootstrap)];
  });
  afterAll(async () => {
    await from?.close();
    await to?.close();
    await bundled?.close();
    await peers?.stop();
  });

  test("to Apache Kafka, and from there to another bundled broker", async () => {
    const [source, kafka] = [from!, to!];
    const compacted = { "cleanup.policy": "compact", "message.timestamp.type": "LogAppendTime" };
    const plain = { "retention.ms": "3600000", "message.timestamp.after.max.ms": "9223372036854775807" };
    await source.admin.createTopics([
      { name: "plain", partitions: 2, replicationFactor: 1, configs: plain },
      { name: "compacted", partitions: 1, replicationFactor: 1, configs: compacted },
    ]);
    for (const codec of CODECS) {
      await send(
        source,
        Array.from({ length: 300 }, (_, at) => recordOf("plain", 0, `k${at}`, `${codec} ${at}`)),
        codec,
      );
    }
    const headers = [
      { key: "h", value: Buffer.from("x") },
      { key: "h", value: null },
    ];
    await send(source, [
      recordOf("plain", 1, null, null, { headers }),
      recordOf("plain", 1, "", "", { timestampMs: -1 }),
      recordOf("plain", 1, "large", "x".repeat(900_000), { timestampMs: 4_000_000_000_000 }),
      recordOf("compacted", 0, "a", "1"),
    ]);
    await source.admin.createTopics([{ name: "cut", partitions: 2, replicationFactor: 1 }]);
    await send(
      source,
      Array.from({ length: 1_000 }, (_, at) => recordOf("cut", at % 2, null, `${at}`)),
    );
    await source.admin.deleteRecords([
      { topic: "cut", partition: 0, offset: 300 },
      { topic: "cut", partition: 1, offset: 500 },
    ]);
    const producer = await transactional(source, "export-writer");
    for (const end of ["abort", "commit"] as const) {
      producer.begin();
      await producer.send([recordOf("compacted", 0, "b", end)]);
      await producer[end]();
    }
    // Source: 0 | 1 aborted | 2 marker | 3 | 4 marker. Target: 0 | 1.
    await source.admin.alterGroupOffsets("readers", [
      { topic: "compacted", partition: 0, offset: 3, metadata: "kept" },
      { topic: "plain", partition: 0, offset: 700 },
    ]);
    const acl = {
      resourceType: 2,
      patternType: 3,
      host: "*",
      permissionType: 3,
      resourceName: "t",
      principal: "User:a",
    };
    await source.admin.createAcls([{ ...acl, operation: 3 }]);

    const { isComplete, lines } = await runExport(source, kafka);
    expect(lines.filter((line) => line.startsWith("incomplete: "))).toEqual([]);
    expect(isComplete).toBe(true);
    expect(await kafka.admin.describeAcls()).toContainEqual({ ...acl, operation: 3 });
    expect(lines).toContain("topic cut: 2 partitions, 200 records, offsets kept");
    const cut = [0, 1].map((partition) => ({ topic: "cut", partition }));
    expect((await kafka.admin.startOffsets(cut)).map(({ offset }) => offset)).toEqual([300, 500]);
    expect((await kafka.admin.endOffsets(cut)).map(({ offset }) => offset)).toEqual([500, 500]);
    expect((await readAll(kafka, "cut", 0)).offsets).toEqual((await readAll(source, "cut", 0)).offsets);
    expect(lines).toContain("topic plain: 2 partitions, 1503 records, offsets kept");
    expect(lines).toContain("topic compacted: 1 partitions, 2 records, offsets changed in 1 partitions");
    const offsets = [
      { topic: "compacted", partition: 0, offset: 1, metadata: "kept" },
      { topic: "plain", partition: 0, offset: 700, metadata: "" },
    ];
    const byTopic = (a: { topic: string }, b: { topic: string }) => (a.topic < b.topic ? -1 : 1);
    expect((await kafka.admin.listGroupOffsets("readers")).sort(byTopic)).toEqual(offsets);

    const read = await peers.tool("org.apache.kafka.tools.consumer.ConsoleConsumer", [
      ...["--bootstrap-server", peers.bootstrap, "--topic", "plain", "--group", "readers"],
      ...["--max-messages", "1", "--timeout-ms", "60000"],
      ...["--formatter-property", "print.partition=true", "--formatter-property", "print.offset=true"],
    ]);
    expect(read).toMatch(/Partition:0\tOffset:700\t|Partition:1\tOffset:0\t/);

    const again = await startTestBroker();
    const back = clientOf(again.bootstrap);
    try {
      const returned = await runExport(kafka, back, { topics: ["plain", "compacted", "cut"] });
      expect(returned.lines.filter((line) => line.startsWith("incomplete: "))).toEqual([
        expect.stringMatching(/^incomplete: ACLs: none of the 1 is at the target, which has no authorizer/),
      ]);
      for (const [topic, partition] of [
        ["plain", 0],
        ["plain", 1],
        ["compacted", 0],
        ["cut", 0],
      ] as const) {
        const original = await readAll(source, topic, partition);
        for (const client of [kafka, back]) {
          expect((await readAll(client, topic, partition)).records).toEqual(original.records);
        }
      }
      const configs = async (client: KafkaClient, topic: string) => {
        const all = await client.admin.describeTopicConfigs(topic);
        const set = [...all.values()].filter(({ isDefault }) => !isDefault);
        return Object.fromEntries(set.map(({ name, value }) => [name, value]));
      };
      for (const client of [kafka, back]) {
        expect(await configs(client, "plain")).toEqual(plain);
        expect(await configs(client, "compacted")).toEqual(compacted);
      }
    } finally {
      await back.close();
      await again.close();
    }
  });
});
