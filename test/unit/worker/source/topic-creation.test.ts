import { describe, expect, test } from "vitest";
import { ConfigError } from "../../../../src/api/index.js";
import { parseSinkTopics } from "../../../../src/worker/sink/sink-topics.js";
import { checkSourceTopics, parseTopicCreation, planTopic } from "../../../../src/worker/source/topic-creation.js";

const DEFAULTS = { "topic.creation.default.partitions": "1", "topic.creation.default.replication.factor": "-1" };

describe("topic.creation.* (KIP-158)", () => {
  test("absent keys, or a worker that forbids it, leave topics to the broker", () => {
    expect(parseTopicCreation({}, { topic: "x" })).toBeUndefined();
    expect(parseTopicCreation({ "topic.creation.enable": "false" }, DEFAULTS)).toBeUndefined();
  });

  test("the first group that includes and does not exclude a topic applies; its missing settings are the default group's", () => {
    const creation = parseTopicCreation(
      {},
      {
        ...DEFAULTS,
        "topic.creation.default.cleanup.policy": "delete",
        "topic.creation.groups": "big, compacted",
        "topic.creation.big.include": "orders.*,items",
        "topic.creation.big.exclude": ".*_tmp",
        "topic.creation.big.partitions": "12",
        "topic.creation.compacted.include": "orders.*",
        "topic.creation.compacted.cleanup.policy": "compact",
      },
    )!;
    expect(planTopic(creation, "orders")).toEqual({
      name: "orders",
      partitions: 12,
      replicationFactor: -1,
      configs: {},
    });
    expect(planTopic(creation, "orders_tmp")).toEqual({
      name: "orders_tmp",
      partitions: 1,
      replicationFactor: -1,
      configs: { "cleanup.policy": "compact" },
    });
    expect(planTopic(creation, "my-items").configs).toEqual({ "cleanup.policy": "delete" });
  });

  test.each([
    [{ "topic.creation.default.partitions": "1" }, "topic.creation.default.replication.factor"],
    [{ ...DEFAULTS, "topic.creation.default.partitions": "0" }, "topic.creation.default.partitions"],
    [{ ...DEFAULTS, "topic.creation.groups": "g", "topic.creation.g.include": "[" }, "topic.creation.g.include"],
  ])("%j is refused naming %s", (props, key) => {
    expect(() => parseTopicCreation({}, props)).toThrow(expect.objectContaining({ key }) as ConfigError);
    expect(() => checkSourceTopics({}, props)).toThrow(expect.objectContaining({ key }) as ConfigError);
  });

  test("a source with an offsets topic of an illegal name must not start", () => {
    const check = (name: string) => checkSourceTopics({}, { ...DEFAULTS, "offsets.storage.topic": name });
    expect(() => check("a b")).toThrow(expect.objectContaining({ key: "offsets.storage.topic" }) as ConfigError);
    expect(() => check(" own ")).not.toThrow();
  });
});

describe("the topics of a sink", () => {
  test("are names or a pattern, but not both", () => {
    expect(parseSinkTopics({ topics: "a, b,," })).toEqual(["a", "b"]);
    expect((parseSinkTopics({ "topics.regex": "shop\\..*" }) as RegExp).test("shop.orders")).toBe(true);
    expect(() => parseSinkTopics({ topics: "a", "topics.regex": "b" })).toThrow("mutually exclusive");
    expect(() => parseSinkTopics({})).toThrow(ConfigError);
    expect(() => parseSinkTopics({ topics: "a,b c" })).toThrow("Invalid value b c for configuration topics");
  });

  test("a pattern is Java's", () => {
    const topics = (source: string) => parseSinkTopics({ "topics.regex": source }) as RegExp;
    expect([topics("\\Qshop.a\\E").test("shop.a"), topics("\\Qshop.a\\E").test("shopxa")]).toEqual([true, false]);
    expect(() => topics("\\p{javaLowerCase}")).toThrow(expect.objectContaining({ key: "topics.regex" }) as ConfigError);
  });
});
