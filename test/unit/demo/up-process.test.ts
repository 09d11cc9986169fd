import { expect, test } from "vitest";
import { readAddresses } from "../../../src/demo/up-process.js";

test.each([
  ["REST http://127.0.0.1:8083", { rest: "http://127.0.0.1:8083" }],
  ["Kafka 127.0.0.1:9092", { kafka: "127.0.0.1:9092" }],
  ["broker listens on localhost:9092", { kafka: "localhost:9092" }],
  ["Kafka [::1]:9092, REST http://[::1]:8083/", { kafka: "[::1]:9092", rest: "http://[::1]:8083" }],
  ["2026-01-02T03:04:05.678Z INFO  worker started", {}],
])("reads the addresses that %j holds", (line, addresses) => {
  expect(readAddresses(line)).toEqual(addresses);
});
