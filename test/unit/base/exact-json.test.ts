import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseExactJson, parseJsonNumbers, sourceMapKey, writeExactJson } from "../../../src/base/exact-json.js";

describe("exact JSON", () => {
  test("keeps integers beyond 2^53", () => {
    expect(parseExactJson('{"a":9007199254740993,"b":[-9223372036854775808,1,1.5,1e3]}')).toEqual({
      a: 9007199254740993n,
      b: [-9223372036854775808n, 1, 1.5, 1000],
    });
  });

  test("passes numbers on as text, and leaves digits in strings and keys alone", () => {
    const literals: string[] = [];
    const value = parseJsonNumbers('{"1":1.0,"a \\" 2":"3","k\\u0000":[1e3, -0]}', (literal) => {
      literals.push(literal);
      return literal;
    });
    expect(literals).toEqual(["1.0", "1e3", "-0"]);
    expect(value).toEqual({ "1": "1.0", 'a " 2': "3", "k\u0000": ["1e3", "-0"] });
  });

  test("does not mistake a string that begins with NUL for a number", () => {
    expect(parseExactJson('["\\u00007","\\u0000"]')).toEqual(["\u00007", "\u0000"]);
  });

  test("refuses invalid JSON with the message of JSON.parse", () => {
    for (const text of ["", "{", "[1,]", "01", "1 2", '{"a":1}x', "nul"]) {
      expect(() => parseExactJson(text), text).toThrow(SyntaxError);
    }
  });

  test("reads back everything that JSON.stringify writes", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(parseJsonNumbers(text, Number)).toEqual(JSON.parse(text));
      }),
    );
  });

  test("writes the values it reads, including bigints", () => {
    const atom = fc.oneof(
      fc.bigInt({ min: 2n ** 53n, max: 2n ** 70n }),
      fc.string({ unit: "binary" }),
      fc.boolean(),
      fc.integer(),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.oneof(atom, fc.array(atom)), { noNullPrototype: true }), (value) => {
        expect(parseExactJson(writeExactJson(value))).toEqual(value);
      }),
    );
  });

  test("writes the same with and without a bigint beside it", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(writeExactJson([value, 1n])).toBe(`[${writeExactJson(value)},1]`);
      }),
    );
  });

  test("writes characters beyond the basic plane as Jackson does", () => {
    expect(writeExactJson({ a: "🙂é", b: undefined })).toBe('{"a":"\\uD83D\\uDE42é"}');
  });
});

test("the key of a partition depends neither on the order of entries nor on bigint", () => {
  expect(sourceMapKey({ a: 1, b: "x" })).toBe(sourceMapKey({ b: "x", a: 1n }));
  expect(sourceMapKey({ a: 1 })).not.toBe(sourceMapKey({ a: "1" }));
  expect(sourceMapKey({ a: null })).not.toBe(sourceMapKey({ a: "null" }));
});
