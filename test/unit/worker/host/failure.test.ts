import { describe, expect, test } from "vitest";
import {
  ConfigError,
  ConflictError,
  DataError,
  errorKind,
  NotFoundError,
  RetriableError,
  UnsupportedError,
} from "../../../../src/api/index.js";
import { traceOf } from "../../../../src/base/trace/error-trace.js";
import { KafkaError } from "../../../../src/protocol/kafka-error.js";
import { errorOf, failureOf } from "../../../../src/worker/host/failure.js";
import { isRetriable } from "../../../../src/worker/task/error-policy.js";

/** As a message between threads carries it. */
const crossed = (error: unknown) => errorOf(structuredClone(failureOf(error)));

describe("a failure that crosses threads", () => {
  test.each([
    new RetriableError("S3_UNAVAILABLE", "no answer"),
    new DataError("VALUE_INVALID", "no number"),
    new NotFoundError("CLASS_NOT_FOUND", "no class"),
    new ConflictError("CONNECTOR_NOT_RUNNING", "not here"),
    new UnsupportedError("OFFSETS_FIXED", "not yet"),
    new ConfigError("topics", "none"),
    new ConfigError("file", "absent", { code: "CONFIG_MISSING" }),
  ])("%s has its class and code again", (error) => {
    const again = crossed(error);
    expect(again).toBeInstanceOf(error.constructor);
    expect(again).toMatchObject({ name: error.name, message: error.message, code: error.code });
    expect([errorKind(again), isRetriable(again)]).toEqual([errorKind(error), isRetriable(error)]);
  });

  test("a ConfigError keeps its key", () => {
    expect(crossed(new ConfigError("flush.size", "too small"))).toMatchObject({ key: "flush.size" });
  });

  test("the trace contains the original causes", () => {
    const error = new ConflictError("CONNECTOR_EXISTS", "twice", { cause: new TypeError("the reason") });
    expect(traceOf(crossed(error))).toBe(traceOf(error));
    expect(failureOf(error).trace).toContain("Caused by: TypeError: the reason");
  });

  test("an error of Kafka keeps its retriability", () => {
    const away = crossed(new KafkaError("NETWORK_EXCEPTION", "Fetching"));
    expect(away).toMatchObject({ name: "KafkaError", codeName: "NETWORK_EXCEPTION" });
    expect(isRetriable(away)).toBe(true);
    expect(isRetriable(crossed(new KafkaError("TOPIC_AUTHORIZATION_FAILED", "Fetching")))).toBe(false);
  });

  test("any other thrown value keeps its text", () => {
    expect(crossed(new TypeError("undefined is no function"))).toMatchObject({ name: "TypeError" });
    expect(crossed("just text").message).toBe("just text");
    expect(crossed(undefined).message).toBe("undefined");
    const refused = Object.assign(new Error("connect"), { code: "ECONNREFUSED" });
    expect(crossed(refused)).toMatchObject({ message: "connect", code: "ECONNREFUSED" });
  });
});
