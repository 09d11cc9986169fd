import { expect, test } from "vitest";
import { planRanges } from "../../../../../connectors/postgres/chunks/snapshot-worker.js";

test("a large table is divided into ranges of pages without a gap, the last one open; a small one is not", () => {
  expect(planRanges(100, 3)).toEqual([
    { where: ["ctid < '(33,0)'::tid"] },
    { where: ["ctid >= '(33,0)'::tid", "ctid < '(66,0)'::tid"] },
    { where: ["ctid >= '(66,0)'::tid"] },
  ]);
  expect(planRanges(31, 4)).toEqual([{}]);
  expect(planRanges(33, 4)).toHaveLength(2);
  expect(planRanges(0, 4)).toEqual([{}]);
});
