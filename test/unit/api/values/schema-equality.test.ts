import { expect, test } from "vitest";
import {
  ArrayStruct,
  arrayOf,
  INT32,
  INT64,
  mapOf,
  primitive,
  type Schema,
  STRING,
  structOf,
  withAttributes,
} from "../../../../src/api/index.js";
import { sameSchema } from "../../../../src/api/values/schema-equality.js";

const struct = structOf([["a", INT32]]);

test.each<[string, Schema, () => unknown, unknown]>([
  ["bytes", primitive("bytes"), () => Buffer.from("a"), Buffer.from("b")],
  ["an array", arrayOf(INT32), () => [1, 2], [1]],
  ["a map", mapOf(STRING, INT32), () => new Map([["a", 1]]), new Map([["a", 2]])],
  ["a struct", struct, () => new ArrayStruct(struct, [1]), new ArrayStruct(struct, [2])],
  ["a long", INT64, () => 2n ** 60n, 2n ** 60n + 1n],
])("defaults are compared by value: %s", (_name, schema, make, other) => {
  const one = withAttributes(schema, { defaultValue: make() });
  expect(sameSchema(one, withAttributes(schema, { defaultValue: make() }))).toBe(true);
  expect(sameSchema(one, withAttributes(schema, { defaultValue: other }))).toBe(false);
  expect(sameSchema(one, schema)).toBe(false);
});
