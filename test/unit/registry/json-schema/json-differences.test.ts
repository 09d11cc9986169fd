import { describe, expect, test } from "vitest";
import { jsonKind } from "../../../../src/registry/json-schema/json-kind.js";

const parse = (schema: unknown) => jsonKind.parse(JSON.stringify(schema), new Map(), true);
const lines = (original: unknown, update: unknown, isLenient = false) =>
  jsonKind.faults(parse(update), parse(original), isLenient);
const found = (original: unknown, update: unknown, isLenient = false) =>
  lines(original, update, isLenient).map((line) => {
    const [, type] = /errorType:"(\w+)"/.exec(line)!;
    return `${type} ${/'(#[^']*)'/.exec(line)![1]}`;
  });

const A = { type: "string" };
const object = (properties: object, more: object = {}) => ({ type: "object", properties, ...more });
const closed = { additionalProperties: false };

/** What is never compatible, by the place of the original and the update. */
const FAULTS: readonly (readonly [original: unknown, update: unknown, ...faults: string[]])[] = [
  [{ type: "number" }, { type: "integer" }, "TYPE_NARROWED #/"],
  [A, { type: "number" }, "TYPE_CHANGED #/"],
  [{ type: "string", maxLength: 5 }, { type: "string", maxLength: 4 }, "MAX_LENGTH_DECREASED #/maxLength"],
  [A, { type: "string", maxLength: 4 }, "MAX_LENGTH_ADDED #/maxLength"],
  [{ type: "string", minLength: 1 }, { type: "string", minLength: 2 }, "MIN_LENGTH_INCREASED #/minLength"],
  [A, { type: "string", minLength: 4 }, "MIN_LENGTH_ADDED #/minLength"],
  [A, { type: "string", pattern: "a" }, "PATTERN_ADDED #/pattern"],
  [{ type: "string", pattern: "b" }, { type: "string", pattern: "a" }, "PATTERN_CHANGED #/pattern"],
  [{ type: "number", maximum: 5 }, { type: "number", maximum: 4 }, "MAXIMUM_DECREASED #/maximum"],
  [{ type: "number" }, { type: "number", minimum: 4 }, "MINIMUM_ADDED #/minimum"],
  [
    { type: "number" },
    { type: "number", exclusiveMaximum: 4, exclusiveMinimum: 1 },
    "EXCLUSIVE_MAXIMUM_ADDED #/exclusiveMaximum",
    "EXCLUSIVE_MINIMUM_ADDED #/exclusiveMinimum",
  ],
  [{ type: "number" }, { type: "number", multipleOf: 4 }, "MULTIPLE_OF_ADDED #/multipleOf"],
  [{ type: "number", multipleOf: 2 }, { type: "number", multipleOf: 4 }, "MULTIPLE_OF_EXPANDED #/multipleOf"],
  [{ type: "number", multipleOf: 2 }, { type: "number", multipleOf: 3 }, "MULTIPLE_OF_CHANGED #/multipleOf"],
  [object({ a: A }), object({ a: A }, { required: ["a"] }), "REQUIRED_ATTRIBUTE_ADDED #/required/a"],
  [
    object({}),
    object({}, { maxProperties: 1, minProperties: 1 }),
    "MAX_PROPERTIES_ADDED #/maxProperties",
    "MIN_PROPERTIES_ADDED #/minProperties",
  ],
  [object({}), object({}, { dependencies: { a: ["b"] } }), "DEPENDENCY_ARRAY_ADDED #/dependencies/a"],
  [
    object({}, { dependencies: { a: ["b"] } }),
    object({}, { dependencies: { a: ["b", "c"] } }),
    "DEPENDENCY_ARRAY_EXTENDED #/dependencies/a",
  ],
  [
    object({}, { dependencies: { a: ["b"] } }),
    object({}, { dependencies: { a: ["c"] } }),
    "DEPENDENCY_ARRAY_CHANGED #/dependencies/a",
  ],
  [object({}), object({}, { dependencies: { a: A } }), "DEPENDENCY_SCHEMA_ADDED #/dependencies/a"],
  [object({}), object({ a: A }, { required: ["a"] }), "REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL #/properties/a"],
  [
    object({}, closed),
    object({ a: A }, { ...closed, required: ["a"] }),
    "REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/a",
  ],
  [{ type: "array", items: A }, { type: "array", items: { type: "null" } }, "TYPE_CHANGED #/items"],
  [{ type: "array" }, { type: "array", items: A }, "SCHEMA_ADDED #/items"],
  [
    { type: "array" },
    { type: "array", maxItems: 1, minItems: 1 },
    "MAX_ITEMS_ADDED #/maxItems",
    "MIN_ITEMS_ADDED #/minItems",
  ],
  [{ type: "array" }, { type: "array", uniqueItems: true }, "UNIQUE_ITEMS_ADDED #/uniqueItems"],
  [{ type: "array", items: [A] }, { type: "array", items: [A, A] }, "ITEM_ADDED_TO_OPEN_CONTENT_MODEL #/items/1"],
  [
    { type: "array", items: [A, A], additionalItems: false },
    { type: "array", items: [A], additionalItems: false },
    "ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL #/items/1",
  ],
  [
    { type: "array", items: [A] },
    { type: "array", items: [A], additionalItems: false },
    "ADDITIONAL_ITEMS_REMOVED #/additionalItems",
  ],
  [
    { type: "array", items: [A] },
    { type: "array", items: [A], additionalItems: A },
    "ADDITIONAL_ITEMS_NARROWED #/additionalItems",
  ],
  [{ enum: ["a", "b"] }, { enum: ["a"] }, "ENUM_ARRAY_NARROWED #/enum"],
  [{ enum: ["a", "b"] }, { enum: ["a", "c"] }, "ENUM_ARRAY_CHANGED #/enum"],
  [{ const: 1 }, { const: 2 }, "ENUM_ARRAY_CHANGED #/const"],
  [{ type: "string", enum: ["a", "b"] }, { type: "string", enum: ["a"] }, "COMBINED_TYPE_SUBSCHEMAS_CHANGED #/"],
  [{ oneOf: [A, { type: "number" }] }, { allOf: [A, { type: "number" }] }, "COMBINED_TYPE_CHANGED #/"],
  [{ oneOf: [A, { type: "number" }] }, { oneOf: [A, { type: "null" }] }, "COMBINED_TYPE_SUBSCHEMAS_CHANGED #/"],
  [{ type: ["string", "null", "number"] }, { type: ["string", "null"] }, "SUM_TYPE_NARROWED #/"],
  [{ allOf: [A, { minLength: 1 }] }, { allOf: [A, { minLength: 1 }, { maxLength: 1 }] }, "PRODUCT_TYPE_EXTENDED #/"],
  [{ not: { type: "string" } }, { not: {} }, "NOT_TYPE_EXTENDED #/not"],
  [
    object({ a: object({ b: A }) }),
    object({ a: object({ b: { type: "null" } }) }),
    "TYPE_CHANGED #/properties/a/properties/b",
  ],
];

/** Compatible under LENIENT only. */
const LENIENT: readonly (readonly [original: unknown, update: unknown, ...faults: string[]])[] = [
  [object({}), object({ a: A }), "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL #/properties/a"],
  [
    object({}),
    object({ a: { ...A, default: "x" } }, { required: ["a"] }),
    "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL #/properties/a",
  ],
  [object({ a: A }, closed), object({}, closed), "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL #/properties/a"],
  [object({}), object({}, closed), "ADDITIONAL_PROPERTIES_REMOVED #/additionalProperties"],
  [object({}), object({}, { additionalProperties: A }), "ADDITIONAL_PROPERTIES_NARROWED #/additionalProperties"],
  [object({}), object({}, { unevaluatedProperties: false }), "UNEVALUATED_PROPERTIES_REMOVED #/unevaluatedProperties"],
  [object({}), object({}, { unevaluatedProperties: A }), "UNEVALUATED_PROPERTIES_NARROWED #/unevaluatedProperties"],
];

const COMPATIBLE: readonly (readonly [original: unknown, update: unknown])[] = [
  [{ type: "integer" }, { type: "number" }],
  [A, {}],
  [A, true],
  [false, A],
  [A, { type: "string", title: "t", description: "d", default: "x", $id: "http://x/y" }],
  [
    { type: "string", maxLength: 4 },
    { type: "string", maxLength: 5 },
  ],
  [{ type: "string", maxLength: 4, minLength: 1, pattern: "a" }, A],
  [
    { type: "number", multipleOf: 4 },
    { type: "number", multipleOf: 2 },
  ],
  [object({ a: A }, { required: ["a"] }), object({ a: A })],
  [object({ a: A }), object({ a: { ...A, default: "x" } }, { required: ["a"] })],
  [object({}), object({ a: {} })],
  [object({}), object({ a: true })],
  [object({}, closed), object({ a: A }, closed)],
  [object({}, closed), object({ a: { ...A, default: "x" } }, { ...closed, required: ["a"] })],
  [object({ a: A }), object({})],
  [object({ a: false }, closed), object({}, closed)],
  [object({}, closed), object({})],
  [object({}, { additionalProperties: A }), object({})],
  [object({}, { additionalProperties: A }), object({ a: A }, { additionalProperties: A })],
  [object({ a: A }, { additionalProperties: A }), object({}, { additionalProperties: A })],
  [object({ x_a: A }, { patternProperties: { "^x_": A } }), object({}, { patternProperties: { "^x_": A } })],
  [object({}, { dependencies: { a: ["b", "c"] } }), object({}, { dependencies: { a: ["b"] } })],
  [object({}, { dependencies: { a: ["b"], c: A } }), object({})],
  [{ type: "array", items: A }, { type: "array" }],
  [
    { type: "array", items: [A, A] },
    { type: "array", items: [A] },
  ],
  [
    { type: "array", items: [A] },
    { type: "array", items: [A, {}] },
  ],
  [
    { type: "array", items: [A], additionalItems: false },
    { type: "array", items: [A, A], additionalItems: false },
  ],
  [{ enum: ["a"] }, { enum: ["b", "a"] }],
  [A, { oneOf: [{ type: "null" }, A] }],
  [{ allOf: [A, { minLength: 1 }] }, A],
  [{ oneOf: [A] }, A],
  [{ oneOf: [A, { type: "null" }] }, { anyOf: [{ type: "null" }, A] }],
  [{ not: {} }, { not: A }],
  [
    { type: "string", "connect.type": "bytes" },
    { type: "number", "connect.type": "bytes" },
  ],
  [
    { $ref: "#/definitions/n", definitions: { n: object({ next: { $ref: "#/definitions/n" } }) } },
    { $ref: "#/definitions/m", definitions: { m: object({ next: { $ref: "#/definitions/m" } }) } },
  ],
];

describe("an update of a JSON Schema", () => {
  test.each(FAULTS.map(([original, update, ...faults]) => ({ original, update, faults })))(
    "$original to $update has $faults, under each policy",
    ({ original, update, faults }) => {
      expect(found(original, update)).toEqual(faults);
      expect(found(original, update, true)).toEqual(faults);
    },
  );

  test.each(LENIENT.map(([original, update, ...faults]) => ({ original, update, faults })))(
    "$original to $update has $faults, under STRICT only",
    ({ original, update, faults }) => {
      expect(found(original, update)).toEqual(faults);
      expect(found(original, update, true)).toEqual([]);
    },
  );

  test.each(COMPATIBLE.map(([original, update]) => ({ original, update })))(
    "$original to $update is compatible",
    ({ original, update }) => expect(lines(original, update)).toEqual([]),
  );

  test("of partially open content names what it does not cover", () => {
    const partial = { additionalProperties: { type: "number" } };
    expect(found(object({}, partial), object({ a: A }, partial)).sort()).toEqual([
      "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/a",
      "TYPE_CHANGED #/properties/a",
    ]);
    expect(found(object({ a: A }, partial), object({}, partial)).sort()).toEqual([
      "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/a",
      "TYPE_CHANGED #/properties/a",
    ]);
  });

  test("is told in the original's words, odd quote included", () => {
    expect(lines(object({ a: A }), object({ a: A, b: A }))).toEqual([
      `{errorType:"OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL", description:"The %s schema has an open content model and has a property or item at path '#/properties/b' which is missing in the %s schema'}`,
    ]);
  });

  test("to a recursive schema of another content ends, with the fault", () => {
    const recursive = (a: unknown) => ({
      $ref: "#/definitions/n",
      definitions: { n: object({ next: { $ref: "#/definitions/n" }, a }, closed) },
    });
    expect(found(recursive(A), recursive({ type: "null" }))).toEqual(["TYPE_CHANGED #/properties/a"]);
  });
});

describe("schemas that all refer to each other", () => {
  const numbers = Array.from({ length: 25 }, (_, at) => at);
  const ring = (last: object) => ({
    $ref: "#/definitions/d0",
    definitions: Object.fromEntries(
      numbers.map((at) => [
        `d${at}`,
        object({
          ...Object.fromEntries(numbers.map((to) => [`p${to}`, { $ref: `#/definitions/d${to}` }])),
          ...(at === 24 ? last : {}),
        }),
      ]),
    ),
  });

  test("are compared once each", () => {
    expect(lines(ring({ a: A }), ring({ a: A }))).toEqual([]);
    expect(lines(ring({ a: A }), ring({ a: { type: "null" } }))).not.toEqual([]);
  });

  test("are different where one alternative relies on another that is", () => {
    const both = (a: object) => ({
      anyOf: [{ $ref: "#/definitions/p" }, { $ref: "#/definitions/q" }],
      definitions: {
        p: object({ x: { $ref: "#/definitions/x" }, a }),
        q: object({ x: { $ref: "#/definitions/x" }, b: a }),
        x: object({ p: { $ref: "#/definitions/p" } }),
      },
    });
    expect(lines(both(A), both({ type: "null" }))).not.toEqual([]);
  });
});

test("one that is used everywhere has no more than a thousand differences", () => {
  const chain = (a: object) => ({
    $ref: "#/definitions/d0",
    definitions: Object.fromEntries(
      Array.from({ length: 40 }, (_, at) => {
        const next = at === 39 ? a : { $ref: `#/definitions/d${at + 1}` };
        return [`d${at}`, object({ l: next, r: next })];
      }),
    ),
  });
  expect(lines(chain(A), chain({ type: "null" }))).toHaveLength(1000);
});

test("a schema that denies itself ends", () => {
  expect(() => lines({ not: { $ref: "#" } }, { not: { $ref: "#" } })).not.toThrow();
});
