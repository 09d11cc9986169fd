import { describe, expect, test } from "vitest";
import { ConfigError } from "../../../../src/api/index.js";
import { checkWorkerClients, unsupportedOverrides } from "../../../../src/worker/task/client-faults.js";

const WORKER = { "bootstrap.servers": "kafka:9092", "group.id": "connect" };

describe("overrides", () => {
  test("that Java's clients take and ours do not support are refused under the connector's keys, all at once", () => {
    const faults = unsupportedOverrides(WORKER, {
      "producer.override.partitioner.class": "com.example.Mine",
      "producer.override.compression.type": "lz4",
      "producer.override.compression.lz4.level": "3",
      "consumer.override.auto.offset.reset": "by_duration:PT1H",
      "consumer.override.partition.assignment.strategy": "sticky",
      "admin.override.security.protocol": "sasl_ssl",
      "admin.override.sasl.mechanism": "GSSAPI",
    });
    expect([...faults.keys()].sort()).toEqual([
      "admin.override.sasl.mechanism",
      "consumer.override.auto.offset.reset",
      "consumer.override.partition.assignment.strategy",
      "producer.override.compression.lz4.level",
      "producer.override.partitioner.class",
    ]);
    for (const [key, message] of faults) expect(message).toContain(key);
  });

  test("that Java's clients refuse, too, are left to the task", () => {
    const overrides = {
      "producer.override.acks": "nonsense",
      "producer.override.transactional.id": "mine",
      "producer.override.bootstrap.servers": "nohost",
      "consumer.override.auto.offset.reset": "middle",
      "consumer.override.heartbeat.interval.ms": "70000",
      "admin.override.security.protocol": "TLS",
    };
    expect(unsupportedOverrides(WORKER, overrides).size).toBe(0);
  });

  test("that the worker's policy forbids are not judged further", () => {
    const worker = { ...WORKER, "connector.client.config.override.policy": "None" };
    expect(unsupportedOverrides(worker, { "producer.override.partitioner.class": "com.example.Mine" }).size).toBe(0);
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
    expect(failure({ "producer.transaction.timeout.ms": "600000" })).toBeUndefined();
    for (const bad of ["soon", "-1", "3000000000"])
      expect(failure({ "producer.transaction.timeout.ms": bad })).toBe("producer.transaction.timeout.ms");
  });
});
