import { describe, expect, test } from "vitest";
import {
  adminProperties,
  deadLetterProducerProperties,
  sinkConsumerProperties,
  sourceProducerProperties,
} from "../../../../src/worker/task/task-client-properties.js";

const ID = { connector: "shop", task: 2 };
const WORKER = {
  "bootstrap.servers": "kafka:9092",
  "security.protocol": "SASL_SSL",
  "group.id": "connect",
  "key.converter": "x",
  "producer.compression.type": "lz4",
  "producer.linger.ms": "5",
  "consumer.max.poll.records": "100",
  "admin.request.timeout.ms": "1000",
};

describe("client properties of a task (framework defaults, worker prefix, connector override)", () => {
  test("a source producer waits for all replicas without a time limit, one request at a time", () => {
    expect(sourceProducerProperties(WORKER, { "producer.override.linger.ms": "9" }, ID)).toEqual({
      "bootstrap.servers": "kafka:9092",
      acks: "all",
      "enable.idempotence": "false",
      "max.in.flight.requests.per.connection": "1",
      "max.block.ms": "9223372036854775807",
      "delivery.timeout.ms": "2147483647",
      "client.id": "connector-producer-shop-2",
      "compression.type": "lz4",
      "linger.ms": "9",
    });
  });

  test("the worker's un-prefixed security reaches no producer or consumer, as in Kafka Connect", () => {
    expect(sourceProducerProperties(WORKER, {}, ID)).not.toHaveProperty("security.protocol");
    expect(sinkConsumerProperties(WORKER, {}, ID).properties).not.toHaveProperty("security.protocol");
  });

  test("the dead letter producer has its own name", () => {
    expect(deadLetterProducerProperties(WORKER, {}, ID)["client.id"]).toBe("connector-dlq-producer-shop-2");
  });

  test("a sink consumer's group is named after the connector, and can be overridden", () => {
    const derived = sinkConsumerProperties(WORKER, {}, ID);
    expect(derived).toEqual({
      groupId: "connect-shop",
      properties: {
        "bootstrap.servers": "kafka:9092",
        "client.id": "connector-consumer-shop-2",
        "enable.auto.commit": "false",
        "auto.offset.reset": "earliest",
        "max.poll.records": "100",
      },
    });
    expect(sinkConsumerProperties(WORKER, { "consumer.override.group.id": "mine" }, ID).groupId).toBe("mine");
  });

  test("the admin client gets the worker's connection, its admin keys and the overrides, and no other client's", () => {
    expect(adminProperties(WORKER, { "admin.override.retries": "3" }, ID, "adminclient")).toEqual({
      "bootstrap.servers": "kafka:9092",
      "security.protocol": "SASL_SSL",
      "client.id": "connector-adminclient-shop-2",
      "request.timeout.ms": "1000",
      retries: "3",
    });
  });

  test.each([
    ["All", "producer.override.acks", true],
    ["None", "producer.override.acks", false],
    ["Principal", "consumer.override.sasl.jaas.config", true],
    ["Principal", "consumer.override.max.poll.records", false],
    ["Allowlist", "producer.override.linger.ms", true],
    ["Allowlist", "producer.override.acks", false],
    [
      "org.apache.kafka.connect.connector.policy.NoneConnectorClientConfigOverridePolicy",
      "admin.override.retries",
      false,
    ],
  ])("the policy %s, key %s: allowed is %s", (policy, key, allowed) => {
    const worker = {
      ...WORKER,
      "connector.client.config.override.policy": policy,
      "connector.client.config.override.allowlist": "batch.size, linger.ms",
    };
    const derive = () => [
      sourceProducerProperties(worker, { [key]: "1" }, ID),
      sinkConsumerProperties(worker, { [key]: "1" }, ID),
      adminProperties(worker, { [key]: "1" }, ID, "adminclient"),
    ];
    if (allowed) expect(derive).not.toThrow();
    else expect(derive).toThrow(`Client Config Overrides not allowed ${key}`);
  });

  test("an unknown policy is a ConfigError", () => {
    const worker = { ...WORKER, "connector.client.config.override.policy": "Some" };
    expect(() => sourceProducerProperties(worker, { "producer.override.acks": "1" }, ID)).toThrow("one of: All, None");
  });
});
