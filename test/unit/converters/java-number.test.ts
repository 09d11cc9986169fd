import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeUnscaled,
  encodeUnscaled,
  javaDecimal,
  javaDouble,
  javaFloat,
  parseDecimal,
} from "../../../src/converters/java-number.js";

describe("numbers in Java's spelling", () => {
  test.each([
    [0, "0.0"],
    [-0, "-0.0"],
    [1, "1.0"],
    [100000, "100000.0"],
    [0.001, "0.001"],
    [0.0001, "1.0E-4"],
    [9999999, "9999999.0"],
    [1e7, "1.0E7"],
    [16777216, "1.6777216E7"],
    [-1e300, "-1.0E300"],
    [1e-10, "1.0E-10"],
    [1.2345678912345679e8, "1.2345678912345679E8"],
    [9.223372036854776e16, "9.223372036854776E16"],
    [5e-324, "4.9E-324"],
    [12.34, "12.34"],
    [Number.NaN, "NaN"],
    [Number.NEGATIVE_INFINITY, "-Infinity"],
  ])("double %d is written %s", (value, text) => {
    expect(javaDouble(value)).toBe(text);
  });

  test.each([
    [12.34, "12.34"],
    [Math.fround(12.34), "12.34"],
    [3.4028234663852886e38, "3.4028235E38"],
    [0.1, "0.1"],
    [1e10, "1.0E10"],
    [16777216, "1.6777216E7"],
    [-0, "-0.0"],
    [2 ** -149, "1.4E-45"],
    [Number.POSITIVE_INFINITY, "Infinity"],
  ])("float %d is written %s", (value, text) => {
    expect(javaFloat(value)).toBe(text);
  });

  test("every double and float reads back as itself", () => {
    fc.assert(fc.property(fc.double({ noNaN: true }), (value) => Object.is(Number(javaDouble(value)), value)));
    fc.assert(
      fc.property(fc.float({ noNaN: true }), (value) => Object.is(Math.fround(Number(javaFloat(value))), value)),
    );
  });

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

  test("unscaled values keep their number through the shortest bytes", () => {
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
});
