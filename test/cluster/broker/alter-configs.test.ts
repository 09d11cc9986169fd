import { Kafka, logLevel } from "kafkajs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { alterConfigs } from "../../../src/protocol/apis/alter-configs.js";
import { createTopics } from "../../../src/protocol/apis/create-topics.js";
import { describeConfigs } from "../../../src/protocol/apis/describe-configs.js";
import { incrementalAlterConfigs } from "../../../src/protocol/apis/incremental-alter-configs.js";
import { metadata } from "../../../src/protocol/apis/metadata.js";
import { ErrorCodes } from "../../../src/protocol/error-codes.js";
import { startTestBroker, type TestBroker } from "../../support/broker.js";
import { BrokerClient } from "../../support/broker-client.js";

// Codes and texts are those of Apache Kafka 4.3.1, unless a case says otherwise.

const [TOPIC, BROKER] = [2, 4];
const [SET, DELETE, APPEND, SUBTRACT] = [0, 1, 2, 3];
type Setting = readonly [name: string, value: string | null];
type Change = readonly [name: string, operation: number, value: string | null];

let broker: TestBroker;
let client: BrokerClient;
beforeEach(async () => {
  broker = await startTestBroker();
  client = await BrokerClient.connect(broker.port);
  const topic = { name: "t", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
  await client.request(createTopics, 7, { topics: [topic], validateOnly: false });
});
afterEach(async () => {
  client.close();
  await broker.close();
});

async function replace(resourceType: number, resourceName: string, settings: readonly Setting[], validateOnly = false) {
  const configs = settings.map(([name, value]) => ({ name, value }));
  const resources = [{ resourceType, resourceName, configs }];
  const { responses } = await client.request(alterConfigs, 2, { resources, validateOnly });
  return [responses[0]!.errorCode, responses[0]!.errorMessage];
}

async function change(resourceType: number, resourceName: string, changes: readonly Change[]) {
  const configs = changes.map(([name, configOperation, value]) => ({ name, configOperation, value }));
  const resources = [{ resourceType, resourceName, configs }];
  const { responses } = await client.request(incrementalAlterConfigs, 1, { resources, validateOnly: false });
  return [responses[0]!.errorCode, responses[0]!.errorMessage];
}

/** A resource's own settings. */
async function settingsOf(resourceType: number, resourceName: string): Promise<Record<string, string | null>> {
  const resources = [{ resourceType, resourceName, configurationKeys: null }];
  const { results } = await client.request(describeConfigs, 4, { resources, includeSynonyms: false });
  const sources = resourceType === TOPIC ? [1] : [2, 3];
  const own = results[0]!.configs.filter(({ configSource }) => sources.includes(configSource));
  return Object.fromEntries(own.map(({ name, value }) => [name, value]));
}

const OK = [0, null];

describe("AlterConfigs", () => {
  test("replaces the settings of a topic: keys that are not named return to their defaults", async () => {
    expect(
      await replace(TOPIC, "t", [
        ["retention.ms", "60000"],
        ["segment.bytes", "2000000"],
      ]),
    ).toEqual(OK);
    expect(await settingsOf(TOPIC, "t")).toEqual({ "retention.ms": "60000", "segment.bytes": "2000000" });
    expect(await replace(TOPIC, "t", [["cleanup.policy", "compact"]])).toEqual(OK);
    expect(await settingsOf(TOPIC, "t")).toEqual({ "cleanup.policy": "compact" });
    await broker.restart("crash");
    client.close();
    client = await BrokerClient.connect(broker.port);
    expect(await settingsOf(TOPIC, "t")).toEqual({ "cleanup.policy": "compact" });
    expect(await replace(TOPIC, "t", [])).toEqual(OK);
    expect(await settingsOf(TOPIC, "t")).toEqual({});
  });

  test("replaces the settings of this broker and of all brokers", async () => {
    expect(await replace(BROKER, "1", [["log.retention.ms", "70000"]])).toEqual(OK);
    expect(await settingsOf(BROKER, "1")).toEqual({ "log.retention.ms": "70000" });
    expect(await replace(BROKER, "", [["message.max.bytes", "2000000"]])).toEqual(OK);
    expect(await settingsOf(BROKER, "")).toEqual({ "message.max.bytes": "2000000" });
    expect(await replace(BROKER, "1", [])).toEqual(OK);
    expect(await replace(BROKER, "", [])).toEqual(OK);
    expect(await settingsOf(BROKER, "1")).toEqual({});
  });

  test("does not let auto creation exceed the partitions that a request may create", async () => {
    expect(await replace(BROKER, "", [["num.partitions", "2000000000"]])).toEqual(OK);
    const { topics } = await client.request(metadata, 9, { topics: [{ name: "new" }], allowAutoTopicCreation: true });
    expect(topics).toMatchObject([{ errorCode: ErrorCodes.POLICY_VIOLATION, partitions: [] }]);
  });

  test("changes nothing with validateOnly", async () => {
    await replace(TOPIC, "t", [["retention.ms", "60000"]]);
    expect(await replace(TOPIC, "t", [["retention.ms", "1"]], true)).toEqual(OK);
    expect(await replace(TOPIC, "t", [["retention.ms", "x"]], true)).toEqual([40, expect.any(String)]);
    expect(await replace(BROKER, "", [["log.retention.ms", "1"]], true)).toEqual(OK);
    expect(await settingsOf(TOPIC, "t")).toEqual({ "retention.ms": "60000" });
    expect(await settingsOf(BROKER, "")).toEqual({});
  });

  const name =
    "Topic name is invalid: 'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'";
  const lags = "conflict topic config setting min.compaction.lag.ms (100) > max.compaction.lag.ms (10)";
  test.each<[number, string, Setting[], number, string | RegExp]>([
    [TOPIC, "t", [["nope", "1"]], 40, "Unknown topic config name: nope"],
    [TOPIC, "t", [["__proto__", "1"]], 40, "Unknown topic config name: __proto__"],
    [
      TOPIC,
      "t",
      [["retention.ms", "abc"]],
      40,
      "Invalid value abc for configuration retention.ms: Not a number of type LONG",
    ],
    [
      TOPIC,
      "t",
      [["segment.bytes", "14"]],
      40,
      "Invalid value 14 for configuration segment.bytes: Value must be at least 1048576",
    ],
    [
      TOPIC,
      "t",
      [["cleanup.policy", "shred"]],
      40,
      "Invalid value shred for configuration cleanup.policy: String must be one of: compact, delete",
    ],
    [
      TOPIC,
      "t",
      [["leader.replication.throttled.replicas", "abc"]],
      40,
      /must be the literal '\*' or a list of replicas/,
    ],
    [
      TOPIC,
      "t",
      [
        ["min.compaction.lag.ms", "100"],
        ["max.compaction.lag.ms", "10"],
      ],
      40,
      lags,
    ],
    [TOPIC, "t", [["retention.ms", null]], 42, "Null value not supported for : retention.ms"],
    [
      TOPIC,
      "t",
      [
        ["retention.ms", "1"],
        ["retention.ms", "2"],
      ],
      42,
      "Error due to duplicate config keys",
    ],
    [TOPIC, "no", [["retention.ms", "1"]], 3, "The topic 'no' does not exist."],
    [
      TOPIC,
      "no",
      [["retention.ms", "x"]],
      40,
      "Invalid value x for configuration retention.ms: Not a number of type LONG",
    ],
    [TOPIC, "a b", [["retention.ms", "1"]], 17, name],
    [TOPIC, "", [["retention.ms", "1"]], 42, "Default topic resources are not allowed."],
    [BROKER, "1", [["node.id", "3"]], 42, "Cannot update these configs dynamically: [node.id]"],
    [
      BROKER,
      "1",
      [["log.retention.ms", "x"]],
      42,
      "Invalid value x for configuration log.retention.ms: Not a number of type LONG",
    ],
    // Kafka accepts an unknown one, which has no effect.
    [BROKER, "1", [["nope", "3"]], 42, "Cannot update these configs dynamically: [nope]"],
    [BROKER, "1", [["log.retention.ms", null]], 42, "Null value not supported for : log.retention.ms"],
    [BROKER, "7", [["log.retention.ms", "1"]], 42, "Unexpected broker id, expected 1, but received 7"],
    [BROKER, "x", [["log.retention.ms", "1"]], 42, "Node id must be an integer, but it is: x"],
    [8, "1", [["org.apache", "INFO"]], 42, "Unknown resource type 8"],
  ])("refuses type %i, name '%s', %j with %i", async (type, resource, settings, code, message) => {
    await replace(TOPIC, "t", [["retention.bytes", "5"]]);
    const expected = typeof message === "string" ? message : expect.stringMatching(message);
    expect(await replace(type, resource, settings)).toEqual([code, expected]);
    expect(await settingsOf(TOPIC, "t")).toEqual({ "retention.bytes": "5" });
    expect(await settingsOf(BROKER, "1")).toEqual({});
  });

  test("refuses a resource that is named twice, and alters the others", async () => {
    const t = { resourceType: TOPIC, resourceName: "t", configs: [] };
    const other = { resourceType: BROKER, resourceName: "1", configs: [{ name: "log.retention.ms", value: "5" }] };
    const { responses } = await client.request(alterConfigs, 0, { resources: [t, other, t], validateOnly: false });
    expect(responses.map(({ errorCode }) => errorCode)).toEqual([42, 0, 42]);
    expect(responses[0]!.errorMessage).toBe("Each resource must appear at most once.");
  });

  test("is kafkajs's way of changing settings", async () => {
    const admin = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const configEntries = [{ name: "retention.ms", value: "60000" }];
    await admin.alterConfigs({ validateOnly: false, resources: [{ type: TOPIC, name: "t", configEntries }] });
    await admin.disconnect();
    expect(await settingsOf(TOPIC, "t")).toEqual({ "retention.ms": "60000" });
  });
});

describe("IncrementalAlterConfigs", () => {
  test("appends to and subtracts from the effective value of lists", async () => {
    expect(await change(TOPIC, "t", [["cleanup.policy", APPEND, "compact"]])).toEqual(OK);
    expect(await settingsOf(TOPIC, "t")).toEqual({ "cleanup.policy": "delete,compact" });
    expect(await change(TOPIC, "t", [["cleanup.policy", SUBTRACT, "delete"]])).toEqual(OK);
    expect(await settingsOf(TOPIC, "t")).toEqual({ "cleanup.policy": "compact" });
  });

  test.each<[number, string, Change[]]>([
    [TOPIC, "t", [["retention.ms", DELETE, null]]],
    [TOPIC, "t", [["nope", DELETE, null]]],
    [BROKER, "1", [["node.id", DELETE, null]]],
  ])("ignores the deletion of unset keys: type %i, name '%s', %j", async (type, resource, changes) => {
    expect(await change(type, resource, changes)).toEqual(OK);
  });

  const long = Array.from({ length: 4000 }, (_, at) => `${at}:2`).join(",");
  const replicas = "leader.replication.throttled.replicas";
  test.each<[number, string, Change[], number, string]>([
    [TOPIC, "t", [["retention.ms", APPEND, "5"]], 40, "Can't APPEND to key retention.ms because its type is not LIST."],
    [TOPIC, "t", [["nope", APPEND, "5"]], 40, "Can't APPEND to key nope because its type is not LIST."],
    [TOPIC, "t", [["retention.ms", SET, null]], 42, "Null value not supported for : retention.ms"],
    [
      TOPIC,
      "t",
      [
        ["nope", SET, "1"],
        ["nope", SET, "2"],
      ],
      42,
      "Error due to duplicate config keys",
    ],
    [TOPIC, "no", [["retention.ms", SET, "1"]], 3, "The topic 'no' does not exist."],
    [TOPIC, "no", [["nope", SET, "1"]], 40, "Unknown topic config name: nope"],
    [TOPIC, "", [["retention.ms", SET, "1"]], 42, "Default topic resources are not allowed."],
    [
      TOPIC,
      "a b",
      [["retention.ms", SET, "1"]],
      17,
      "Topic name is invalid: 'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'",
    ],
    [BROKER, "1", [["node.id", SET, "3"]], 42, "Cannot update these configs dynamically: [node.id]"],
    [
      BROKER,
      "1",
      [["log.retention.ms", SET, "x"]],
      42,
      "Invalid value x for configuration log.retention.ms: Not a number of type LONG",
    ],
    [BROKER, "7", [["log.retention.ms", SET, "1"]], 42, "Unexpected broker id, expected 1, but received 7"],
  ])("refuses type %i, name '%s', %j with %i", async (type, resource, changes, code, message) => {
    expect(await change(type, resource, changes)).toEqual([code, message]);
  });

  test("refuses a list that outgrows a string", async () => {
    expect(await change(TOPIC, "t", [[replicas, SET, long]])).toEqual(OK);
    expect(await change(TOPIC, "t", [[replicas, APPEND, long.replaceAll(":2", ":3")]])).toEqual([
      40,
      "The configuration value cannot be added because it exceeds the maximum value size of 32767 bytes.",
    ]);
    expect(await settingsOf(TOPIC, "t")).toEqual({ [replicas]: long });
  });
});
