import { describe, expect, test } from "vitest";
import {
  type HeartbeatVerdict,
  type JoinVerdict,
  judgeHeartbeat,
  judgeJoin,
  type Silence,
} from "../../../../src/kafka/group/heartbeat-verdict.js";
import type { ErrorName } from "../../../../src/protocol/error-codes.js";
import { KafkaError } from "../../../../src/protocol/kafka-error.js";

const FRESH: Silence = { silentMs: 3_000, sessionTimeoutMs: 10_000, unknownForMs: 0, coordinatorTimeoutMs: undefined };
const WORKER: Silence = { ...FRESH, coordinatorTimeoutMs: 3_000 };
const OVER = 10_001;

describe("a heartbeat", () => {
  test.each<[ErrorName | undefined, Silence, HeartbeatVerdict]>([
    [undefined, FRESH, "alive"],
    ["REBALANCE_IN_PROGRESS", FRESH, "rejoin"],
    ["UNKNOWN_MEMBER_ID", FRESH, "dropped"],
    ["FENCED_INSTANCE_ID", FRESH, "dropped"],
    ["ILLEGAL_GENERATION", FRESH, "outdated"],
    ["NETWORK_EXCEPTION", FRESH, "again"],
    ["NOT_COORDINATOR", FRESH, "again"],
    ["COORDINATOR_NOT_AVAILABLE", FRESH, "again"],
    ["GROUP_AUTHORIZATION_FAILED", FRESH, "again"],
    ["REQUEST_TIMED_OUT", { ...FRESH, silentMs: OVER }, "search"],
    ["GROUP_AUTHORIZATION_FAILED", { ...FRESH, silentMs: OVER }, "refused"],
    ["NETWORK_EXCEPTION", { ...FRESH, unknownForMs: 60_000 }, "again"],
    ["NETWORK_EXCEPTION", { ...WORKER, unknownForMs: 2_999 }, "again"],
    ["NETWORK_EXCEPTION", { ...WORKER, unknownForMs: 3_000 }, "unreachable"],
    ["REQUEST_TIMED_OUT", { ...WORKER, silentMs: OVER }, "unreachable"],
    ["GROUP_AUTHORIZATION_FAILED", { ...WORKER, silentMs: OVER }, "unreachable"],
    ["UNKNOWN_MEMBER_ID", { ...WORKER, silentMs: OVER, unknownForMs: 60_000 }, "dropped"],
    [undefined, { ...WORKER, silentMs: OVER, unknownForMs: 60_000 }, "alive"],
  ])("answered with %s: %j", (name, silence, verdict) => {
    expect(judgeHeartbeat(name && new KafkaError(name, "Heartbeat"), silence)).toBe(verdict);
  });
});

describe("a join", () => {
  test.each<[ErrorName, JoinVerdict]>([
    ["MEMBER_ID_REQUIRED", "again-with-id"],
    ["UNKNOWN_MEMBER_ID", "again-as-new"],
    ["FENCED_INSTANCE_ID", "again-as-new"],
    ["REBALANCE_IN_PROGRESS", "again"],
    ["ILLEGAL_GENERATION", "again"],
    ["COORDINATOR_LOAD_IN_PROGRESS", "wait"],
    ["NOT_COORDINATOR", "wait"],
    ["NETWORK_EXCEPTION", "wait"],
    ["GROUP_AUTHORIZATION_FAILED", "refused"],
    ["INVALID_SESSION_TIMEOUT", "refused"],
    ["INCONSISTENT_GROUP_PROTOCOL", "refused"],
  ])("refused with %s", (name, verdict) => {
    expect(judgeJoin(new KafkaError(name, "Joining"))).toBe(verdict);
  });
});
