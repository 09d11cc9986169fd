import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Deferred, deferred } from "../../src/base/deferred.js";
import { decodeGroupRecord, encodeGroupRecord } from "../../src/broker/groups/group-records.js";
import { partitionOfId } from "../../src/broker/internal-topics/coordinator-log.js";
import { fetch } from "../../src/protocol/apis/fetch.js";
import { metadata } from "../../src/protocol/apis/metadata.js";
import { nextOffsetOf, walkBatches } from "../../src/protocol/records/record-batch.js";
import { readRecords } from "../../src/protocol/records/record-batch-reader.js";
import { startTestBroker, type TestBroker } from "../support/broker.js";
import { BrokerClient } from "../support/broker-client.js";
import { ConsumerProtocolStory, KAFKA_ANSWERS } from "../support/consumer-protocol-story.js";
import { findPeers, Peers } from "./peers.js";

const { script, missing } = findPeers();
const TIMEOUT_MS = 300_000;
const GROUP = "story";
/** The versions of the keys of a consumer group's records. */
const CONSUMER_KEYS: ReadonlySet<number> = new Set([3, 5, 6, 7, 8, 16]);

/** All records of the group's partition of `__consumer_offsets`. */
async function recordsOf(client: BrokerClient): Promise<{ key: Buffer; value: Buffer | null }[]> {
  const asked = { topics: [{ name: "__consumer_offsets" }], allowAutoTopicCreation: false };
  const { topics: described } = await client.request(metadata, 9, asked);
  const partition = partitionOfId(GROUP, described[0]!.partitions.length);
  const found: { key: Buffer; value: Buffer | null }[] = [];
  for (let fetchOffset = 0; ; ) {
    const partitions = [{ partition, fetchOffset, partitionMaxBytes: 1_000_000 }];
    const topics = [{ topic: "__consumer_offsets", partitions }];
    const limits = { maxWaitMs: 0, minBytes: 0, maxBytes: 1_000_000, isolationLevel: 0 };
    const { responses } = await client.request(fetch, 12, { ...limits, topics });
    const { records, highWatermark } = responses[0]!.partitions[0]!;
    for (const batch of walkBatches(records ?? Buffer.alloc(0))) {
      for (const { key, value } of readRecords(batch.bytes)) found.push({ key: key!, value });
      fetchOffset = nextOffsetOf(batch.header);
    }
    if (fetchOffset >= highWatermark) return found;
  }
}

describe.skipIf(missing)("the consumer protocol", () => {
  test(
    "is on Apache Kafka what the cluster ring expects of the bundled broker",
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "millrace-consumers-"));
      const extra = join(folder, "kafka.properties");
      // What the bundled broker does not have: members of both protocols in one group, targets that wait for more members.
      const lines = ["group.consumer.migration.policy=disabled", "group.consumer.assignment.interval.ms=0"];
      writeFileSync(extra, [...lines, "group.initial.rebalance.delay.ms=0"].join("\n"));
      const peers = await Peers.prepare(script, { BROKER_EXTRA: extra });
      try {
        await peers.startKafka();
        const client = await BrokerClient.connect(Number(peers.bootstrap.split(":")[1]));
        const answers = await new ConsumerProtocolStory(client, GROUP).run();
        const records = await recordsOf(client);
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
          if (["target", "current", "regex"].includes(record!.kind)) expect(again).toEqual({ key, value });
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

/** Java's verifiable consumer, as a process of its own. */
class VerifiableConsumer {
  readonly partitions = new Set<number>();
  consumed = 0;
  readonly #child: ChildProcess;
  #waits: { readonly isDone: () => boolean; readonly done: Deferred<void> }[] = [];

  constructor(peers: Peers, bootstrap: string, group: string, topic: string) {
    const args = ["--bootstrap-server", bootstrap, "--group-id", group, "--topic", topic, "--reset-policy", "earliest"];
    this.#child = spawn(
      script,
      ["tool", "org.apache.kafka.tools.VerifiableConsumer", ...args, "--group-protocol", "consumer"],
      {
        env: peers.environment,
        detached: true,
        stdio: ["ignore", "pipe", "ignore"],
      },
    );
    createInterface({ input: this.#child.stdout! }).on("line", (line) => {
      if (line.startsWith("{")) this.#take(JSON.parse(line) as VerifiableEvent);
    });
  }

  /** Resolves once `isDone` holds after an event. */
  async until(isDone: () => boolean): Promise<void> {
    if (isDone()) return;
    const done = deferred();
    this.#waits.push({ isDone, done });
    await done.promise;
  }

  kill(signal: "SIGKILL" | "SIGTERM"): void {
    // The starter's shell and Java are one group of processes.
    if (this.#child.exitCode === null && this.#child.signalCode === null) process.kill(-this.#child.pid!, signal);
  }

  #take(event: VerifiableEvent): void {
    const numbers = event.partitions?.map(({ partition }) => partition) ?? [];
    if (event.name === "partitions_assigned") for (const each of numbers) this.partitions.add(each);
    if (event.name === "partitions_revoked") for (const each of numbers) this.partitions.delete(each);
    if (event.name === "records_consumed") this.consumed += event.count ?? 0;
    for (const { isDone, done } of this.#waits) if (isDone()) done.resolve();
    this.#waits = this.#waits.filter(({ isDone }) => !isDone());
  }
}

interface VerifiableEvent {
  readonly name: string;
  readonly count?: number;
  readonly partitions?: readonly { readonly partition: number }[];
}

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
    const consumer = new VerifiableConsumer(peers, broker.bootstrap, group, topic);
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
      const isRead = () => one.consumed + two.consumed >= 300;
      await Promise.race([one.until(isRead), two.until(isRead)]);
      one.kill("SIGKILL");
      await two.until(() => two.partitions.size === 6);
      two.kill("SIGTERM");
    },
    TIMEOUT_MS,
  );
});
