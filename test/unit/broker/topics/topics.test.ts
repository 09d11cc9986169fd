import { describe, expect, test } from "vitest";
import { BrokerProperties, BrokerPropertyError } from "../../../../src/broker/broker-properties.js";
import { judgeMorePartitions, judgeNewTopic, type NewTopicRequest } from "../../../../src/broker/topics/judge-topic.js";
import {
  judgeTopicConfig,
  logConfigOf,
  planConfigChanges,
  topicConfigSources,
} from "../../../../src/broker/topics/topic-config.js";
import { topicNameFault } from "../../../../src/protocol/topic-name.js";

const defaults = new BrokerProperties({});

function judge(request: Partial<NewTopicRequest>, properties = defaults) {
  const full = { name: "new", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [], ...request };
  return judgeNewTopic(full, { existing: new Set(["there", "co.ll"]), nodeId: 1, properties });
}

describe("a new topic", () => {
  test.each([
    ["an existing name, whatever else is wrong", { name: "there", numPartitions: 0 }, "TOPIC_ALREADY_EXISTS"],
    ["a name that collides", { name: "co_ll" }, "INVALID_TOPIC_EXCEPTION"],
    ["a bad name", { name: "a b" }, "INVALID_TOPIC_EXCEPTION"],
    ["no partitions", { numPartitions: 0 }, "INVALID_PARTITIONS"],
    ["no replicas", { replicationFactor: 0 }, "INVALID_REPLICATION_FACTOR"],
    ["an unknown setting", { configs: [{ name: "nonsense", value: "1" }] }, "INVALID_CONFIG"],
    ["a setting of the object prototype", { configs: [{ name: "constructor", value: "1" }] }, "INVALID_CONFIG"],
    ["a null setting", { configs: [{ name: "retention.ms", value: null }] }, "INVALID_CONFIG"],
    ["a segment that is too small", { configs: [{ name: "segment.bytes", value: "14" }] }, "INVALID_CONFIG"],
    ["an assignment and a count", { assignments: [{ partitionIndex: 0, brokerIds: [1] }] }, "INVALID_REQUEST"],
    [
      "an assignment to another broker",
      { numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [2] }] },
      "INVALID_REPLICA_ASSIGNMENT",
    ],
    [
      "an assignment with a gap",
      { numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 1, brokerIds: [1] }] },
      "INVALID_REPLICA_ASSIGNMENT",
    ],
  ])("with %s is refused", (_, request, error) => {
    expect(judge(request)).toMatchObject({ kind: "refused", error });
  });

  test("takes the broker's defaults for -1", () => {
    const properties = new BrokerProperties({ "num.partitions": "4" });
    expect(judge({ numPartitions: -1, replicationFactor: -1 }, properties)).toMatchObject({
      kind: "create",
      partitions: 4,
      replicationFactor: 1,
    });
  });

  test("has no more partitions than a request may ask for, the broker's default included", () => {
    const properties = new BrokerProperties({ "num.partitions": "10001" });
    expect(judge({ numPartitions: -1 }, properties)).toMatchObject({ error: "POLICY_VIOLATION" });
    expect(judge({ numPartitions: 10_000 }, properties)).toMatchObject({ kind: "create", partitions: 10_000 });
  });

  test("may ask for three replicas on one node, unless replication is strict", () => {
    expect(judge({ replicationFactor: 3 })).toMatchObject({ kind: "create", replicationFactor: 3 });
    const strict = new BrokerProperties({ "millrace.lenient.replication": "false" });
    const refusal = judge({ replicationFactor: 3 }, strict);
    expect(refusal).toMatchObject({ error: "INVALID_REPLICATION_FACTOR" });
    expect("message" in refusal && refusal.message).toContain("Unable to replicate the partition 3 time(s)");
  });

  test("only grows", () => {
    expect(judgeMorePartitions("t", 12, 3, null, 1)).toMatchObject({
      error: "INVALID_PARTITIONS",
      message: "The topic t currently has 12 partition(s); 3 would not be an increase.",
    });
    expect(judgeMorePartitions("t", 1, 3, null, 1)).toBeUndefined();
    expect(judgeMorePartitions("t", 1, 3, [{ brokerIds: [1] }], 1)).toMatchObject({
      error: "INVALID_REPLICA_ASSIGNMENT",
    });
  });

  test("has a name of at most 249 ordinary characters", () => {
    expect(topicNameFault("a".repeat(249))).toBeUndefined();
    for (const name of ["", ".", "..", "a".repeat(250), "ä", "a/b"]) expect(topicNameFault(name)).toBeDefined();
  });
});

describe("a topic's settings", () => {
  test("come from the topic, then from the broker in its finest unit, then from the defaults", () => {
    const properties = new BrokerProperties({ "log.retention.hours": "2", "log.segment.bytes": "2000000" });
    expect(logConfigOf({}, properties)).toMatchObject({ retentionMs: 7_200_000, segmentBytes: 2_000_000 });
    expect(logConfigOf({ "retention.ms": "5" }, properties).retentionMs).toBe(5);
    const finer = new BrokerProperties({ "log.retention.hours": "2", "log.retention.ms": "9" });
    expect(logConfigOf({}, finer).retentionMs).toBe(9);
    const changed = new BrokerProperties({});
    changed.setDynamic({ "log.retention.ms": "3" }, { "log.retention.ms": "4" });
    expect(topicConfigSources("retention.ms", {}, changed).map(({ value, source }) => [value, source])).toEqual([
      ["3", 2],
      ["604800000", 5],
    ]);
  });

  test.each([
    [{ "segment.bytes": "14" }, "Invalid value 14 for configuration segment.bytes: Value must be at least 1048576"],
    [{ "retention.ms": "x" }, "Invalid value x for configuration retention.ms: Not a number of type LONG"],
    [{ "max.message.bytes": "3000000000" }, "Not a number of type INT"],
    [{ "cleanup.policy": "compact,shred" }, "String must be one of: compact, delete"],
    [{ preallocate: "maybe" }, "true or false"],
    [{ "min.compaction.lag.ms": "10", "max.compaction.lag.ms": "5" }, "min.compaction.lag.ms"],
  ])("like %o are refused", (configs, message) => {
    expect(judgeTopicConfig(configs as Record<string, string>, defaults)).toContain(message);
  });

  test("are changed one by one; lists are appended to and subtracted from on what is in force", () => {
    const plan = (changes: Parameters<typeof planConfigChanges>[1], own = {}) =>
      planConfigChanges(
        own,
        changes,
        (name) => name === "cleanup.policy",
        () => "delete",
      );
    const append = { name: "cleanup.policy", operation: 2, value: "compact,delete" };
    expect(plan([append])).toEqual({ kind: "changed", overrides: { "cleanup.policy": "delete,compact" } });
    const subtract = { name: "cleanup.policy", operation: 3, value: "delete" };
    expect(plan([subtract], { "cleanup.policy": "delete,compact" })).toMatchObject({
      overrides: { "cleanup.policy": "compact" },
    });
    expect(plan([{ name: "retention.ms", operation: 1, value: null }], { "retention.ms": "1" })).toEqual({
      kind: "changed",
      overrides: {},
    });
    expect(plan([{ name: "retention.ms", operation: 2, value: "1" }]).kind).toBe("invalid-config");
    expect(plan([{ name: "retention.ms", operation: 0, value: null }]).kind).toBe("invalid-request");
    expect(plan([append, append]).kind).toBe("invalid-request");
  });

  test("are changed at once also where a list is very long", () => {
    const list = (from: number) => Array.from({ length: 300_000 }, (_, at) => `each-${from + at}`).join(",");
    const plan = planConfigChanges(
      {},
      [{ name: "list", operation: 3, value: list(1_000_000) }],
      () => true,
      () => list(0),
    );
    expect(plan).toEqual({ kind: "changed", overrides: { list: list(0) } });
  });
});

test("a broker property of the wrong type is refused by name", () => {
  expect(() => new BrokerProperties({ "num.partitions": "many" })).toThrow(BrokerPropertyError);
  expect(() => new BrokerProperties({ "auto.create.topics.enable": "yes" })).toThrow(/auto.create.topics.enable/);
  expect(new BrokerProperties({ "made.up": "1" }).unknown).toEqual(["made.up"]);
});
