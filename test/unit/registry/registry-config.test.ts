import { expect, test } from "vitest";
import { idleRegistryKeys } from "../../../src/registry/registry-config.js";

test("keys that nothing reads are found: misspelt ones, and those that are not served", () => {
  const read = [
    "listeners",
    "kafkastore.bootstrap.servers",
    "kafkastore.security.protocol",
    "kafkastore.ssl.truststore.location",
    "kafkastore.sasl.mechanism",
    "kafkastore.topic.config.retention.ms",
    "ssl.keystore.location",
    "listeners.https.ssl.keystore.location",
    "avro.compatibility.level",
    "rest.extension.classes",
    "access.control.allow.origin",
  ];
  const idle = ["kafkastore.topik", "schema.compatability.level", "metric.reporters"];
  expect(idleRegistryKeys(Object.fromEntries([...read, ...idle].map((key) => [key, "x"])))).toEqual(idle);
});
