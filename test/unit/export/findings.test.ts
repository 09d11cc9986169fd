import { describe, expect, test } from "vitest";
import { aclText, judgeAcls } from "../../../src/export/acl-export.js";
import { findingLine, incomplete, isOutage, reasonOf } from "../../../src/export/finding.js";
import { describeNeverCarried } from "../../../src/export/never-carried.js";
import { KafkaError } from "../../../src/protocol/kafka-error.js";

const acl = {
  resourceType: 2,
  resourceName: "t",
  patternType: 4,
  principal: "User:ann",
  host: "*",
  operation: 4,
  permissionType: 3,
};

describe("findings", () => {
  test("are one line each, with the way out", () => {
    expect(findingLine(incomplete("topic t", "it\n  broke", "mend it"))).toBe(
      "incomplete: topic t: it broke. What to do: mend it.",
    );
  });

  test("name what caused an error", () => {
    const cause = new KafkaError("NOT_ENOUGH_REPLICAS", "Producing to t-0");
    const error = new KafkaError("REQUEST_TIMED_OUT", "Producing to t-0", { detail: "too late", cause });
    expect(reasonOf(error)).toMatch(/^Producing to t-0: too late .*; Producing to t-0: fewer replicas/);
  });

  test("a cluster is gone if it does not answer, not if it refuses", () => {
    const timedOut = (cause?: unknown) => new KafkaError("REQUEST_TIMED_OUT", "x", { cause });
    expect(isOutage(new KafkaError("NETWORK_EXCEPTION", "x"))).toBe(true);
    expect(isOutage(timedOut())).toBe(true);
    expect(isOutage(timedOut(new KafkaError("NETWORK_EXCEPTION", "x")))).toBe(true);
    expect(isOutage(timedOut(new KafkaError("NOT_ENOUGH_REPLICAS", "x")))).toBe(false);
    expect(isOutage(new KafkaError("MESSAGE_TOO_LARGE", "x"))).toBe(false);
  });
});

describe("ACLs", () => {
  test("are named in Kafka's words", () => {
    expect(aclText(acl)).toBe("ALLOW User:ann WRITE on TOPIC t (prefix) from *");
    expect(aclText({ ...acl, patternType: 3, permissionType: 2, operation: 99, resourceType: 99 })).toBe(
      "DENY User:ann operation 99 on resource type 99 t from *",
    );
  });

  test("each refused one is a finding; all of them are one if the target has no authorizer", () => {
    const disabled = new KafkaError("SECURITY_DISABLED", "x");
    const refused = new KafkaError("INVALID_REQUEST", "x");
    expect(judgeAcls([acl, acl], [disabled, disabled])).toMatchObject({
      carried: 0,
      findings: [{ kind: "incomplete" }],
    });
    expect(judgeAcls([acl, acl], [undefined, refused])).toMatchObject({
      carried: 1,
      findings: [{ kind: "incomplete", text: expect.stringContaining("User:ann WRITE on TOPIC t") }],
    });
    expect(judgeAcls([], [])).toEqual({ carried: 0, findings: [] });
  });
});

test("what can never be carried is named, also when it cannot be listed", () => {
  const texts = (...[users, transactions]: Parameters<typeof describeNeverCarried>) =>
    describeNeverCarried(users, transactions).map(({ kind, subject, text }) => `${kind} ${subject}: ${text}`);
  expect(texts(["bob", "ann"], [{ transactionalId: "x", state: "Empty" }])).toEqual([
    "note users: Kafka tells nobody the passwords of users (ann, bob)",
    "note transactional ids: their state is not carried: x (Empty)",
    expect.stringMatching(/^note cluster: client quotas/),
  ]);
  expect(texts("not authorized", "too old")).toEqual([
    expect.stringMatching(/they cannot be listed: not authorized/),
    expect.stringMatching(/nor can they be listed: too old/),
    expect.stringMatching(/^note cluster: /),
  ]);
});
