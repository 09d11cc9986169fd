import { describe, expect, test } from "vitest";
import { BrokerProperties, BrokerPropertyError } from "../../../../src/broker/broker-properties.js";
import type { Endpoint } from "../../../../src/broker/handler.js";
import { isLoopback, parseEndpoint } from "../../../../src/broker/net/endpoint.js";
import { type ListenerPlan, listenersAt, planListeners } from "../../../../src/broker/net/plan-listener.js";
import type { SecurityProtocol } from "../../../../src/broker/security/security-protocol.js";

const plan = (properties: Record<string, string>) => planListeners(new BrokerProperties(properties));
const at = (host: string, port: number) => ({ host, port });
const INTERNAL = { "listener.security.protocol.map": "INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT" };

describe("listeners", () => {
  const of = (name: string, listen: Endpoint, advertised?: Endpoint, protocol: SecurityProtocol = "PLAINTEXT") => {
    return { name, protocol, listen, advertised };
  };

  test.each<[Record<string, string>, ListenerPlan[]]>([
    [{}, [of("PLAINTEXT", at("127.0.0.1", 9092))]],
    [{ listeners: "PLAINTEXT://:9192" }, [of("PLAINTEXT", at("", 9192))]],
    [{ listeners: "plaintext://[::]:0" }, [of("PLAINTEXT", at("::", 0))]],
    [
      { listeners: "PLAINTEXT://0.0.0.0:9092", "advertised.listeners": "PLAINTEXT://kafka.example.test:19092" },
      [of("PLAINTEXT", at("0.0.0.0", 9092), at("kafka.example.test", 19092))],
    ],
    [
      { listeners: "INTERNAL://h:1,CONTROLLER://h:2", "controller.listener.names": "CONTROLLER", ...INTERNAL },
      [of("INTERNAL", at("h", 1))],
    ],
    [
      { listeners: "INTERNAL://h:1", "advertised.listeners": "INTERNAL://a:3", ...INTERNAL },
      [of("INTERNAL", at("h", 1), at("a", 3))],
    ],
    [
      {
        listeners: "PLAINTEXT://127.0.0.1:1,OUT_1://0.0.0.0:2,SSL://h:3",
        "advertised.listeners": "out_1://a:3",
        "listener.security.protocol.map": "OUT_1:sasl_ssl",
        "listener.name.out_1.ssl.client.auth": "none",
        "inter.broker.listener.name": "PLAINTEXT",
      },
      [
        of("PLAINTEXT", at("127.0.0.1", 1)),
        of("OUT_1", at("0.0.0.0", 2), at("a", 3), "SASL_SSL"),
        of("SSL", at("h", 3), undefined, "SSL"),
      ],
    ],
  ])("%j", (properties, expected) => {
    expect(plan(properties)).toEqual(expected);
  });

  test.each<[Record<string, string>, RegExp]>([
    [{ listeners: "h:9092" }, /listeners: expected NAME:\/\/HOST:PORT/],
    [{ listeners: "PLAINTEXT://h" }, /listeners: Expected HOST:PORT/],
    [{ listeners: "" }, /listeners: names no listener/],
    [{ listeners: "CONTROLLER://h:1", "controller.listener.names": "CONTROLLER" }, /names no listener/],
    [{ listeners: "PLAINTEXT://h:1,PLAINTEXT://h:2" }, /each listener must have a different name, got PLAINTEXT/],
    [{ listeners: "PLAINTEXT://h:1,SSL://h:1" }, /each listener must have a different port, got h:1/],
    [{ listeners: "OUT://h:1" }, /no security protocol is defined for OUT/],
    [{ "advertised.listeners": "SSL://h:1" }, /advertised.listeners: SSL is not among the listeners: PLAINTEXT/],
    [{ "advertised.listeners": "PLAINTEXT://h:1,PLAINTEXT://i:1" }, /advertised.listeners: each listener must/],
    [{ "advertised.listeners": "PLAINTEXT://0.0.0.0:1" }, /no client can connect to '0.0.0.0'/],
    [{ "advertised.listeners": "PLAINTEXT://:1" }, /no client can connect to ''/],
    [{ "listener.name.out.ssl.client.auth": "required" }, /listener.name.out.*: there is no such listener/],
  ])("%j is refused by name", (properties, message) => {
    const attempt = () => plan(properties);
    expect(attempt).toThrow(BrokerPropertyError);
    expect(attempt).toThrow(message);
  });

  test.each<[Record<string, string>, string]>([
    [{}, "PLAINTEXT://h:7"],
    [{ listeners: "INTERNAL://a:1", ...INTERNAL }, "INTERNAL://h:7"],
    [
      { listeners: "CONTROLLER://a:1,INTERNAL://b:1", "controller.listener.names": "CONTROLLER", ...INTERNAL },
      "INTERNAL://h:7",
    ],
  ])("%j at another address are %s", (properties, expected) => {
    expect(listenersAt(at("h", 7), new BrokerProperties(properties))).toBe(expected);
  });

  test("several are refused at another address: which of them was meant?", () => {
    const properties = new BrokerProperties({ listeners: "PLAINTEXT://127.0.0.1:1,SASL_SSL://0.0.0.0:2" });
    expect(() => listenersAt(at("0.0.0.0", 7), properties)).toThrow(/several are named \(PLAINTEXT, SASL_SSL\)/);
  });

  test("one with TLS or SASL keeps them at another address", () => {
    const properties = new BrokerProperties({ listeners: "SASL_SSL://a:1" });
    expect(listenersAt(at("0.0.0.0", 7), properties)).toBe("SASL_SSL://0.0.0.0:7");
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
