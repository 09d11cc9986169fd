import { describe, expect, test } from "vitest";
import { jsonKind } from "../../../../src/registry/json-schema/json-kind.js";

const parse = (text: string, references: Record<string, string> = {}) =>
  jsonKind.parse(text, new Map(Object.entries(references)), true);
const valid = (text: string, references: Record<string, string> = {}) => {
  const parsed = parse(text, references);
  parsed.validate();
  return parsed;
};

describe("the text of a JSON Schema", () => {
  const text = '{ "b" : 1.0,"a":1e2, "z":{"y":[3,1],"x":null} }';

  test("keeps the order of keys, and numbers as exact decimals", () => {
    expect(parse(text).text).toBe('{"b":1.0,"a":1E+2,"z":{"y":[3,1],"x":null}}');
  });

  test("has its keys sorted in its normal form", () => {
    expect(parse(text).normalized().text).toBe('{"a":1E+2,"b":1.0,"z":{"x":null,"y":[3,1]}}');
  });

  test("is what two schemas are compared by", () => {
    expect(parse('{"a":1,"b":2}').isEquivalent(parse('{ "a":1,"b":2 }'))).toBe(true);
    expect(parse('{"a":1,"b":2}').isEquivalent(parse('{"b":2,"a":1}'))).toBe(false);
  });
});

describe("a JSON Schema", () => {
  test.each([
    "true",
    "{}",
    '{"$schema":"http://json-schema.org/draft-04/schema#","id":"http://x/a","maximum":3,"exclusiveMaximum":true}',
    '{"$schema":"http://json-schema.org/draft-06/schema#","const":1}',
    '{"$schema":"http://json-schema.org/draft-07/schema#","if":true,"then":{"type":"string"}}',
    '{"$schema":"https://json-schema.org/draft/2019-09/schema","$defs":{"a":{"$anchor":"x"}},"$ref":"#x"}',
    '{"$schema":"https://json-schema.org/draft/2020-12/schema","prefixItems":[{"$ref":"#/$defs/a"}],"$defs":{"a":true}}',
    '{"$ref":"#/definitions/n","definitions":{"n":{"properties":{"next":{"$ref":"#/definitions/n"}}}}}',
    '{"$ref":"#/$defs/a","definitions":{"a":{}}}',
    '{"$id":"http://x/root","properties":{"a":{"$ref":"sub"}},"definitions":{"s":{"$id":"sub","type":"string"}}}',
  ])("%s is valid", (text) => expect(valid(text).text).toBe(text));

  test.each([
    ["[1]", "Invalid JSON schema: expected an object or boolean at the root"],
    ['{"properties":{"a":1}}', "Invalid JSON schema: expected an object or boolean at properties/a"],
    ['{"type":"text"}', "unknown type: [text]"],
    ['{"type":1}', "type must be a string or an array of strings"],
    ['{"minLength":"x"}', "minLength must be a number"],
    ['{"allOf":{}}', "allOf must be an array"],
    ['{"$ref":"#/definitions/none"}', "could not resolve reference #/definitions/none"],
    ['{"$ref":"other.json"}', "could not resolve reference other.json"],
    ['{"$ref":"http://x.test/a.json"}', "Remote schema reference fetching over HTTP(S) is disabled"],
  ])("%s is not", (text, message) => expect(() => valid(text)).toThrow(message));

  test("finds references by their names, nested ones, too", () => {
    const references = { "b.json": '{"type":"string"}', "a.json": '{"properties":{"b":{"$ref":"b.json"}}}' };
    valid('{"properties":{"a":{"$ref":"a.json"},"b":{"$ref":"./b.json#"}}}', references);
    valid('{"$id":"http://x.test/root","properties":{"a":{"$ref":"a.json"}}}', references);
    valid('{"properties":{"a":{"$ref":"http://x.test/a"}}}', { "http://x.test/a": "{}" });
  });
});
