import { describe, expect, test } from "vitest";
import { planRetention } from "../../../../src/broker/log/plan-retention.js";

describe("retention", () => {
  const segments = [100, 200, 300].map((maxTimestamp, at) => ({
    nextOffset: (at + 1) * 10,
    size: 50,
    maxTimestamp,
    modifiedMs: 0,
  }));
  const config = (changes: object) => ({
    cleanupPolicy: new Set(["delete"] as const),
    retentionBytes: -1,
    retentionMs: -1,
    ...changes,
  });

  test.each([
    ["nothing is limited", {}, 0, 0],
    ["only time is, and the oldest is over it", { retentionMs: 100 }, 0, 1],
    ["all are over it, the active one too", { retentionMs: 0 }, 0, 2],
    ["size is: what remains must still reach it", { retentionBytes: 100 }, 0, 1],
    ["size is just not passed", { retentionBytes: 101 }, 0, 0],
    ["the start was raised over two of them", {}, 25, 2],
    ["the start was raised and the topic is compacted", { cleanupPolicy: new Set(["compact"]), retentionMs: 0 }, 10, 1],
  ])("when %s", (_, changes, start, count) => {
    expect(planRetention(segments, config(changes) as never, start, 300)).toBe(count);
  });

  test("takes a segment that compaction has emptied like any other", () => {
    const emptied = [{ nextOffset: 5, size: 0, maxTimestamp: -1, modifiedMs: 50 }, ...segments];
    expect(planRetention(emptied, config({ retentionMs: 100 }) as never, 0, 300)).toBe(2);
  });

  test("takes the active segment too, but never an empty one", () => {
    const old = config({ retentionMs: 0 });
    expect(planRetention(segments, old, 0, 301)).toBe(3);
    expect(
      planRetention([...segments, { nextOffset: 30, size: 0, maxTimestamp: -1, modifiedMs: 0 }], old, 0, 301),
    ).toBe(3);
  });
});
