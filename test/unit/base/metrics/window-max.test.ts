import { expect, test } from "vitest";
import { WindowMax } from "../../../../src/base/metrics/window-max.js";

test("a maximum is remembered for 30 to 60 seconds", () => {
  const max = new WindowMax();
  expect(max.max(0)).toBe(0);
  max.note(5, 29_000);
  max.note(3, 31_000);
  expect(max.max(59_999)).toBe(5);
  expect(max.max(60_000)).toBe(3);
  expect(max.max(90_000)).toBe(0);
  max.note(7, 1e6);
  expect(max.max(2e6)).toBe(0);
});
