import { expect, test } from "vitest";
import { StateTimes } from "../../../src/worker/state-times.js";

test("a state's share counts all its spells, the present one included", () => {
  const times = new StateTimes<"a" | "b">("a", 100);
  expect(times.ratio("a", 100)).toBe(0);
  times.enter("b", 200);
  times.enter("b", 250);
  times.enter("a", 300);
  expect([times.ratio("a", 500), times.ratio("b", 500)]).toEqual([0.75, 0.25]);
});
