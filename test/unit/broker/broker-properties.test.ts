import { describe, expect, test } from "vitest";
import { BROKER_KEYS, BrokerProperties, BrokerPropertyError } from "../../../src/broker/broker-properties.js";

describe("the broker's properties", () => {
  test("can all be set, to their default at least", () => {
    for (const [name, { default: value }] of Object.entries(BROKER_KEYS)) {
      if (value !== null) expect(new BrokerProperties({ [name]: value }).text(name), name).toBe(value);
    }
  });

  test("have both names of the data folder", () => {
    expect(new BrokerProperties({ "log.dir": "/data", "log.dirs": "/data" }).unknown).toEqual([]);
  });

  test("of an unknown name are kept, to be warned about", () => {
    expect(new BrokerProperties({ "made.up": "1", "num.partitions": "2" }).unknown).toEqual(["made.up"]);
  });

  test.each<[string, string, string]>([
    ["num.partitions", "many", "Not a number of type INT"],
    ["num.partitions", "0", "Value must be at least 1"],
    ["num.partitions", "1.5", "Not a number of type INT"],
    ["node.id", "-1", "Value must be at least 0"],
    ["auto.create.topics.enable", "yes", "Expected value to be either true or false"],
    ["log.retention.ms", "x", "Not a number of type LONG"],
    ["log.retention.ms", "-2", "Value must be at least -1"],
    ["log.cleanup.policy", "shred", "String must be one of: compact, delete"],
    ["log.segment.bytes", "14", "Value must be at least 1048576"],
    ["compression.type", "brotli", "String must be one of"],
  ])("%s=%s is refused by name", (name, value, detail) => {
    const attempt = () => new BrokerProperties({ [name]: value });
    expect(attempt).toThrow(BrokerPropertyError);
    expect(attempt).toThrow(`Broker property ${name}: invalid value ${value}: ${detail}`);
  });

  test("a smaller segment goes with its own property", () => {
    const given = { "log.segment.bytes": "14", "millrace.segment.bytes.min": "1" };
    expect(new BrokerProperties(given).number("log.segment.bytes")).toBe(14);
  });

  test.each([
    ["authorizer.class.name", "com.example.Authorizer"],
    ["super.users", "admin"],
    ["sasl.enabled.mechanisms", "GSSAPI"],
    ["sasl.jaas.config", "x.Y required;"],
    ["sasl.server.callback.handler.class", "x.Y"],
    ["listener.name.external.plain.sasl.server.callback.handler.class", "x.Y"],
    ["listener.name.external.oauthbearer.sasl.jaas.config", "x.Y required;"],
    ["listener.name.external.max.connections", "3"],
    ["ssl.client.auth", "maybe"],
    ["ssl.enabled.protocols", "TLSv1.1"],
    ["ssl.cipher.suites", "TLS_AES_256_GCM_SHA384"],
    ["ssl.engine.factory.class", "x.Y"],
    ["principal.builder.class", "x.Y"],
    ["create.topic.policy.class.name", "x.Y"],
    ["client.quota.callback.class", "x.Y"],
    ["max.connections.per.ip.overrides", "10.0.0.1:0"],
  ])("%s=%s, which would protect nothing, is refused by name", (name, value) => {
    expect(() => new BrokerProperties({ [name]: value })).toThrow(`Broker property ${name}: `);
  });

  test.each([
    ["super.users", ""],
    ["super.users", "User:admin;User:CN=ann,O=Org"],
    ["authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer"],
    ["sasl.enabled.mechanisms", ""],
    ["security.inter.broker.protocol", "SASL_SSL"],
    ["sasl.mechanism.inter.broker.protocol", "PLAIN"],
    ["sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-512"],
    ["listener.name.external.sasl.enabled.mechanisms", "PLAIN"],
    ["listener.name.external.scram-sha-256.connections.max.reauth.ms", "3600000"],
    ["listener.name.x.oauthbearer.sasl.oauthbearer.jwks.endpoint.refresh.ms", "9223372036854775807"],
    ["allow.everyone.if.no.acl.found", "true"],
    ["max.connections", "2147483647"],
    ["process.roles", "controller, broker"],
  ])("%s=%s is taken", (name, value) => {
    expect(() => new BrokerProperties({ [name]: value })).not.toThrow();
  });

  test.each([
    ["listener.name.x.sasl.oauthbearer.jwks.endpoint.refresh.ms", "0"],
    ["listener.name.x.oauthbearer.sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", "0"],
    ["listener.name.x.oauthbearer.sasl.oauthbearer.clock.skew.seconds", "-1"],
    ["listener.name.x.plain.connections.max.reauth.ms", "never"],
  ])("%s=%s of a single listener is checked like that of all", (name, value) => {
    expect(() => new BrokerProperties({ [name]: value })).toThrow(`Broker property ${name}: invalid value ${value}: `);
  });

  test("broker.id is Kafka's older name of node.id", () => {
    expect(new BrokerProperties({ "broker.id": "7" }).number("node.id")).toBe(7);
    expect(new BrokerProperties({ "node.id": "7" }).number("broker.id")).toBe(7);
    expect(new BrokerProperties({}).number("node.id")).toBe(1);
    expect(() => new BrokerProperties({ "broker.id": "7", "node.id": "8" })).toThrow(
      /broker.id: is 7 and node.id is 8/,
    );
  });

  test("a broker that is not its own controller is refused", () => {
    expect(() => new BrokerProperties({ "process.roles": "broker" })).toThrow(/process.roles: got broker/);
  });
});
