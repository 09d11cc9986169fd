import fc from "fast-check";
import { expect, test } from "vitest";
import { textHash } from "../../../../src/demo/check/text-hash.js";

test("a hash is a safe integer, and tells any two texts apart", () =>
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (one, other) => {
      expect(Number.isSafeInteger(textHash(one))).toBe(true);
      expect(textHash(one) === textHash(other)).toBe(one === other);
    }),
  ));

test("texts that differ in one place only, or in order, do not collide", () => {
  const texts = Array.from({ length: 200_000 }, (_, i) => `id=${i},name="x",version=${i % 7},`);
  expect(new Set(texts.map(textHash)).size).toBe(texts.length);
  expect(textHash("ab")).not.toBe(textHash("ba"));
});
