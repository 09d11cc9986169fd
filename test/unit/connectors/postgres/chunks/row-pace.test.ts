import { expect, test } from "vitest";
import { RowPace } from "../../../../../connectors/postgres/chunks/row-pace.js";

test("rows are spread over time, in portions, and idle time is not made up for", () => {
  const pace = new RowPace(100);
  expect([pace.most(256), pace.most(3)]).toEqual([10, 3]);
  expect(pace.waitMs(0)).toBe(0);
  pace.take(10, 0);
  expect([pace.waitMs(0), pace.waitMs(40), pace.waitMs(100)]).toEqual([100, 60, 0]);
  pace.take(5, 1000);
  expect(pace.waitMs(1000)).toBe(50);
});

test("without a limit nothing waits", () => {
  const pace = new RowPace(0);
  pace.take(1_000_000, 0);
  expect([pace.most(256), pace.waitMs(0)]).toEqual([256, 0]);
});
