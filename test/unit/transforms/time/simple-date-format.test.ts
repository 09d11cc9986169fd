import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { calendarDay, epochDayOf } from "../../../../src/transforms/time/julian-days.js";
import { SimpleDateFormat } from "../../../../src/transforms/time/simple-date-format.js";

/** 2023-11-14: the century of years of two digits begins in November 1943. */
const clock = new SimClock(1_700_000_000_123);
const format = (pattern: string) => new SimpleDateFormat("format", pattern, clock);
const iso = (pattern: string, text: string) => new Date(Number(format(pattern).parse(text))).toISOString();

describe("formatting", () => {
  const MS = Date.parse("2023-11-05T03:04:05.006Z");

  test.each([
    ["G y yy yyyy yyyyyy", "AD 2023 23 2023 002023"],
    ["M MM MMM MMMM LLL", "11 11 Nov November Nov"],
    ["d dd D DDDD F", "5 05 309 0309 1"],
    ["E EEEE u w W YYYY", "Sun Sunday 7 45 2 2023"],
    ["H HH k K h a", "3 03 3 3 3 AM"],
    ["m ss S SSSSSS", "4 05 6 000006"],
    ["z zzzz Z X XX XXX", "UTC Coordinated Universal Time +0000 Z Z Z"],
    ["'T' '' 'o''clock' .:-", "T ' o'clock .:-"],
  ])("%s", (pattern, text) => {
    expect(format(pattern).format(MS)).toBe(text);
  });

  test("days before 1582-10-15 are Julian, and years before 1 are BC", () => {
    const print = (isoText: string) => format("yyyy-MM-dd G").format(Date.parse(isoText));
    expect(print("1582-10-15T00:00Z")).toBe("1582-10-15 AD");
    expect(print("1582-10-14T00:00Z")).toBe("1582-10-04 AD");
    expect(print("0000-12-30T00:00Z")).toBe("0001-01-01 AD");
    expect(print("0000-12-29T00:00Z")).toBe("0001-12-31 BC");
  });

  test("the last days of December belong to the week of 1 January", () => {
    expect(format("YYYY-ww").format(Date.parse("2023-12-31T00:00Z"))).toBe("2024-01");
  });

  test("times beyond JavaScript's dates are printed", () => {
    expect(format("dd MMM yyyy G").format(-(2n ** 63n))).toBe("02 Dec 292269055 BC");
  });
});

describe("reading", () => {
  test.each([
    ["yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2023-11-14T22:13:20.123+01:30", "2023-11-14T20:43:20.123Z"],
    ["yyyyMMdd", "20231114 and more", "2023-11-14T00:00:00.000Z"],
    ["yyyy-MM-dd", "2023-13-45", "2024-02-14T00:00:00.000Z"],
    ["d MMM yyyy", " 7 september 2023", "2023-09-07T00:00:00.000Z"],
    ["hh:mm a, EEE d/M/yy", "12:30 pm, Tue 14/11/23", "2023-11-14T12:30:00.000Z"],
    ["yyyy.DDD HH", "2024.366 25", "2025-01-01T01:00:00.000Z"],
    ["yyyy-MM-dd Z", "2023-11-14 GMT-1:00", "2023-11-14T01:00:00.000Z"],
    ["yyyy-MM-dd z", "2023-11-14 UTC", "2023-11-14T00:00:00.000Z"],
    ["kk:mm", "24:01", "1970-01-01T00:01:00.000Z"],
  ])("%s of %s", (pattern, text, expected) => {
    expect(iso(pattern, text)).toBe(expected);
  });

  test("years of two digits lie within the century that began 80 years ago", () => {
    expect([iso("d/M/yy", "13/11/43"), iso("d/M/yy", "15/11/43"), iso("d/M/yy", "1/1/42")]).toEqual([
      "2043-11-13T00:00:00.000Z",
      "1943-11-15T00:00:00.000Z",
      "2042-01-01T00:00:00.000Z",
    ]);
    expect(iso("d/M/yy", "1/1/2042")).toBe("2042-01-01T00:00:00.000Z");
  });

  test("texts that do not match, and zones by other names, are refused", () => {
    for (const [pattern, text] of [
      ["yyyy-MM-dd", "2023/11/14"],
      ["yyyy-MM-dd", ""],
      ["MMM", "Foo"],
      ["z", "PST"],
      ["XXX", "+0100"],
      ["X", "+24"],
    ] as const)
      expect(() => format(pattern).parse(text)).toThrow("Could not parse timestamp: value does not match pattern");
  });
});

test("every day is read back as it was printed", () => {
  fc.assert(
    fc.property(fc.integer({ min: -2_000_000, max: 2_000_000 }), (day) => {
      expect(epochDayOf(calendarDay(day))).toBe(day);
    }),
    { numRuns: 5000 },
  );
});
