import { describe, expect, test } from "vitest";
import { ConfigError, DataError, RetriableError } from "../../../../src/api/index.js";
import { InvariantError } from "../../../../src/base/invariant-error.js";
import { KafkaError } from "../../../../src/protocol/kafka-error.js";
import { isRetriable, judgeFailure, parseErrorPolicy } from "../../../../src/worker/task/error-policy.js";

const bad = new DataError("VALUE_INVALID", "bad");
const busy = new RetriableError("VALUE_INVALID", "busy");
const policy = (props: Record<string, string> = {}) => parseErrorPolicy(props);

describe("the error policy (KIP-298)", () => {
  test("defaults: no tolerance, no second attempt, no log", () => {
    expect(policy()).toEqual({
      tolerance: "none",
      retryTimeoutMs: 0,
      retryDelayMaxMs: 60_000,
      log: false,
      logMessages: false,
    });
    expect(() => policy({ "errors.tolerance": "some" })).toThrow("errors.tolerance");
  });

  test.each([
    [1, 0, 300],
    [2, 300, 600],
    [3, 900, 1200],
    [4, 2100, 2400],
  ])("attempt %i after %i ms: retry in %i ms", (attempt, elapsedMs, delayMs) => {
    const verdict = judgeFailure(
      policy({ "errors.retry.timeout": "60000" }),
      "VALUE_CONVERTER",
      busy,
      attempt,
      elapsedMs,
      0.5,
    );
    expect(verdict).toEqual({ kind: "retry", delayMs });
  });

  test("beyond errors.retry.delay.max.ms the delay is drawn below it, and never passes the deadline", () => {
    const drawn = policy({ "errors.retry.timeout": "-1", "errors.retry.delay.max.ms": "1000" });
    expect(judgeFailure(drawn, "TASK_PUT", busy, 9, 1e9, 0.25)).toEqual({ kind: "retry", delayMs: 250 });
    const capped = policy({ "errors.retry.timeout": "1000" });
    expect(judgeFailure(capped, "TASK_PUT", busy, 2, 900, 0)).toEqual({ kind: "retry", delayMs: 100 });
    expect(judgeFailure(capped, "TASK_PUT", busy, 3, 1000, 0)).toEqual({ kind: "fail", tolerable: true });
  });

  test("any failure of a converter or transformation is tolerated, elsewhere only retriable ones; bugs of ours never", () => {
    const all = policy({ "errors.tolerance": "all" });
    for (const stage of ["KEY_CONVERTER", "VALUE_CONVERTER", "HEADER_CONVERTER", "TRANSFORMATION"] as const)
      expect(judgeFailure(all, stage, bad, 1, 0, 0)).toEqual({ kind: "skip" });
    expect(judgeFailure(all, "TASK_PUT", bad, 1, 0, 0)).toEqual({ kind: "fail", tolerable: false });
    expect(judgeFailure(all, "TASK_PUT", busy, 1, 0, 0)).toEqual({ kind: "skip" });
    expect(judgeFailure(all, "VALUE_CONVERTER", new InvariantError("x"), 1, 0, 0)).toEqual({
      kind: "fail",
      tolerable: false,
    });
    expect(judgeFailure(policy(), "VALUE_CONVERTER", bad, 1, 0, 0)).toEqual({ kind: "fail", tolerable: true });
  });

  test("a refusal by the cluster is not a bad record: errors.tolerance=all does not skip records for it", () => {
    const all = policy({ "errors.tolerance": "all" });
    const verdict = (name: "SASL_AUTHENTICATION_FAILED" | "TOPIC_AUTHORIZATION_FAILED" | "RECORD_LIST_TOO_LARGE") =>
      judgeFailure(all, "KAFKA_PRODUCE", new KafkaError(name, "Producing to orders-3"), 1, 0, 0);
    expect(verdict("SASL_AUTHENTICATION_FAILED")).toEqual({ kind: "fail", tolerable: false });
    expect(verdict("TOPIC_AUTHORIZATION_FAILED")).toEqual({ kind: "fail", tolerable: false });
    expect(verdict("RECORD_LIST_TOO_LARGE")).toEqual({ kind: "skip" });
  });

  test("a schema registry that is away or refuses us is not a bad record either", () => {
    const all = policy({ "errors.tolerance": "all" });
    const verdict = (error: Error) => judgeFailure(all, "VALUE_CONVERTER", error, 1, 0, 0);
    const unauthorized = new ConfigError("schema.registry.url", "401", { code: "REGISTRY_UNAUTHORIZED" });
    expect(verdict(new RetriableError("REGISTRY_UNREACHABLE", "away"))).toEqual({ kind: "fail", tolerable: false });
    expect(verdict(unauthorized)).toEqual({ kind: "fail", tolerable: false });
    expect(verdict(new DataError("REGISTRY_SCHEMA_REFUSED", "409"))).toEqual({ kind: "skip" });
  });

  test("an error of Kafka is retriable if marked so", () => {
    expect(isRetriable(new KafkaError("NOT_LEADER_OR_FOLLOWER", "Producing to orders-3"))).toBe(true);
    expect(isRetriable(new KafkaError("TOPIC_AUTHORIZATION_FAILED", "Producing to orders-3"))).toBe(false);
    expect(isRetriable(Object.assign(new Error("x"), { retriable: true }))).toBe(false);
  });
});
