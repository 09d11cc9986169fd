import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jsonFaultAt } from "../../../src/rest/json-fault.js";

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe("the position where a text stops being JSON", () => {
  test.each([
    ["", 0],
    ["  ", 2],
    ["x", 0],
    ['{"a":1', 6],
    ['{"a":1,}', 7],
    ['{"a" 1}', 5],
    ['["a\nb"]', 1],
    ["[1,2}", 4],
    ["[]]", 2],
    ["{} more", 3],
    ["01", 1],
    [' {"a":[1,"\\u00e9",{"b":null}]} ', undefined],
  ])("%j: %j", (text, at) => {
    expect(jsonFaultAt(text)).toBe(at);
  });

  test("is undefined exactly for JSON", () => {
    const piece = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"a"',
      '"',
      "\\",
      "\n",
      "1",
      "-",
      "0",
      ".5",
      "e",
      "null",
    );
    const spliced = fc.tuple(fc.jsonValue(), fc.nat(), fc.nat(3), piece).map(([value, at, cut, text]) => {
      const json = JSON.stringify(value, undefined, at % 3);
      const from = at % (json.length + 1);
      return json.slice(0, from) + text + json.slice(from + cut);
    });
    const texts = fc.oneof(
      fc.json(),
      spliced,
      fc.array(piece).map((pieces) => pieces.join("")),
    );
    fc.assert(fc.property(texts, (text) => (jsonFaultAt(text) === undefined) === isJson(text)));
  });
});
