import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeUnscaled, encodeUnscaled, javaDecimal, parseDecimal } from "../../../../src/api/index.js";

describe("decimals", () => {
  test.each([
    [156n, 2, "1.56"],
    [150n, 2, "1.50"],
    [-5n, 3, "-0.005"],
    [0n, 2, "0.00"],
    [1n, 6, "0.000001"],
    [1n, 7, "1E-7"],
    [123n, 10, "1.23E-8"],
    [123n, -3, "1.23E+5"],
    [7n, 0, "7"],
    [0n, -2, "0E+2"],
  ])("the decimal of %s with scale %d is written %s", (unscaled, scale, text) => {
    expect(javaDecimal(unscaled, scale)).toBe(text);
  });

  test("unscaled values read back from their shortest bytes", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }), (value) => {
        const bytes = encodeUnscaled(value);
        expect(decodeUnscaled(bytes)).toBe(value);
        const shorter = bytes.subarray(1);
        if (shorter.length > 0) expect(decodeUnscaled(shorter) === value).toBe(false);
      }),
    );
    expect(encodeUnscaled(0n)).toEqual(Buffer.from([0]));
    expect(encodeUnscaled(128n)).toEqual(Buffer.from([0, 128]));
    expect(encodeUnscaled(-128n)).toEqual(Buffer.from([128]));
  });

  test("a decimal's text reads back to its digits", () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 90n), 2n ** 90n), fc.integer({ min: -30, max: 30 }), (unscaled, scale) => {
        const read = parseDecimal(javaDecimal(unscaled, scale));
        expect(read).toEqual({ unscaled, scale });
      }),
    );
    expect(parseDecimal(".")).toBeUndefined();
    expect(parseDecimal("1e999999")).toBeUndefined();
  });

  test("unscaled values are as short as Java's", () => {
    const encodings: [bigint, string][] = [
      [0n, "00"],
      [127n, "7f"],
      [128n, "0080"],
      [-128n, "80"],
      [-129n, "ff7f"],
      [2n ** 47n - 1n, "7fffffffffff"],
      [2n ** 47n, "00800000000000"],
      [-(2n ** 63n), "8000000000000000"],
      [2n ** 63n, "008000000000000000"],
    ];
    for (const [value, hex] of encodings) {
      expect(encodeUnscaled(value).toString("hex")).toBe(hex);
      if (Number.isSafeInteger(Number(value))) expect(encodeUnscaled(Number(value)).toString("hex")).toBe(hex);
    }
  });
});
