import { expect, test } from "vitest";
import { type ConnectValue, javaHashOrder } from "../../../../src/api/index.js";

const inOrder = (keys: readonly ConnectValue[]) => javaHashOrder(keys).map((at) => keys[at]);

// As a java.util.HashMap lists them.
test.each<[string, readonly ConnectValue[], readonly ConnectValue[]]>([
  ["texts", ["key4", "key5"], ["key5", "key4"]],
  ["texts of one hash, as filled", ["BB", "Aa"], ["BB", "Aa"]],
  ["numbers, small and large", [17, 2, 2n ** 40n, -1], [2n ** 40n, -1, 17, 2]],
  ["booleans", [true, false], [false, true]],
])("%s", (_what, keys, expected) => {
  expect(inOrder(keys)).toEqual(expected);
});

test("more keys than twelve need a larger table", () => {
  const keys = Array.from({ length: 13 }, (_, at) => 31 - at);
  expect(inOrder(keys)).toEqual([...keys].reverse());
});
