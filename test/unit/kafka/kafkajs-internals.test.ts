import { createRequire } from "node:module";
import { expect, test } from "vitest";

// The parts of kafkajs beyond its public interface that kafkajs-transport.ts uses. If a new version changes one, the
// test of that part fails, without a broker.

const require = createRequire(import.meta.url);

test("kafkajs has the version whose internals were read", () => {
  const { version } = require("kafkajs/package.json") as { version: string };
  expect(version).toBe("2.2.4");
});

test("a connection has the members the transport uses", () => {
  const Connection = require("kafkajs/src/network/connection") as new (options: object) => Record<string, unknown>;
  const log = { info() {}, error() {}, warn() {}, debug() {}, namespace: () => log };
  const connection = new Connection({
    host: "h",
    port: 1,
    logger: log,
    socketFactory() {},
    requestTimeout: 1,
    connectionTimeout: 1,
    clientId: "c",
  });
  const methods = [
    "connect",
    "disconnect",
    "isConnected",
    "isAuthenticated",
    "authenticate",
    "send",
    "sendAuthRequest",
    "nextCorrelationId",
    "rejectRequests",
    "processData",
    "setVersions",
    "setSupportAuthenticationProtocol",
  ];
  for (const method of methods) expect(connection[method], method).toBeTypeOf("function");
  expect(connection["authHandlers"]).toBeNull();
  const queue = connection["requestQueue"] as Record<string, unknown>;
  expect(queue["inflight"]).toBeInstanceOf(Map);
  expect(queue["pending"]).toEqual([]);
  expect(queue["push"]).toBeTypeOf("function");
  expect(queue["fulfillRequest"]).toBeTypeOf("function");
  expect(queue["destroy"]).toBeTypeOf("function");
  expect(queue["scheduleCheckPendingRequests"]).toBeTypeOf("function");
});

test("its errors have the names by which the transport distinguishes them", () => {
  const errors = require("kafkajs/src/errors") as Record<string, new (cause: unknown) => Error & { code?: number }>;
  for (const name of ["KafkaJSRequestTimeoutError", "KafkaJSSASLAuthenticationError"]) {
    expect(new errors[name]!("m").name).toBe(name);
  }
  const { name, code, message } = new errors["KafkaJSProtocolError"]!({ code: 58, message: "no" });
  expect({ name, code, message }).toEqual({ name: "KafkaJSProtocolError", code: 58, message: "no" });
});
