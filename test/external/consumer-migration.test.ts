import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { decodeGroupRecord, encodeGroupRecord } from "../../src/broker/groups/group-records.js";
import { startTestBroker, type TestBroker } from "../support/broker.js";
import { BrokerClient } from "../support/broker-client.js";
import { KAFKA_MIGRATION_ANSWERS, tellMigration, tellPolicy } from "../support/migration-story.js";
import { recordsOf } from "./group-records.js";
import { findPeers, Peers } from "./peers.js";
import { type RecordId, VerifiableConsumer } from "./verifiable-consumer.js";

const { script, missing } = findPeers();
const TIMEOUT_MS = 300_000;

/** Runs a story on Apache Kafka with a policy of migration. */
async function onKafka<T>(policy: string, tell: (client: BrokerClient, port: number) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "millrace-migration-"));
  const extra = join(folder, "kafka.properties");
  const lines = [`group.consumer.migration.policy=${policy}`, "group.consumer.assignment.interval.ms=0"];
  writeFileSync(extra, lines.join("\n"));
  const peers = await Peers.prepare(script, { BROKER_EXTRA: extra });
  try {
    await peers.startKafka();
    const port = Number(peers.bootstrap.split(":")[1]);
    const client = await BrokerClient.connect(port);
    const told = await tell(client, port);
    client.close();
    return told;
  } finally {
    await peers.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

describe.skipIf(missing)("the migration of groups", () => {
  test(
    "is on Apache Kafka what the cluster ring expects of the bundled broker",
    async () => {
      const told = await onKafka("bidirectional", async (client, port) => {
        const other = await BrokerClient.connect(port);
        const answers = await tellMigration(client, other);
        other.close();
        return { answers, records: await recordsOf(client, "story") };
      });
      expect(told.answers).toEqual(KAFKA_MIGRATION_ANSWERS.bidirectional);
      // What Apache Kafka keeps of a classic member is what the bundled broker would write.
      const members = told.records.flatMap(({ key, value }) => {
        const record = decodeGroupRecord(key, value);
        return record?.kind === "member" && record.value?.classic ? [{ record, key, value }] : [];
      });
      expect(members.length).toBeGreaterThan(0);
      for (const { record, key, value } of members) expect(encodeGroupRecord(record)).toEqual({ key, value });
    },
    TIMEOUT_MS,
  );

  test.each(["upgrade", "downgrade"] as const)(
    "is with the policy %s on Apache Kafka what the cluster ring expects",
    async (policy) => {
      expect(await onKafka(policy, (client) => tellPolicy(client))).toEqual(KAFKA_MIGRATION_ANSWERS[policy]);
    },
    TIMEOUT_MS,
  );
});

describe.skipIf(missing)(
  "Java's consumers that change their protocol one after the other, on the bundled broker",
  () => {
    const RECORDS = 6000;
    let broker: TestBroker;
    let peers: Peers;
    const consumers: VerifiableConsumer[] = [];
    beforeAll(async () => {
      broker = await startTestBroker({
        properties: {
          "group.consumer.heartbeat.interval.ms": "500",
          "group.consumer.min.heartbeat.interval.ms": "500",
        },
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
    const start = (protocol: "classic" | "consumer") => {
      const { environment } = peers;
      const { bootstrap } = broker;
      const options = { script, environment, bootstrap, group: "rolling", topic: "rolled", protocol };
      const consumer = new VerifiableConsumer(options);
      consumers.push(consumer);
      return consumer;
    };
    const share = (...of: VerifiableConsumer[]) =>
      Promise.all(of.map((each) => each.until(() => each.partitions.size === 4 / of.length)));
    const types = () =>
      peers.tool("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", [...server(), "--list", "--type"]);

    test(
      "get each record, and none again that was committed",
      async () => {
        const topic = [...server(), "--create", "--topic", "rolled", "--partitions", "4"];
        await peers.tool("org.apache.kafka.tools.TopicCommand", topic);
        let one = start("classic");
        let two = start("classic");
        await share(one, two);
        const producing = peers.tool("org.apache.kafka.tools.VerifiableProducer", [
          ...[...server(), "--topic", "rolled", "--max-messages", String(RECORDS), "--throughput", "100"],
        ]);
        for (const [protocol, shown] of [
          ["consumer", "Consumer"],
          ["classic", "Classic"],
        ] as const) {
          await one.stop();
          await share(two);
          one = start(protocol);
          await share(one, two);
          await two.stop();
          await share(one);
          two = start(protocol);
          await share(one, two);
          expect(await types()).toMatch(new RegExp(`rolling\\s+${shown}`, "i"));
        }
        await producing;
        const got = () => new Set(consumers.flatMap(({ consumed }) => consumed)).size;
        await Promise.race([one, two].map((each) => each.until(() => got() === RECORDS)));
        await Promise.all([one.stop(), two.stop()]);
        expect(got()).toBe(RECORDS);
        expect(repeated(consumers.flatMap(({ committed }) => committed))).toEqual([]);
      },
      TIMEOUT_MS,
    );
  },
);

function repeated(records: readonly RecordId[]): RecordId[] {
  const seen = new Set<RecordId>();
  return records.filter((each) => seen.size === seen.add(each).size);
}
