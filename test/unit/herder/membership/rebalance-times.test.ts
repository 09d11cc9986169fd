import { expect, test } from "vitest";
import { RebalanceTimes } from "../../../../src/herder/membership/rebalance-times.js";

test("a rebalance lasts from the loss of the place to the next place", () => {
  const times = new RebalanceTimes();
  times.begin(0);
  expect(times.report(5)).toMatchObject({ rebalancing: true, completed: 0, sinceMs: Number.POSITIVE_INFINITY });
  times.end(10);
  times.begin(100);
  times.begin(150); // lost again meanwhile
  times.end(400);
  expect(times.report(1_000)).toEqual({ rebalancing: false, completed: 2, timeMs: 310, maxMs: 300, sinceMs: 600 });
});
