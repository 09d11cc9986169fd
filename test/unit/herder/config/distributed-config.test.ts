import { describe, expect, test } from "vitest";
import {
  distributedConfigDef,
  idleWorkerKeys,
  internalTopics,
  ownClientProperties,
  parseDistributedConfig,
} from "../../../../src/herder/config/distributed-config.js";

const props = {
  "bootstrap.servers": "a:1,b:2",
  "group.id": "g",
  "config.storage.topic": "c",
  "offset.storage.topic": "o",
  "status.storage.topic": "s",
  "key.converter": "K",
  "value.converter": "V",
};

describe("a worker's properties", () => {
  test("have Kafka Connect's defaults", () => {
    expect(parseDistributedConfig(props)).toMatchObject({
      "bootstrap.servers": ["a:1", "b:2"],
      "config.storage.replication.factor": 3,
      "offset.storage.partitions": 25,
      "status.storage.partitions": 5,
      "session.timeout.ms": 10_000,
      "connect.protocol": "sessioned",
      listeners: ["http://:8083"],
    });
  });

  test.each(Object.keys(props))("are refused without %s, by its name", (key) => {
    const { [key as keyof typeof props]: _, ...rest } = props;
    expect(() => parseDistributedConfig(rest)).toThrow(`Missing required configuration "${key}"`);
  });

  test.each([
    ["offset.storage.partitions", "0"],
    ["config.storage.replication.factor", "many"],
    ["connect.protocol", "modern"],
    ["exactly.once.source.support", "sometimes"],
    ["bootstrap.servers", ""],
    ["group.id", ""],
    ["rest.advertised.listener", "ftp"],
    ["inter.worker.key.generation.algorithm", "HmacMD5"],
    ["inter.worker.key.size", "8"],
    ["inter.worker.signature.algorithm", "HmacSHA512"],
    ["inter.worker.verification.algorithms", "HmacSHA256,HmacMD5"],
  ])("are refused with %s=%s, by its name", (key, value) => {
    expect(() => parseDistributedConfig({ ...props, [key]: value })).toThrow(key);
  });

  test("define three topics, with their topic configs", () => {
    const all = {
      ...props,
      "offset.storage.replication.factor": "-1",
      "status.storage.min.insync.replicas": "2",
      "status.storage.cleanup.policy": "delete",
    };
    const { config, offset, status } = internalTopics(parseDistributedConfig(all), all);
    expect(config).toMatchObject({ name: "c", partitions: 1, replicationFactor: 3, configs: {} });
    expect(offset).toMatchObject({ name: "o", partitions: 25, replicationFactor: -1 });
    expect(status).toMatchObject({ name: "s", partitions: 5, configs: { "min.insync.replicas": "2" } });
  });

  test("that are unknown are listed apart from those without effect", () => {
    const known = {
      ...props,
      "producer.linger.ms": "5",
      "sasl.mechanism": "PLAIN",
      "task.hosts": "2",
      "value.converter.schemas.enable": "false",
    };
    expect(
      idleWorkerKeys(
        { ...known, "sesion.timeout.ms": "1", "my.key": "x", "plugin.discovery": "x" },
        distributedConfigDef,
      ),
    ).toEqual({
      unknown: ["sesion.timeout.ms", "my.key"],
      withoutEffect: ["plugin.discovery"],
    });
  });

  test("pass client settings to the worker's own clients", () => {
    const all = { ...props, "sasl.mechanism": "PLAIN", "producer.linger.ms": "5", "plugin.path": "/x" };
    expect(ownClientProperties(all)).toEqual({
      "bootstrap.servers": "a:1,b:2",
      "client.id": "connect-g",
      "sasl.mechanism": "PLAIN",
    });
  });

  test("are refused when they name an unknown policy", () => {
    const policy = { "connector.client.config.override.policy": "Unknown" };
    expect(() => parseDistributedConfig({ ...props, ...policy })).toThrow(
      /Invalid value Unknown for configuration connector.client.config.override.policy/,
    );
  });
});
