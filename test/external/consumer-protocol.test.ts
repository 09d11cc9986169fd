import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { decodeGroupRecord, encodeGroupRecord } from "../../src/broker/groups/group-records.js";
import { startTestBroker, type TestBroker } from "../support/broker.js";
import { BrokerClient } from "../support/broker-client.js";
import { ConsumerProtocolStory, KAFKA_ANSWERS } from "../support/consumer-protocol-story.js";
import { CONSUMER_KEYS, recordsOf } from "./group-records.js";
import { findPeers, Peers } from "./peers.js";
import { VerifiableConsumer } from "./verifiable-consumer.js";

const { script, missing } = findPeers();
const TIMEOUT_MS = 300_000;
const GROUP = "story";
describe.skipIf(missing)("the consumer protocol", () => {
  test(
    "is on Apache Kafka what the cluster ring expects of the bundled broker",
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "millrace-consumers-"));
      const extra = join(folder, "kafka.properties");
      // What the bundled broker does not have: targets that wait for more members.
      const lines = ["group.consumer.migration.policy=disabled", "group.consumer.assignment.interval.ms=0"];
      writeFileSync(extra, [...lines, "group.initial.rebalance.delay.ms=0"].join("\n"));
      const peers = await Peers.prepare(script, { BROKER_EXTRA: extra });
      try {
        await peers.startKafka();
        const client = await BrokerClient.connect(Number(peers.bootstrap.split(":")[1]));
        const answers = await new ConsumerProtocolStory(client, GROUP).run();
        const records = await recordsOf(client, GROUP);
        client.close();
        expect(answers).toEqual(KAFKA_ANSWERS);
        // Each record of a consumer group is read; those of these kinds are what the bundled broker would write. Others have tagged
        // fields that it has no use for.
        const kinds = new Set<string>();
        for (const { key, value } of records) {
          if (!CONSUMER_KEYS.has(key.readInt16BE(0))) continue;
          const record = decodeGroupRecord(key, value);
          expect(record, key.toString("hex")).toBeDefined();
          kinds.add(record!.kind);
          const again = encodeGroupRecord(record!);
          if (["member", "target", "current", "regex"].includes(record!.kind)) expect(again).toEqual({ key, value });
        }
        expect([...kinds].sort()).toEqual([...["current", "group-epoch", "member", "regex", "target", "target-epoch"]]);
      } finally {
        await peers.stop();
        rmSync(folder, { recursive: true, force: true });
      }
    },
    TIMEOUT_MS,
  );
});

describe.skipIf(missing)("Java's consumers with group.protocol=consumer on the bundled broker", () => {
  let broker: TestBroker;
  let peers: Peers;
  const consumers: VerifiableConsumer[] = [];
  beforeAll(async () => {
    broker = await startTestBroker({
      properties: { "group.consumer.session.timeout.ms": "6000", "group.consumer.heartbeat.interval.ms": "500" },
    });
    peers = await Peers.prepare(script, { PEER_BOOTSTRAP: broker.bootstrap });
  });
  afterEach(() => {
    for (const consumer of consumers.splice(0)) consumer.kill("SIGKILL");
  });
  afterAll(async () => {
    await peers?.stop();
    await broker?.close();
  });

  const server = () => ["--bootstrap-server", broker.bootstrap];
  const createTopic = (topic: string, partitions: number) =>
    peers.tool("org.apache.kafka.tools.TopicCommand", [
      ...[...server(), "--create", "--topic", topic, "--partitions", String(partitions)],
    ]);
  const produce = (topic: string, lines: readonly string[]) =>
    peers.tool("org.apache.kafka.tools.ConsoleProducer", [...server(), "--topic", topic], `${lines.join("\n")}\n`);
  const groups = (...args: string[]) =>
    peers.tool("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", [...server(), ...args]);
  const consume = (topic: string[], count: number, group: string) =>
    peers.tool("org.apache.kafka.tools.consumer.ConsoleConsumer", [
      ...[...server(), ...topic, "--from-beginning", "--max-messages", String(count), "--timeout-ms", "60000"],
      ...["--group", group, "--command-property", "group.protocol=consumer"],
    ]);
  const start = (group: string, topic: string) => {
    const { bootstrap } = broker;
    const { environment } = peers;
    const consumer = new VerifiableConsumer({ script, environment, bootstrap, group, topic, protocol: "consumer" });
    consumers.push(consumer);
    return consumer;
  };

  test(
    "the console consumer reads, commits and goes on, by names and by an expression",
    async () => {
      await createTopic("lines", 3);
      const lines = Array.from({ length: 200 }, (_, at) => `line ${at}`);
      await produce("lines", lines);
      const first = await consume(["--topic", "lines"], 120, "console");
      const rest = await consume(["--topic", "lines"], 80, "console");
      expect([...first.trim().split("\n"), ...rest.trim().split("\n")].sort()).toEqual([...lines].sort());
      const matched = await consume(["--include", "lin.s|none"], 200, "matching");
      expect(matched.trim().split("\n").sort()).toEqual([...lines].sort());
      expect(await groups("--list", "--type")).toMatch(/console\s+Consumer/i);
      const described = await groups("--describe", "--group", "console");
      expect(described.match(/console\s+lines\s+\d\s+\d+\s+\d+\s+0\s/g)).toHaveLength(3);
      expect(await groups("--delete", "--group", "console")).toContain("successful");
    },
    TIMEOUT_MS,
  );

  test(
    "kafka-configs sets and shows the session of a group",
    async () => {
      const configs = (...args: string[]) =>
        peers.tool("kafka.admin.ConfigCommand", [
          ...server(),
          "--entity-type",
          "groups",
          "--entity-name",
          "g",
          ...args,
        ]);
      await configs("--alter", "--add-config", "consumer.session.timeout.ms=50000");
      const described = await configs("--describe");
      expect(described).toMatch(/consumer\.session\.timeout\.ms=50000 .*DYNAMIC_GROUP_CONFIG/);
      const all = await configs("--describe", "--all");
      expect(all).toMatch(/consumer\.heartbeat\.interval\.ms=500 .*STATIC_BROKER_CONFIG/);
      await configs("--alter", "--delete-config", "consumer.session.timeout.ms");
      expect(await configs("--describe")).not.toContain("50000");
      const refused = configs("--alter", "--add-config", "consumer.session.timeout.ms=5");
      await expect(refused).rejects.toThrow("group.consumer.min.session.timeout.ms");
    },
    TIMEOUT_MS,
  );

  test(
    "two share a topic, follow its growth, and one takes over what a killed one had",
    async () => {
      await createTopic("shared", 4);
      const one = start("pair", "shared");
      await one.until(() => one.partitions.size === 4);
      const two = start("pair", "shared");
      await Promise.all([one.until(() => one.partitions.size === 2), two.until(() => two.partitions.size === 2)]);
      expect([...one.partitions, ...two.partitions].sort()).toEqual([0, 1, 2, 3]);
      const members = await groups("--describe", "--group", "pair", "--members", "--verbose");
      expect(members.match(/pair\s+\S+\s.*shared/g)).toHaveLength(2);
      expect(await groups("--describe", "--group", "pair", "--state")).toMatch(/uniform\s+Stable.*\s2/);
      const topics = [...server(), "--alter", "--topic", "shared", "--partitions", "6"];
      await peers.tool("org.apache.kafka.tools.TopicCommand", topics);
      await Promise.all([one.until(() => one.partitions.size === 3), two.until(() => two.partitions.size === 3)]);
      await produce(
        "shared",
        Array.from({ length: 300 }, (_, at) => `${at}`),
      );
      const isRead = () => one.consumed.length + two.consumed.length >= 300;
      await Promise.race([one.until(isRead), two.until(isRead)]);
      one.kill("SIGKILL");
      await two.until(() => two.partitions.size === 6);
      two.kill("SIGTERM");
    },
    TIMEOUT_MS,
  );
});
