import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeClientQuotas } from "../../src/protocol/apis/describe-client-quotas.js";
import { startTestBroker, type TestBroker } from "../support/broker.js";
import { BrokerClient } from "../support/broker-client.js";
import { KAFKA_QUOTA_ANSWERS, quotaStory } from "../support/quota-story.js";
import { findPeers, Peers } from "./peers.js";

const { script, missing } = findPeers();
const TIMEOUT_MS = 300_000;

/** Resolves once Kafka's broker has read what its controller has written. */
async function isThere(client: BrokerClient, user: string | null): Promise<void> {
  const components = [{ entityType: "user", matchType: user === null ? 1 : 0, match: user }];
  for (;;) {
    const { entries } = await client.request(describeClientQuotas, 1, { components, strict: true });
    if (entries?.length) return;
  }
}

describe.skipIf(missing)("client quotas", () => {
  let peers: Peers;
  let broker: TestBroker;
  beforeAll(async () => {
    peers = await Peers.prepare(script);
    broker = await startTestBroker();
  }, TIMEOUT_MS);
  afterAll(async () => {
    await broker?.close();
    await peers?.stop();
  });

  test("are on Apache Kafka what the cluster ring expects of the bundled broker", { timeout: TIMEOUT_MS }, async () => {
    await peers.startKafka();
    const client = await BrokerClient.connect(Number(peers.bootstrap.split(":")[1]));
    // The last alteration of the story.
    expect(await quotaStory(client, () => isThere(client, null))).toEqual(KAFKA_QUOTA_ANSWERS);
    client.close();
  });

  test("are set, shown, and kept to with the stock tools on the bundled broker", { timeout: TIMEOUT_MS }, async () => {
    const server = ["--bootstrap-server", broker.bootstrap];
    const configs = (...args: string[]) => peers.tool("kafka.admin.ConfigCommand", [...server, ...args]);
    const alter = (...args: string[]) => configs("--alter", ...args);
    await alter("--entity-type", "users", "--entity-name", "ann", "--add-config", "producer_byte_rate=1000");
    await alter("--entity-type", "users", "--entity-default", "--add-config", "consumer_byte_rate=9000000");
    const both = ["--entity-type", "users", "--entity-name", "ann", "--entity-type", "clients", "--entity-name", "c"];
    await alter(...both, "--add-config", "consumer_byte_rate=2000");
    await alter("--entity-type", "clients", "--entity-name", "perf", "--add-config", "producer_byte_rate=50000");
    await alter("--entity-type", "ips", "--entity-name", "10.0.0.1", "--add-config", "connection_creation_rate=5");
    const users = await configs("--describe", "--entity-type", "users");
    expect(users).toContain("Quota configs for user-principal 'ann' are producer_byte_rate=1000.0");
    expect(users).toContain("Quota configs for the default user-principal are consumer_byte_rate=9000000.0");
    expect(await configs("--describe", ...both)).toContain("are consumer_byte_rate=2000.0");
    const ips = await configs("--describe", "--entity-type", "ips");
    expect(ips).toContain("Quota configs for ip '10.0.0.1' are connection_creation_rate=5.0");
    await alter("--entity-type", "users", "--entity-name", "ann", "--delete-config", "producer_byte_rate");
    expect(await configs("--describe", "--entity-type", "users")).not.toContain("producer_byte_rate");
    await alter("--entity-type", "users", "--entity-name", "ann", "--add-config", "request_percentage=0.5");
    expect(await configs("--describe", "--entity-type", "users")).toContain("'ann' are request_percentage=0.5");

    await alter("--entity-type", "groups", "--entity-name", "g1", "--add-config", "consumer.session.timeout.ms=50000");
    const groups = await configs("--describe", "--entity-type", "groups");
    expect(groups).toMatch(/Dynamic configs for group g1 are:\s+consumer.session.timeout.ms=50000/);

    const create = (name: string) => {
      const topic = ["--create", "--topic", name, "--partitions", "40"];
      return peers.tool("org.apache.kafka.tools.TopicCommand", [...server, ...topic]);
    };
    await alter("--entity-type", "users", "--entity-name", "ANONYMOUS", "--add-config", "controller_mutation_rate=0.1");
    await create("first");
    const stdout = expect.stringContaining("The throttling quota has been exceeded");
    await expect(create("second")).rejects.toMatchObject({ stdout });
    await alter("--entity-type", "users", "--entity-name", "ANONYMOUS", "--delete-config", "controller_mutation_rate");

    // 100 records of 10,000 bytes: twice what the quota allows in ten seconds.
    const size = ["--topic", "t", "--num-records", "100", "--record-size", "10000", "--throughput", "-1"];
    const producer = ["--producer-props", `bootstrap.servers=${broker.bootstrap}`, "client.id=perf"];
    const metrics = await peers.tool("org.apache.kafka.tools.ProducerPerformance", [
      ...size,
      ...producer,
      "--print-metrics",
    ]);
    const throttled = /producer-metrics:produce-throttle-time-max:\{client-id=perf\}\s*: ([\d.]+)/.exec(metrics);
    expect(Number(throttled?.[1])).toBeGreaterThan(1000);
  });
});
