import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { javaDouble, javaFloat } from "../../../../src/api/values/java-number.js";

describe("numbers in Java's notation", () => {
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
});
