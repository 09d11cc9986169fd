import { describe, expect, test } from "vitest";
import { groupSegments, planCleaning } from "../../../../../src/broker/log/cleaning/plan-cleaning.js";

describe("cleaning", () => {
  const segments = [0, 10, 20, 30].map((baseOffset) => ({
    baseOffset,
    nextOffset: baseOffset + 10,
    size: 100,
    timestampMs: 1000 + baseOffset,
  }));
  const config = {
    cleanupPolicy: new Set(["compact"] as const),
    minCleanableDirtyRatio: 0.5,
    minCompactionLagMs: 0,
    maxCompactionLagMs: 2 ** 50,
  };

  test("covers all but the active segment, from where the last one ended", () => {
    expect(planCleaning(segments, config, 0, 40, 2000)).toEqual({ firstDirtyOffset: 0, endOffset: 30, dirtyRatio: 1 });
    expect(planCleaning(segments, config, 10, 40, 2000)).toMatchObject({ firstDirtyOffset: 10, endOffset: 30 });
    expect(planCleaning(segments, config, 20, 40, 2000)).toBeUndefined();
    expect(planCleaning(segments, config, 30, 40, 2000)).toBeUndefined();
    expect(planCleaning(segments.slice(0, 1), config, 0, 40, 2000)).toBeUndefined();
  });

  test("keeps its hands off what is too young, and hurries for what is too old", () => {
    expect(planCleaning(segments, { ...config, minCompactionLagMs: 985 }, 0, 40, 2000)).toMatchObject({
      endOffset: 20,
    });
    expect(planCleaning(segments, { ...config, maxCompactionLagMs: 500 }, 20, 40, 2000)).toMatchObject({
      firstDirtyOffset: 20,
    });
    expect(
      planCleaning(segments, { ...config, cleanupPolicy: new Set(["delete"]) } as never, 0, 40, 2000),
    ).toBeUndefined();
  });

  test("groups neighbours that fit into one segment", () => {
    const bases = (groups: { baseOffset: number }[][]) =>
      groups.map((group) => group.map(({ baseOffset }) => baseOffset));
    expect(bases(groupSegments(segments, 200))).toEqual([
      [0, 10],
      [20, 30],
    ]);
    expect(bases(groupSegments(segments, 99))).toEqual([[0], [10], [20], [30]]);
  });
});
