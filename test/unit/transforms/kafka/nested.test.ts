import { describe, expect, test } from "vitest";
import { ArrayStruct, arrayOf, INT32, mapOf, OPTIONAL_INT32, STRING, structOf } from "../../../../src/api/index.js";
import { changedValue, sourceRecord, struct, transformation } from "../transformed.js";

const place = structOf([
  ["city", STRING],
  ["zip", OPTIONAL_INT32],
]);

describe("ExtractField", () => {
  const value = struct([
    ["id", INT32, 7],
    ["at.place", place, new ArrayStruct(place, ["Ulm", null])],
  ]);

  test("takes a field with its schema", () => {
    const changed = transformation("ExtractField$Value", { field: "id" }).apply(sourceRecord({ value }))!;
    expect([changed.value, changed.valueSchema]).toEqual([7, INT32]);
  });

  test("follows a path in the second syntax", () => {
    const extract = (field: string) => transformation("ExtractField$Value", { field, "field.syntax.version": "v2" });
    expect(extract("`at.place`.city").apply(sourceRecord({ value }))!.value).toBe("Ulm");
    expect(extract("a.b").apply(sourceRecord({ value: new Map([["a", new Map([["b", 1]])]]) }))!.value).toBe(1);
    expect(extract("a.b.c").apply(sourceRecord({ value: new Map([["a", null]]) }))!.value).toBeNull();
    expect(() => extract("`a")).toThrow("Incomplete backtick pair in path: [`a]");
  });

  test("keeps the field's schema for a null, and fails for an unknown field", () => {
    const changed = transformation("ExtractField$Value", { field: "id" }).apply(
      sourceRecord({ schema: value.schema }),
    )!;
    expect([changed.value, changed.valueSchema]).toEqual([null, INT32]);
    expect(() => transformation("ExtractField$Value", { field: "x" }).apply(sourceRecord({ value }))).toThrow(
      "Unknown field: x",
    );
    expect(transformation("ExtractField$Value", { field: "x" }).apply(sourceRecord({ value: new Map() }))!.value).toBe(
      null,
    );
  });
});

describe("Flatten", () => {
  test("joins the names of nested structs", () => {
    const optionalPlace = structOf([["city", STRING]], { optional: true });
    const value = struct([
      ["id", INT32, 7],
      ["at", place, new ArrayStruct(place, ["Ulm", 89073])],
      ["to", optionalPlace, null],
      ["tags", arrayOf(STRING), ["a"]],
    ]);
    const changed = transformation("Flatten$Value", { delimiter: "_" }).apply(sourceRecord({ value }))!;
    expect(changedValue(changed)).toEqual({ id: 7, at_city: "Ulm", at_zip: 89073, to_city: null, tags: ["a"] });
    expect(changed.valueSchema!.field("to_city")!.schema.optional).toBe(true);
  });

  test("takes a field's default from that of its parent", () => {
    const withDefault = structOf([["city", STRING]], {
      optional: true,
      defaultValue: new ArrayStruct(structOf([["city", STRING]]), ["Bonn"]),
    });
    const changed = transformation("Flatten$Value", {}).apply(
      sourceRecord({ value: struct([["at", withDefault, null]]) }),
    )!;
    expect(changed.valueSchema!.field("at.city")!.schema.defaultValue).toBe("Bonn");
    expect(changedValue(changed)).toEqual({ "at.city": "Bonn" });
  });

  test("joins the keys of nested maps, lets tombstones pass and refuses maps with a schema", () => {
    const flatten = transformation("Flatten$Value", {});
    const value = new Map([["a", new Map<string, unknown>([["b", [1]]])]]) as never;
    expect(changedValue(flatten.apply(sourceRecord({ value })))).toEqual({ "a.b": [1] });
    const tombstone = sourceRecord();
    expect(flatten.apply(tombstone)).toBe(tombstone);
    const mapped = struct([["m", mapOf(STRING, STRING), new Map()]]);
    expect(() => flatten.apply(sourceRecord({ value: mapped }))).toThrow(
      "Flatten transformation does not support MAP for record with schemas (for field m).",
    );
  });
});
