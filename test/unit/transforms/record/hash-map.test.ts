import { expect, test } from "vitest";
import { changedMap, hashMap } from "../../../../src/transforms/record/hash-map.js";

const NAMES = ["id", "city", "zip", "a", "b", "name"];
const keys = (count: number, capacity?: number) => [
  ...hashMap(
    NAMES.slice(0, count).map((name) => [name, 1] as const),
    capacity,
  ).keys(),
];

// Seen in Java 17.
test("the order of a HashMap depends on its capacity", () => {
  expect(keys(2, 2)).toEqual(["city", "id"]);
  expect(keys(3, 3)).toEqual(["zip", "city", "id"]);
  expect(keys(6)).toEqual(["zip", "a", "b", "city", "name", "id"]);
});

test("a copy keeps the order, with its changes in their places", () => {
  const map = hashMap(NAMES.map((name) => [name, 1] as const));
  const changes = [["z1", 2] as const, ["q", null] as const];
  expect([...changedMap(map, changes).keys()]).toEqual(["zip", "a", "q", "b", "city", "z1", "name", "id"]);
  expect(map.size).toBe(6);
});
