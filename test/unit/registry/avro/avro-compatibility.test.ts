import { describe, expect, test } from "vitest";
import { avroKind } from "../../../../src/registry/avro/avro-kind.js";

const parse = (text: string) => avroKind.parse(text, new Map(), true);
/** The faults of reading data of `older` with `newer`. */
const faults = (older: string, newer: string) => avroKind.faults(parse(newer), parse(older), false);
const record = (fields: string, name = "R") => `{"type":"record","name":"${name}","fields":[${fields}]}`;

describe("a reader and a writer", () => {
  test.each([
    ["int", "long"],
    ["bytes", "string"],
    ["string", "bytes"],
    ["int", "float"],
    ["float", "double"],
  ])("%s is read as %s", (older, newer) => expect(faults(`"${older}"`, `"${newer}"`)).toEqual([]));

  test.each([
    ['"int"', '["long","string"]'],
    [record("", "a.R"), record("", "b.R")],
    [record("", "a.Old"), '{"type":"record","name":"New","aliases":["a.Old"],"fields":[]}'],
    [record('{"name":"a","type":"int"}'), record('{"name":"b","type":"int","aliases":["a"]}')],
    [record('{"name":"a","type":"int"}'), record("")],
    [record(""), record('{"name":"a","type":"int","default":1}')],
    ['{"type":"enum","name":"E","symbols":["A","B"]}', '{"type":"enum","name":"E","symbols":["A"],"default":"A"}'],
    [
      '{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}',
      '{"type":"bytes","logicalType":"decimal","precision":4,"scale":1}',
    ],
    [record('{"name":"n","type":["null","R"]}'), record('{"name":"n","type":["null","R"]}')],
  ])("%s is read as %s", (older, newer) => expect(faults(older, newer)).toEqual([]));

  test.each([
    [
      record(""),
      record("", "S"),
      "{errorType:'NAME_MISMATCH', description:'The name of the schema has changed (path '/name')', additionalInfo:'expected: R'}",
    ],
    [
      '{"type":"fixed","name":"F","size":4}',
      '{"type":"fixed","name":"F","size":5}',
      "{errorType:'FIXED_SIZE_MISMATCH', description:'The size of FIXED type field at path '/size' in the %s schema does not match with the %s schema', additionalInfo:'expected: 4, found: 5'}",
    ],
    [
      '{"type":"enum","name":"E","symbols":["A","C","B"]}',
      '{"type":"enum","name":"E","symbols":["A"]}',
      "{errorType:'MISSING_ENUM_SYMBOLS', description:'The %s schema is missing enum symbols '[B, C]' at path '/symbols' in the %s schema', additionalInfo:'[B, C]'}",
    ],
    [
      record('{"name":"a","type":"string"}'),
      record('{"name":"a","type":"string"},{"name":"b","type":"int"}'),
      "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'b' at path '/fields/1' in the %s schema has no default value and is missing in the %s schema', additionalInfo:'b'}",
    ],
    [
      '"string"',
      '"int"',
      "{errorType:'TYPE_MISMATCH', description:'The type (path '/') of a field in the %s schema does not match with the %s schema', additionalInfo:'reader type: INT not compatible with writer type: STRING'}",
    ],
    [
      '["null","string","int"]',
      '["null","string"]',
      "{errorType:'MISSING_UNION_BRANCH', description:'The %s schema is missing a type inside a union field at path '/2' in the %s schema', additionalInfo:'reader union lacking writer type: INT'}",
    ],
  ])("%s is not read as %s", (older, newer, line) => expect(faults(older, newer)).toEqual([line]));

  test.each([
    ['["null","int"]', '"int"', ["TYPE_MISMATCH /0"]],
    ['"boolean"', '["null","int"]', ["MISSING_UNION_BRANCH /"]],
    ['{"type":"array","items":"string"}', '{"type":"array","items":"int"}', ["TYPE_MISMATCH /items"]],
    ['{"type":"map","values":"string"}', '{"type":"map","values":"int"}', ["TYPE_MISMATCH /values"]],
    [
      record('{"name":"a","type":"string"},{"name":"b","type":"long"}'),
      record('{"name":"b","type":"int"},{"name":"c","type":"int"},{"name":"a","type":"int"}'),
      ["TYPE_MISMATCH /fields/0/type", "READER_FIELD_MISSING_DEFAULT_VALUE /fields/1", "TYPE_MISMATCH /fields/2/type"],
    ],
    [
      record(""),
      record('{"name":"e","type":{"type":"enum","name":"E","symbols":["A"],"default":"A"}}'),
      ["TYPE_MISMATCH /fields/0/type"],
    ],
  ])("%s as %s has all faults, in the order of fields", (older, newer, expected) => {
    const places = faults(older, newer).map((line) => {
      const [, type] = /errorType:'(\w+)'/.exec(line)!;
      return `${type} ${/path '([^']*)'/.exec(line)![1]}`;
    });
    expect(places).toEqual(expected);
  });
});

test("a type that is used everywhere has no more than a thousand faults", () => {
  const chain = (leaf: string) => {
    let type = `"${leaf}"`;
    for (let at = 40; at > 0; at--) {
      const again = at === 40 ? type : `"R${at + 1}"`;
      type = record(`{"name":"l","type":${type}},{"name":"r","type":${again}}`, `R${at}`);
    }
    return type;
  };
  expect(faults(chain("int"), chain("string"))).toHaveLength(1000);
});
