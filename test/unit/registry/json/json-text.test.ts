import { describe, expect, test } from "vitest";
import { decimalText, doubleText } from "../../../../src/registry/json/java-numbers.js";
import { isSameJson, sortedJson } from "../../../../src/registry/json/json-value.js";
import { JsonFault, readJson } from "../../../../src/registry/json/read-json.js";
import { writeJson } from "../../../../src/registry/json/write-json.js";

describe("JSON", () => {
  test("keeps the order of keys, also of keys that are numbers, and the text of numbers", () => {
    const text = '{"b":1.0,"10":[1e2,-0.5],"2":{"z":null,"a":true},"é":"\\u0001\\n\\"/"}';
    expect(writeJson(readJson(text))).toBe(text);
  });

  test("takes the last of two values of one key, at the place of the first", () => {
    expect(writeJson(readJson('{"a":1,"b":2,"a":3}'))).toBe('{"a":3,"b":2}');
  });

  test("sorts keys at every depth, and no arrays", () => {
    expect(writeJson(sortedJson(readJson('{"b":[2,1,{"d":1,"c":2}],"a":0}')))).toBe('{"a":0,"b":[2,1,{"c":2,"d":1}]}');
  });

  test("compares without the order of keys", () => {
    expect(isSameJson(readJson('{"a":1,"b":[2]}'), readJson('{"b":[2],"a":1}'))).toBe(true);
    expect(isSameJson(readJson('{"a":1}'), readJson('{"a":1.0}'))).toBe(false);
  });

  test.each([
    ["{", "Unexpected end-of-input"],
    ["", "Unexpected end-of-input"],
    ["nope", "Unrecognized token 'nope'"],
    ['{"a" 1}', "was expecting a colon to separate field name and value at line: 1, column: 6"],
    ["[1,]", "Unexpected character"],
    ["01", "Unrecognized token '01'"],
    ['"\n"', "has to be escaped"],
    ["1 2", "expected the end of the text"],
    ["[".repeat(1002), "Document nesting depth (1001) exceeds the maximum allowed (1000)"],
  ])("refuses %s", (text, message) => {
    expect(() => readJson(text)).toThrow(JsonFault);
    expect(() => readJson(text)).toThrow(message);
  });
});

describe("numbers", () => {
  test.each([
    ["1.50", "1.5"],
    ["1e3", "1000.0"],
    ["1e10", "1.0E10"],
    ["123456789012345678901", "123456789012345678901"],
    ["1e-4", "1.0E-4"],
    ["0.0", "0.0"],
  ])("%s is %s as Java's double", (literal, text) => expect(doubleText(literal)).toBe(text));

  test.each([
    ["1.0", "1.0"],
    ["1e2", "1E+2"],
    ["-0.0", "0.0"],
    ["0.1e1", "1"],
    ["1e0", "1"],
    ["10e-1", "1.0"],
    ["1e-7", "1E-7"],
    ["12.5e3", "1.25E+4"],
    ["0.001", "0.001"],
    ["-0", "0"],
  ])("%s is %s as Java's BigDecimal", (literal, text) => expect(decimalText(literal)).toBe(text));
});
