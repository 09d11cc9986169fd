import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareUtf8 } from "../../../../src/emulators/object-store/bucket-files.js";
import { planListing } from "../../../../src/emulators/object-store/bucket-operations.js";
import { readRange } from "../../../../src/emulators/object-store/object-operations.js";

describe("a listing", () => {
  const keys = ["a/1", "a/2", "b", "b/x", "b/y/z", "c"];
  const list = (options: Partial<Parameters<typeof planListing>[1]>) =>
    planListing(keys, { prefix: "", delimiter: "", after: "", maxKeys: 1000, ...options });

  test("rolls up what follows the delimiter", () => {
    expect(list({ delimiter: "/" })).toEqual({ keys: ["b", "c"], commonPrefixes: ["a/", "b/"], next: undefined });
  });

  test("counts a common prefix once and goes on after it", () => {
    expect(list({ delimiter: "/", maxKeys: 1 })).toEqual({ keys: [], commonPrefixes: ["a/"], next: "a/" });
    expect(list({ delimiter: "/", maxKeys: 1, after: "a/" })).toEqual({ keys: ["b"], commonPrefixes: [], next: "b" });
  });

  test("with no keys asked for is empty and not truncated", () => {
    expect(list({ maxKeys: 0 })).toEqual({ keys: [], commonPrefixes: [], next: undefined });
  });

  test("read page by page gives every entry once, in order", () =>
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ unit: fc.constantFrom("a", "b", "/", "é", "🙂"), minLength: 1, maxLength: 6 })),
        fc.constantFrom("", "/"),
        fc.constantFrom("", "a", "a/"),
        fc.integer({ min: 1, max: 4 }),
        (unsorted, delimiter, prefix, maxKeys) => {
          const sorted = [...unsorted].sort(compareUtf8);
          const whole = planListing(sorted, { prefix, delimiter, after: "", maxKeys: 1000 });
          const seen: string[] = [];
          let after: string | undefined = "";
          while (after !== undefined) {
            const page = planListing(sorted, { prefix, delimiter, after, maxKeys });
            seen.push(...page.keys, ...page.commonPrefixes);
            expect(page.keys.length + page.commonPrefixes.length).toBeLessThanOrEqual(maxKeys);
            after = page.next;
          }
          expect(seen.sort()).toEqual([...whole.keys, ...whole.commonPrefixes].sort());
        },
      ),
    ));
});

describe("a range", () => {
  test.each([
    [undefined, 10, undefined],
    ["bytes=0-3", 10, { start: 0, end: 4 }],
    ["bytes=4-", 10, { start: 4, end: 10 }],
    ["bytes=-3", 10, { start: 7, end: 10 }],
    ["bytes=-30", 10, { start: 0, end: 10 }],
    ["bytes=8-99", 10, { start: 8, end: 10 }],
    ["lines=1-2", 10, undefined],
  ])("%s of %i bytes", (range, size, expected) => {
    expect(readRange(range, size)).toEqual(expected);
  });

  test.each([
    ["bytes=10-", 10],
    ["bytes=0-0", 0],
    ["bytes=-0", 10],
  ])("%s of %i bytes cannot be satisfied", (range, size) => {
    expect(() => readRange(range, size)).toThrow(expect.objectContaining({ code: "InvalidRange", status: 416 }));
  });
});
