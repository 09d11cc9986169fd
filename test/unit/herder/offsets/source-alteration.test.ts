import { describe, expect, test } from "vitest";
import { sourceOffsetsOf } from "../../../../src/herder/offsets/source-alteration.js";

describe("submitted offsets of a source", () => {
  test("keep single values of any kind, and 64-bit integers exactly", () => {
    const partition = { a: "x", b: null, c: true };
    const offset = { at: 9223372036854775807n, ratio: 1.5 };
    expect(sourceOffsetsOf([{ partition, offset }])).toEqual([{ partition, offset }]);
  });

  test("of one partition: the last one counts, in any order of its members", () => {
    const offsets = [
      { partition: { a: 1, b: 2 }, offset: { at: 1 } },
      { partition: { b: 2, a: 1 }, offset: null },
      { partition: { a: "1", b: 2 }, offset: { at: 3 } },
    ];
    expect(sourceOffsetsOf(offsets)).toEqual(offsets.slice(1));
  });

  test.each([
    [null, null, "Partition objects cannot be null"],
    [{}, { at: {} }, "Offsets may only contain primitive types as values, but field at contains MAP"],
    [{ of: [] }, null, "Offsets may only contain primitive types as values, but field of contains ARRAY"],
    [
      {},
      { at: 9223372036854775808n },
      "Offsets may only contain primitive types as values, but field at contains an integer of more than 64 bits",
    ],
  ])("%j at %o is refused", (partition, offset, message) => {
    expect(() => sourceOffsetsOf([{ partition, offset }])).toThrow(
      expect.objectContaining({ code: "OFFSET_INVALID", message }),
    );
  });
});
