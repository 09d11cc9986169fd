import { describe, expect, test } from "vitest";
import {
  ArrayStruct,
  arrayOf,
  BYTES,
  FLOAT64,
  INT32,
  INT64,
  LOGICAL,
  mapOf,
  OPTIONAL_STRING,
  primitive,
  STRING,
  structOf,
} from "../../../../src/api/index.js";
import { parseExpression } from "../../../../src/transforms/expression/expression.js";
import { sourceRecord } from "../transformed.js";

const decimal = primitive("bytes", { name: LOGICAL.decimal, version: 1, parameters: { scale: "2" } });
const row = structOf([
  ["id", INT32],
  ["big", INT64],
  ["name", primitive("string", { optional: true, defaultValue: "none" })],
  ["note", OPTIONAL_STRING],
  ["price", decimal],
  ["weight", FLOAT64],
  ["tags", arrayOf(STRING)],
  ["counts", mapOf(STRING, INT32)],
  ["raw", BYTES],
  ["day", primitive("int32", { name: LOGICAL.date, version: 1 })],
]);
const schema = structOf([
  ["op", STRING],
  ["after", row],
]);
const after = new ArrayStruct(row, [
  ...[7, 2n ** 60n, null, null, Buffer.from("00ff", "hex"), 1.5, ["a", "b"], new Map([["k", 1]]), Buffer.from("x"), 5],
]);
const record = sourceRecord({
  topic: "shop.orders",
  value: new ArrayStruct(schema, ["u", after]),
  headers: [{ key: "h", schema: INT32, value: 3 }],
});
const result = (source: string) => parseExpression("condition", source)(record);

describe("expressions", () => {
  test.each([
    ["value.op == 'u' && value.after.id > 5", true],
    ['value.op != "u" || value.after.id >= 8', false],
    ["value.after.big == 1152921504606846976L", true],
    ["value.after.price == 2.55 && value.after.price < 2.6", true],
    ["value.after.weight == 1.5", true],
    ["value.after.counts == value.after.counts && value.after == value.after", true],
    ["value.after.name == 'none'", true],
    ["value.after.getString('name') == null", true],
    ["value.after.note == null && value.after.note?.trim() == null", true],
    ["value.after.note ?: 'empty'", "empty"],
    ["null < 5 && null <= null", true],
    ["value.after.tags[0] + value.after.tags[-1] + value.after.id", "ab7"],
    ["value.after.tags[5]", null],
    ["'b' in value.after.tags && value.after.counts.k == 1 && value.after.counts['x'] == null", true],
    ["header.h.value == 3 && !header.containsKey('x')", true],
    ["topic ==~ 'shop[.].*' ? 'yes' : 'no'", "yes"],
    ["topic.matches('x')", false],
    ["value.after.'id' - 2 * 3 % 4", 5n],
    ["valueSchema.name() == null && keySchema == null && key == null", true],
    ["-value.after.id", -7n],
    ["'it\\'s \\u0041'", "it's A"],
    ["true ? false ? 1 : 2 : 3", 2n],
    ["value.after.raw != null && value.after.day != null", true],
    ["(value.after.tags.size() == 2) == true", true],
    ["topic.substring(5).toUpperCase().replace('OR', '$&')", "$&DERS"],
    ["'12'.toInteger() == 12", true],
  ])("%s", (source, expected) => {
    expect(result(source)).toEqual(expected);
  });

  test.each([
    ["value.op = 'u'", 10],
    ["topic; topic", 6],
    ["new Date()", 1],
    ["valu.op", 1],
    ["value.getClass()", 7],
    ["value.class", 7],
    ["value.op.getBytes()", 10],
    ["value.op == 'u", 13],
    ["value.op ==", 12],
    ['"topic $topic"', 8],
    ["value.after.id <=> 5", 16],
    ["topic ==~ value.op", 11],
    ["topic.size(1)", 7],
    ["1..5", 2],
    ["[1, 2", 6],
    ["a", 1],
    ["value.after.id / 2", 16],
    ["010", 1],
    ["!".repeat(200), 100],
    ["topic 'x'", 7],
  ])("refuses %s with the position", (source, position) => {
    expect(() => parseExpression("condition", source)).toThrow(
      expect.objectContaining({ key: "condition", message: expect.stringContaining(`at position ${position}:`) }),
    );
  });

  test("a pattern is judged with the configuration", () => {
    expect(() => parseExpression("condition", "topic ==~ '('")).toThrow(/condition/);
  });

  test.each([
    ["value.after.nothing == 1", /position 13: nothing is not a valid field name/],
    ["value.after.note.trim() == ''", /position 18: a text is expected, not null/],
    ["key.id", /position 5: null has no id/],
    ["value.after.raw == value.op", /bytes can only be compared with null/],
    ["value.after.day > 3", /a date or time is neither smaller nor larger/],
    ["value.after.id > '3'", /an integer is neither smaller/],
    ["value.after.getInt64('id')", /is of type int32/],
    ["value.after.weight + ''", /cannot become part of a text/],
    ["value.after.id % 0", /remainder of 0/],
    ["value.after.big * 1000", /more than 64 bits/],
    ["topic.substring(50)", /outside of the text/],
    ["header.x.value", /null has no value/],
  ])("fails on the record in %s", (source, message) => {
    expect(() => result(source)).toThrow(expect.objectContaining({ message: expect.stringMatching(message) }));
  });
});
