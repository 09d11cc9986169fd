import { describe, expect, test } from "vitest";
import { SimClock } from "../../../src/base/clock.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SeededRandom } from "../../../src/base/random.js";
import type { KafkaAdmin, NewTopic, TopicResult } from "../../../src/kafka/client/kafka-admin.js";
import { ensureInternalTopics, type InternalTopic } from "../../../src/stores/internal-topic.js";

const topic: InternalTopic = {
  name: "offsets",
  partitions: 25,
  replicationFactor: 3,
  configs: { "min.insync.replicas": "2", "cleanup.policy": "delete" },
  property: "offset.storage.topic",
  replicationProperty: "offset.storage.replication.factor",
  purpose: "source connector offsets",
};

/** A cluster with `existing` topics, where creations end with `outcomes`, one after the other. */
function cluster(
  existing: Record<string, { partitions: number; policy: string | null }>,
  outcomes: (string | undefined)[] = [],
) {
  const created: NewTopic[] = [];
  const admin = {
    async describeTopics(names: readonly string[]) {
      const known = names.filter((name) => existing[name]);
      return {
        topics: new Map(
          known.map((name) => [name, { partitions: Array.from({ length: existing[name]!.partitions }) }]),
        ),
        missing: names.filter((name) => !existing[name]),
      };
    },
    async createTopics(topics: readonly NewTopic[]) {
      created.push(...topics);
      return topics.map(({ name }): TopicResult => {
        const codeName = outcomes.shift();
        return codeName ? { name, error: Object.assign(new Error(codeName), { codeName }) as never } : { name };
      });
    },
    async describeTopicConfigs(name: string) {
      const policy = existing[name]?.policy ?? "compact";
      if (policy === "secret") throw Object.assign(new Error("no"), { codeName: "TOPIC_AUTHORIZATION_FAILED" });
      return new Map([["cleanup.policy", { name: "cleanup.policy", value: policy }]]);
    },
  } as unknown as KafkaAdmin;
  return { admin, created };
}

async function ensure(admin: KafkaAdmin, one = topic, advanceMs = 0): Promise<void> {
  const clock = new SimClock();
  const done = ensureInternalTopics(
    [one],
    { admin, clock, random: new SeededRandom(1), logger: silentLogger },
    new AbortController().signal,
  );
  const outcome = done.then(
    () => undefined,
    (error: unknown) => error,
  );
  await clock.advance(advanceMs);
  const error = await outcome;
  if (error) throw error;
}

describe("an internal topic", () => {
  test("is created compacted, regardless of the worker's properties", async () => {
    const { admin, created } = cluster({});
    await ensure(admin);
    expect(created).toEqual([
      {
        name: "offsets",
        partitions: 25,
        replicationFactor: 3,
        configs: { "min.insync.replicas": "2", "cleanup.policy": "compact" },
      },
    ]);
  });

  test("is left unchanged when it exists and is compacted", async () => {
    const { admin, created } = cluster({ offsets: { partitions: 1, policy: "compact" } });
    await ensure(admin);
    expect(created).toEqual([]);
  });

  test.each(["delete", "compact,delete"])("with cleanup.policy=%s is refused, with the remedy", async (policy) => {
    const { admin } = cluster({ offsets: { partitions: 25, policy } });
    await expect(ensure(admin)).rejects.toMatchObject({
      name: "ConfigError",
      key: "offset.storage.topic",
      message: expect.stringMatching(/Topic 'offsets'.*'offset.storage.topic'.*cleanup.policy=compact/s),
    });
  });

  test("whose policy may not be read is assumed to be compacted", async () => {
    await ensure(cluster({ offsets: { partitions: 25, policy: "secret" } }).admin);
  });

  test("of configs has one partition", async () => {
    const one = { ...topic, name: "configs", partitions: 1, property: "config.storage.topic" };
    await expect(ensure(cluster({ configs: { partitions: 2, policy: "compact" } }).admin, one)).rejects.toMatchObject({
      key: "config.storage.topic",
      message: expect.stringContaining("found 2 partitions"),
    });
  });

  test("that another worker creates meanwhile is checked like an existing one", async () => {
    const { admin } = cluster({}, ["TOPIC_ALREADY_EXISTS"]);
    await ensure(admin);
  });

  test("is retried while brokers are missing", async () => {
    const { admin, created } = cluster({}, ["INVALID_REPLICATION_FACTOR", "REQUEST_TIMED_OUT", undefined]);
    await ensure(admin, topic, 10_000);
    expect(created).toHaveLength(3);
  });

  test("that cannot be created for too few brokers names the property to lower", async () => {
    const { admin } = cluster(
      {},
      Array.from({ length: 200 }, () => "INVALID_REPLICATION_FACTOR"),
    );
    await expect(ensure(admin, topic, 70_000)).rejects.toMatchObject({
      code: "STORE_UNREADABLE",
      message: expect.stringContaining("set offset.storage.replication.factor (now 3)"),
    });
  });
});
