import { expect, test } from "vitest";
import { ownNumbers } from "../../../../src/worker/task/own-numbers.js";

test("of what a plugin reports, only named finite numbers are kept, and not too many", () => {
  expect(ownNumbers({ rows: 5, "Bad name": 1, text: "x", nothing: Number.NaN, big: 1n, rows_left: 0 })).toEqual({
    rows: 5,
    rows_left: 0,
  });
  for (const reported of [undefined, null, "rows", 5, Promise.resolve({ rows: 1 })])
    expect(ownNumbers(reported)).toEqual({});
  const many = Object.fromEntries(Array.from({ length: 80 }, (_, at) => [`n${at}`, at]));
  expect(Object.keys(ownNumbers(many))).toHaveLength(50);
});
