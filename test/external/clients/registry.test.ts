import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestBroker, type TestBroker } from "../../support/broker.js";
import { LogLines } from "../../support/log-lines.js";
import { TestRegistry } from "../../support/registry-process.js";
import { isOnPath } from "../peers.js";
import { nodeCommand, pythonCommand } from "./client-cache.js";
import { runClient } from "./client-program.js";

let broker: TestBroker;
let registry: TestRegistry;
beforeAll(async () => {
  broker = await startTestBroker();
  registry = await TestRegistry.start(broker.bootstrap, new LogLines(), "registry");
  await registry.follows(registry.url);
});
afterAll(async () => {
  await registry.close();
  await broker.close();
});

test.skipIf(!isOnPath("python3"))("the clients for Python work with the schema registry", async () => {
  const packages = [
    "confluent-kafka[avro,json,protobuf,schemaregistry]==2.12.0",
    "python-schema-registry-client==2.6.1",
  ];
  const { row, failure } = await runClient("registry", await pythonCommand("registry_client", packages), [
    registry.url,
  ]);
  expect(failure).toBeUndefined();
  expect(row.steps).toEqual(["schemas", "avro", "json", "protobuf", "another_client"]);
});

test.skipIf(!isOnPath("npm"))("KafkaJS's client works with the schema registry", async () => {
  const command = await nodeCommand("registry-client", ["@kafkajs/confluent-schema-registry@3.9.0"]);
  const { row, failure } = await runClient("registry", command, [registry.url]);
  expect(failure).toBeUndefined();
  expect(row.steps).toEqual(["AVRO", "JSON", "PROTOBUF"]);
});
