import { describe, expect, test } from "vitest";
import { BrokerProperties, BrokerPropertyError } from "../../../../src/broker/broker-properties.js";
import { isLoopback, parseEndpoint } from "../../../../src/broker/net/endpoint.js";
import { type ListenerPlan, listenersAt, planListener } from "../../../../src/broker/net/plan-listener.js";

const plan = (properties: Record<string, string>) => planListener(new BrokerProperties(properties));
const at = (host: string, port: number) => ({ host, port });
const INTERNAL = { "listener.security.protocol.map": "INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT" };

describe("listeners", () => {
  test.each<[Record<string, string>, ListenerPlan]>([
    [{}, { listen: at("127.0.0.1", 9092), advertised: undefined }],
    [{ listeners: "PLAINTEXT://:9192" }, { listen: at("", 9192), advertised: undefined }],
    [{ listeners: "plaintext://[::]:0" }, { listen: at("::", 0), advertised: undefined }],
    [
      { listeners: "PLAINTEXT://0.0.0.0:9092", "advertised.listeners": "PLAINTEXT://kafka.example.test:19092" },
      { listen: at("0.0.0.0", 9092), advertised: at("kafka.example.test", 19092) },
    ],
    [
      { listeners: "INTERNAL://h:1,CONTROLLER://h:2", "controller.listener.names": "CONTROLLER", ...INTERNAL },
      { listen: at("h", 1), advertised: undefined },
    ],
    [
      { listeners: "INTERNAL://h:1", "advertised.listeners": "INTERNAL://a:3", ...INTERNAL },
      { listen: at("h", 1), advertised: at("a", 3) },
    ],
  ])("%j", (properties, expected) => {
    expect(plan(properties)).toEqual(expected);
  });

  test.each<[Record<string, string>, RegExp]>([
    [{ listeners: "h:9092" }, /listeners: expected NAME:\/\/HOST:PORT/],
    [{ listeners: "PLAINTEXT://h" }, /listeners: Expected HOST:PORT/],
    [{ listeners: "" }, /listeners: names no listener/],
    [{ listeners: "CONTROLLER://h:1", "controller.listener.names": "CONTROLLER" }, /names no listener/],
    [{ listeners: "PLAINTEXT://h:1,PLAINTEXT://h:2" }, /one listener is served/],
    [{ listeners: "SSL://h:1" }, /listeners: SSL: the bundled broker serves PLAINTEXT only/],
    [
      { listeners: "OUT://h:1", "listener.security.protocol.map": "OUT:SASL_SSL" },
      /listeners: OUT is SASL_SSL: the bundled/,
    ],
    [{ listeners: "OUT://h:1" }, /no security protocol is defined for OUT/],
    [{ "advertised.listeners": "SSL://h:1" }, /advertised.listeners: expected one address, for the listener PLAINTEXT/],
    [{ "advertised.listeners": "PLAINTEXT://h:1,PLAINTEXT://i:1" }, /advertised.listeners: expected one address/],
    [{ "advertised.listeners": "PLAINTEXT://0.0.0.0:1" }, /no client can connect to '0.0.0.0'/],
    [{ "advertised.listeners": "PLAINTEXT://:1" }, /no client can connect to ''/],
  ])("%j is refused by name", (properties, message) => {
    const attempt = () => plan(properties);
    expect(attempt).toThrow(BrokerPropertyError);
    expect(attempt).toThrow(message);
  });

  test.each<[Record<string, string>, string]>([
    [{}, "PLAINTEXT://h:7"],
    [{ listeners: "PLAINTEXT://a:1,PLAINTEXT://b:2" }, "PLAINTEXT://h:7"],
    [{ listeners: "INTERNAL://a:1", ...INTERNAL }, "INTERNAL://h:7"],
    [
      { listeners: "CONTROLLER://a:1,INTERNAL://b:1", "controller.listener.names": "CONTROLLER", ...INTERNAL },
      "INTERNAL://h:7",
    ],
  ])("%j at another address are %s", (properties, expected) => {
    expect(listenersAt(at("h", 7), new BrokerProperties(properties))).toBe(expected);
  });

  test.each<[Record<string, string>]>([
    [{ listeners: "SSL://a:1" }],
    [{ listeners: "PLAINTEXT://a:1,SASL_SSL://a:2" }],
    [{ listeners: "OUT://a:1", "listener.security.protocol.map": "OUT:SASL_PLAINTEXT" }],
  ])("%j are refused at another address, too", (properties) => {
    expect(() => listenersAt(at("h", 7), new BrokerProperties(properties))).toThrow(/serves PLAINTEXT only/);
  });

  test.each([
    ["127.0.0.1:1", true],
    ["127.1.2.3:1", true],
    ["localhost:1", true],
    ["[::1]:1", true],
    ["0.0.0.0:1", false],
    [":1", false],
    ["[::]:1", false],
    ["192.168.1.2:1", false],
    ["kafka.example.test:1", false],
  ])("%s is of this machine only: %s", (text, expected) => {
    expect(isLoopback(parseEndpoint(text))).toBe(expected);
  });
});
