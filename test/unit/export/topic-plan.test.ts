import { expect, test } from "vitest";
import { isInternal, planTopic } from "../../../src/export/topic-plan.js";

const offsets = (...all: number[]) => all.map((offset, partition) => ({ topic: "t", partition, offset }));

test("a topic that does not exist is created; an empty one of the same partitions is filled", () => {
  expect(planTopic("t", 2, undefined)).toEqual({ kind: "create" });
  expect(planTopic("t", 2, { starts: offsets(0, 7), ends: offsets(0, 7) })).toEqual({ kind: "fill" });
});

test("records and other partitions at the target are never touched", () => {
  expect(planTopic("t", 2, { starts: offsets(0, 3), ends: offsets(0, 4) })).toMatchObject({
    kind: "refuse",
    why: "it exists at the target and holds records (t-1)",
  });
  expect(planTopic("t", 2, { starts: offsets(0), ends: offsets(0) })).toMatchObject({
    kind: "refuse",
    why: "it exists at the target with 1 partitions, and has 2 at the source",
  });
});

test("topics that a cluster writes for itself are internal; those of Connect are not", () => {
  expect(["__consumer_offsets", "__transaction_state"].map((name) => isInternal(name, false))).toEqual([true, true]);
  expect(isInternal("other", true)).toBe(true);
  expect(isInternal("connect-offsets", false)).toBe(false);
});
