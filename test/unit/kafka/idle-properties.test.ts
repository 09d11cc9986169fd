import { expect, test } from "vitest";
import { ignoredSettings, unknownKeys } from "../../../src/kafka/idle-properties.js";

const SERVERS = { "bootstrap.servers": "a:1" };

test("settings without effect are reported with the behaviour instead", () => {
  const asked = { "enable.idempotence": "TRUE", "group.instance.id": "a", "group.protocol": "consumer" };
  expect(ignoredSettings({ ...SERVERS, ...asked }).map(({ key }) => key)).toEqual(Object.keys(asked));
  expect(ignoredSettings({ ...SERVERS, "enable.idempotence": "false", "group.protocol": "classic" })).toEqual([]);
});

test("settings that Kafka Connect itself sets are not reported", () => {
  const set = {
    "max.in.flight.requests.per.connection": "1",
    "enable.auto.commit": "false",
    "key.serializer": "org.apache.kafka.common.serialization.ByteArraySerializer",
    "value.deserializer": "org.apache.kafka.common.serialization.ByteArrayDeserializer",
  };
  expect(ignoredSettings({ ...SERVERS, ...set })).toEqual([]);
  const other = {
    "max.in.flight.requests.per.connection": "5",
    "enable.auto.commit": "true",
    "exclude.internal.topics": "false",
    "key.serializer": "org.apache.kafka.common.serialization.StringSerializer",
  };
  expect(ignoredSettings({ ...SERVERS, ...other }).map(({ key }) => key)).toEqual(Object.keys(other));
});

test("keys that no client knows are reported as misspelt", () => {
  expect(unknownKeys({ ...SERVERS, "lnger.ms": "1", "ssl.anything": "x", "linger.ms": "1" })).toEqual(["lnger.ms"]);
});
