import { expect, test } from "vitest";
import { WindowExtreme } from "../../../../src/base/metrics/window-extreme.js";

test("a maximum is remembered for 30 to 60 seconds", () => {
  const max = new WindowExtreme("max");
  expect(max.value(0)).toBe(0);
  max.note(5, 29_000);
  max.note(3, 31_000);
  expect(max.value(59_999)).toBe(5);
  expect(max.value(60_000)).toBe(3);
  expect(max.value(90_000)).toBe(0);
  max.note(7, 1e6);
  expect(max.value(2e6)).toBe(0);
});

test("the smallest value of a window is that of its values, not of the times without any", () => {
  const min = new WindowExtreme("min");
  expect(min.value(0)).toBe(0);
  min.note(7, 1_000);
  min.note(9, 31_000);
  expect(min.value(32_000)).toBe(7);
  expect(min.value(61_000)).toBe(9);
  expect(min.value(120_000)).toBe(0);
});
