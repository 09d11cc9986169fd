import { expect, test } from "vitest";
import { WindowExtreme } from "../../../../src/base/metrics/window-extreme.js";

const valuesAt = (extreme: WindowExtreme, ...timesMs: number[]) => timesMs.map((ms) => extreme.value(ms));

test("a maximum is remembered for 30 to 60 seconds", () => {
  const max = new WindowExtreme("max");
  expect(valuesAt(max, 0)).toEqual([0]);
  max.note(5, 29_000);
  max.note(3, 31_000);
  expect(valuesAt(max, 59_999, 60_000, 90_000)).toEqual([5, 3, 0]);
  max.note(7, 1e6);
  expect(valuesAt(max, 2e6)).toEqual([0]);
});

test("the smallest value of a window is that of its values, not of the times without any", () => {
  const min = new WindowExtreme("min");
  expect(valuesAt(min, 0)).toEqual([0]);
  min.note(7, 1_000);
  min.note(9, 31_000);
  expect(valuesAt(min, 32_000, 61_000, 120_000)).toEqual([7, 9, 0]);
});
