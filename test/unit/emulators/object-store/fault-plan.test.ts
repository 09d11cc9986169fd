import { expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { FaultPlan } from "../../../../src/emulators/object-store/fault-plan.js";
import type { S3Request } from "../../../../src/emulators/object-store/s3-request.js";

const put = (key: string): S3Request => ({ operation: "PutObject", bucket: "b", key, query: new Map() });
const get = (key: string): S3Request => ({ operation: "GetObject", bucket: "b", key, query: new Map() });
const slowDown = { kind: "answer", code: "SlowDown" } as const;

test("a rule strikes the requests it matches, after those it skips, as often as it says", async () => {
  const plan = new FaultPlan(new SimClock());
  const added = plan.add({ fault: slowDown, operations: ["PutObject"], key: /^t\//, skip: 1, count: 2 });
  expect(plan.strike(put("t/1"))).toBeUndefined();
  expect(plan.strike(get("t/1"))).toBeUndefined();
  expect(plan.strike(put("u/1"))).toBeUndefined();
  expect(plan.strike(put("t/2"))).toBe(slowDown);
  await added.struck;
  expect(plan.strike(put("t/3"))).toBe(slowDown);
  expect(plan.strike(put("t/4"))).toBeUndefined();
  expect(added.hits).toBe(2);
});

test("a rule with a time ends when it is over", async () => {
  const clock = new SimClock();
  const plan = new FaultPlan(clock, [{ fault: slowDown, forMs: 10_000 }]);
  await clock.advance(9_999);
  expect(plan.strike(put("x"))).toBe(slowDown);
  await clock.advance(1);
  expect(plan.strike(put("x"))).toBeUndefined();
});

test("the first rule that strikes counts, and a removed one never does", () => {
  const plan = new FaultPlan(new SimClock());
  const drop = { kind: "drop-after" } as const;
  const first = plan.add({ fault: drop, count: 1 });
  plan.add({ fault: slowDown });
  expect(plan.strike(put("x"))).toBe(drop);
  expect(plan.strike(put("x"))).toBe(slowDown);
  expect(first.hits).toBe(1);
  plan.clear();
  expect(plan.strike(put("x"))).toBeUndefined();
});
