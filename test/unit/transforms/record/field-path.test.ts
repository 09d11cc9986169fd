import { expect, test } from "vitest";
import { fieldPath } from "../../../../src/transforms/record/field-path.js";

test.each([
  ["a", ["a"]],
  ["a.b.c", ["a", "b", "c"]],
  ["`a.b`.c", ["a.b", "c"]],
  ["a.`b.c`", ["a", "b.c"]],
  ["a`b.c", ["a`b", "c"]],
  ["`a`b`.c", ["a`b", "c"]],
  ["`a\\`.b`.c", ["a`.b", "c"]],
  ["a.", ["a", ""]],
  [".", ["", ""]],
  ["", [""]],
])("%s", (path, steps) => {
  expect(fieldPath("field", path)).toEqual(steps);
});

test("a backtick without a partner is refused", () => {
  for (const path of ["`a", "a.`b", "`a\\`"])
    expect(() => fieldPath("field", path)).toThrow(`Incomplete backtick pair in path: [${path}]`);
});
