import { describe, expect, test } from "vitest";
import { avroKind } from "../../../../src/registry/avro/avro-kind.js";

const parse = (text: string, references: Record<string, string> = {}, isNew = true) =>
  avroKind.parse(text, new Map(Object.entries(references)), isNew);
const record = (fields: string, more = "") => `{"type":"record","name":"R"${more},"fields":[${fields}]}`;

describe("the canonical text", () => {
  test.each([
    [
      '{"type":"record","name":"n.A","fields":[{"type":"int","name":"f"}]}',
      '{"type":"record","name":"A","namespace":"n","fields":[{"name":"f","type":"int"}]}',
    ],
    ['{"type":"string"}', '"string"'],
    [
      '{"type":"bytes","precision":4,"logicalType":"decimal","scale":0}',
      '{"type":"bytes","precision":4,"logicalType":"decimal","scale":0}',
    ],
    [
      '{"x":1,"aliases":["B","o.C"],"doc":"d","fields":[],"name":"A","namespace":"n","type":"record"}',
      '{"type":"record","name":"A","namespace":"n","doc":"d","fields":[],"x":1,"aliases":["B","o.C"]}',
    ],
    [
      record('{"p":1,"aliases":["b"],"order":"descending","default":1.50,"doc":"d","type":"double","name":"a"}'),
      record('{"name":"a","type":"double","doc":"d","default":1.5,"order":"descending","aliases":["b"],"p":1}'),
    ],
    [
      '{"type":"enum","name":"E","default":"A","symbols":["A","B"],"doc":"d","k":"v"}',
      '{"type":"enum","name":"E","doc":"d","symbols":["A","B"],"default":"A","k":"v"}',
    ],
    ['{"size":4,"name":"F","type":"fixed"}', '{"type":"fixed","name":"F","size":4}'],
    [
      record('{"name":"a","type":{"type":"record","name":"n.B","fields":[]}},{"name":"b","type":"n.B"}'),
      record('{"name":"a","type":{"type":"record","name":"B","namespace":"n","fields":[]}},{"name":"b","type":"n.B"}'),
    ],
    [
      record('{"name":"a","type":{"type":"record","name":"B","namespace":"","fields":[]}}', ',"namespace":"n"'),
      record('{"name":"a","type":{"type":"record","name":"B","namespace":"","fields":[]}}', ',"namespace":"n"'),
    ],
    [
      record('{"name":"next","type":["null","R"],"default":null}'),
      record('{"name":"next","type":["null","R"],"default":null}'),
    ],
    ['{"type":"array","items":{"type":"map","values":"é.X"},"k":1}', undefined],
  ])("of %s", (text, canonical) => {
    if (canonical === undefined) expect(() => parse(text)).toThrow("Undefined schema: é.X");
    else expect(parse(text).text).toBe(canonical);
  });

  test("has a type that is used before it is defined where it is used first", () => {
    const inner = '{"type":"record","name":"S","fields":[{"name":"r","type":["null","R"]}]}';
    expect(parse(record(`{"name":"a","type":"S"},{"name":"b","type":${inner}}`)).text).toBe(
      record(`{"name":"a","type":${inner}},{"name":"b","type":"S"}`),
    );
  });

  test("keeps defaults that are no numbers, and takes texts of numbers for them", () => {
    const fields = '{"name":"a","type":"double","default":"NaN"},{"name":"b","type":"double","default":"1.5"}';
    expect(parse(record(fields)).text).toBe(record(fields.replace('"1.5"', "1.5")));
  });

  test("names types of references only, and inlines them when they are to be resolved", () => {
    const reference = '{"type":"record","name":"n.A","fields":[]}';
    const schema = parse(record('{"name":"a","type":"n.A"}'), { "n.A": reference });
    expect(schema.text).toBe(record('{"name":"a","type":"n.A"}'));
    expect(schema.formatted("resolved")).toBe(
      record('{"name":"a","type":{"type":"record","name":"A","namespace":"n","fields":[]}}'),
    );
  });
});

describe("the normal form", () => {
  test.each([
    [
      '{"type":"bytes","scale":2,"z":{"d":1,"c":2},"precision":4,"a":1,"logicalType":"decimal"}',
      '{"type":"bytes","logicalType":"decimal","precision":4,"scale":2,"a":1,"z":{"c":2,"d":1}}',
    ],
    [
      '{"type":"bytes","scale":0,"precision":4,"a":1,"logicalType":"decimal"}',
      '{"type":"bytes","logicalType":"decimal","precision":4,"a":1,"scale":0}',
    ],
    ['{"type":"string","z":1,"logicalType":"date"}', '{"type":"string","logicalType":"date","z":1}'],
    [
      '{"type":"error","name":"R","doc":"","aliases":["Z","A"],"fields":[{"name":"a","doc":"","type":"int"}]}',
      '{"type":"record","name":"R","fields":[{"name":"a","type":"int","doc":""}],"aliases":["A","Z"]}',
    ],
    [
      record('{"name":"a","type":{"type":"record","name":"B","namespace":"","fields":[]}}', ',"namespace":"n"'),
      record('{"name":"a","type":{"type":"record","name":"B","fields":[]}}', ',"namespace":"n"'),
    ],
  ])("of %s", (text, normal) => expect(parse(text).normalized().text).toBe(normal));
});

describe("equivalence", () => {
  test("does not depend on the order of keys", () => {
    const one = parse('{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"int","x":1,"y":2}}]}');
    const other = parse('{"fields":[{"type":{"y":2,"x":1,"type":"int"},"name":"a"}],"name":"R","type":"record"}');
    expect(one.text).not.toBe(other.text);
    expect(one.isEquivalent(other)).toBe(true);
  });

  test.each([
    [record("", ',"doc":"d"'), record("")],
    [record("", ',"aliases":["B"]'), record("")],
    [record("", ',"namespace":"n"'), record("")],
    ['{"type":"enum","name":"E","symbols":["A"],"default":"A"}', '{"type":"enum","name":"E","symbols":["A"]}'],
  ])("tells %s from %s", (one, other) => expect(parse(one).isEquivalent(parse(other))).toBe(false));
});

describe("parsing", () => {
  test.each([
    [record('{"name":"a-b","type":"int"}'), "Illegal character in: a-b"],
    [record('{"name":"1a","type":"int"}'), "Illegal initial character: 1a"],
    [record('{"name":"x","type":"int","default":"q"}'), 'Invalid default for field x: "q" not a "int"'],
    ['{"type":"enum","name":"E","symbols":["A","A"]}', "Duplicate enum symbol: A"],
    [record('{"name":"a","type":"Foo"}'), "Undefined schema: Foo"],
    [
      record('{"name":"a","type":"int"},{"name":"a","type":"int"}'),
      "Duplicate field a in record R: a type:INT pos:1 and a type:INT pos:0.",
    ],
    ['{"type":"record","name":"R"}', "Record has no fields"],
    ['["int","int"]', "Duplicate in union:int"],
    ['["int",["null"]]', "Nested union"],
    ['{"type":{"type":"string"}}', "No type"],
    ['{"type":"foo"}', "Type not supported: foo"],
    ['{"type":"fixed","name":"F"}', "Invalid or no size"],
    ['{"type":"record","name":"R","namespace":"a-b","fields":[]}', 'Namespace part "a-b" is invalid'],
    ["nope", "Unrecognized token 'nope'"],
    [record('{"name":"a","type":{"type":"record","name":"R","fields":[]}}'), "Can't redefine: R"],
  ])("refuses %s", (text, message) => expect(() => parse(text)).toThrow(message));

  test("takes defaults of any branch of a union, as Avro 1.12 does", () => {
    expect(parse(record('{"name":"a","type":["null","int"],"default":4}')).text).toContain('"default":4');
  });

  test("takes what is stored with names and defaults that are not allowed any more", () => {
    expect(parse(record('{"name":"é","type":"int","default":"q"}'), {}, false).text).toContain('"name":"é"');
  });
});
