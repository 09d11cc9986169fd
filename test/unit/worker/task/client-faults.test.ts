import { describe, expect, test } from "vitest";
import { ConfigError } from "../../../../src/api/index.js";
import { checkWorkerClients, overrideFaults } from "../../../../src/worker/task/client-faults.js";

const WORKER = { "bootstrap.servers": "kafka:9092", "group.id": "connect" };

describe("overrides", () => {
  test("are refused under the connector's keys, all at once", () => {
    const faults = overrideFaults(WORKER, {
      "producer.override.transactional.id": "mine",
      "producer.override.linger.ms": "soon",
      "producer.override.partitioner.class": "com.example.Mine",
      "consumer.override.auto.offset.reset": "middle",
      "admin.override.ssl.truststore.location": "/nowhere",
      "admin.override.security.protocol": "ssl",
    });
    expect([...faults.keys()].sort()).toEqual([
      "admin.override.ssl.truststore.type",
      "consumer.override.auto.offset.reset",
      "producer.override.linger.ms",
      "producer.override.partitioner.class",
      "producer.override.transactional.id",
    ]);
    for (const [key, message] of faults) expect(message).toContain(key);
  });

  test("are judged together with the worker's own properties", () => {
    const worker = { ...WORKER, "consumer.session.timeout.ms": "6000" };
    const faults = (heartbeatMs: string) =>
      overrideFaults(worker, { "consumer.override.heartbeat.interval.ms": heartbeatMs });
    expect(faults("5000").size).toBe(0);
    expect([...faults("7000").keys()]).toEqual(["consumer.override.heartbeat.interval.ms"]);
  });

  test("that the worker's policy forbids are not judged further", () => {
    const worker = { ...WORKER, "connector.client.config.override.policy": "None" };
    expect(overrideFaults(worker, { "producer.override.acks": "2" }).size).toBe(0);
  });

  test("never show a secret", () => {
    const login = {
      "security.protocol": "SASL_SSL",
      "sasl.mechanism": "PLAIN",
      "sasl.jaas.config": 'user="me" password="hush"',
    };
    const overrides = Object.fromEntries(
      Object.entries(login).map(([key, value]) => [`producer.override.${key}`, value]),
    );
    const faults = overrideFaults(WORKER, overrides);
    expect([...faults.keys()]).toEqual(["producer.override.sasl.jaas.config"]);
    expect([...faults.values()].join()).not.toContain("hush");
  });
});

describe("a worker's properties", () => {
  const failure = (more: Record<string, string>) => {
    try {
      checkWorkerClients({ ...WORKER, ...more });
      return undefined;
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      return (error as ConfigError).key;
    }
  };

  test("are refused under their own keys", () => {
    expect(failure({ "producer.acks": "1", "producer.compression.type": "zstd" })).toBeUndefined();
    expect(failure({ "producer.acks": "2" })).toBe("producer.acks");
    expect(failure({ "consumer.security.protocol": "SASL_PLAINTEXT" })).toBe("consumer.sasl.mechanism");
    expect(failure({ "admin.request.timeout.ms": "soon" })).toBe("admin.request.timeout.ms");
    expect(failure({ "request.timeout.ms": "soon" })).toBe("request.timeout.ms");
  });
});
