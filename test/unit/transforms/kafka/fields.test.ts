import { describe, expect, test } from "vitest";
import { arrayOf, INT32, OPTIONAL_INT32, OPTIONAL_STRING, primitive, STRING } from "../../../../src/api/index.js";
import { changedValue, plain, sourceRecord, struct, transformation } from "../transformed.js";

const order = () =>
  struct(
    [
      ["id", INT32, 7],
      ["note", primitive("string", { optional: true, defaultValue: "none" }), null],
      ["city", STRING, "Ulm"],
    ],
    { name: "Order", version: 2 },
  );
const orderMap = () =>
  new Map<string, string | number>([
    ["id", 7],
    ["city", "Ulm"],
  ]);

describe("ValueToKey", () => {
  test("makes a struct of the value's fields, in the order of the setting", () => {
    const changed = transformation("ValueToKey", { fields: "city,id" }).apply(sourceRecord({ value: order() }))!;
    expect(plain(changed.key)).toEqual({ city: "Ulm", id: 7 });
    expect([changed.keySchema!.fields[0]!.name, changed.keySchema!.name]).toEqual(["city", undefined]);
  });

  test("makes a map, with null for a missing field", () => {
    const changed = transformation("ValueToKey", { fields: "id,x" }).apply(sourceRecord({ value: orderMap() }))!;
    expect(plain(changed.key)).toEqual({ id: 7, x: null });
  });

  test("fails for a missing field of a struct, and for tombstones", () => {
    const toKey = transformation("ValueToKey", { fields: "x" });
    expect(() => toKey.apply(sourceRecord({ value: order() }))).toThrow("Field does not exist: x");
    expect(() => toKey.apply(sourceRecord())).toThrow(
      "Only Map objects supported in absence of schema for [copying fields from value to key], found: null",
    );
  });
});

describe("HeaderFrom", () => {
  const props = { fields: "city,note", headers: "c,n" };

  test("copies fields with their schemas", () => {
    const record = sourceRecord({ value: order() });
    const changed = transformation("HeaderFrom$Value", { ...props, operation: "copy" }).apply(record)!;
    expect(changed.headers.map(({ key, value }) => [key, value])).toEqual([
      ["c", "Ulm"],
      ["n", "none"],
    ]);
    expect(changed.headers[0]!.schema).toBe(STRING);
    expect(changed.value).toBe(record.value);
  });

  test("moves fields", () => {
    const move = transformation("HeaderFrom$Value", { ...props, operation: "move" });
    const changed = move.apply(sourceRecord({ value: order() }))!;
    expect([changedValue(changed), changed.valueSchema!.name]).toEqual([{ id: 7 }, "Order"]);
    const ofMap = move.apply(sourceRecord({ value: orderMap() }))!;
    expect([changedValue(ofMap), ofMap.headers]).toEqual([
      { id: 7 },
      [
        { key: "c", schema: null, value: "Ulm" },
        { key: "n", schema: null, value: null },
      ],
    ]);
  });

  test("refuses lists of two lengths, and a field that the schema lacks", () => {
    const copy = (fields: string) => transformation("HeaderFrom$Value", { fields, headers: "h", operation: "copy" });
    expect(() => copy("a,b")).toThrow("'fields' config must have the same number of elements as 'headers' config.");
    expect(() => copy("x").apply(sourceRecord({ value: order() }))).toThrow(/Field x .* does not exist/);
  });
});

describe("SetSchemaMetadata", () => {
  const set = transformation("SetSchemaMetadata$Value", { "schema.name": "New", "schema.version": "9" });

  test("changes the schema and the struct that refers to it", () => {
    const changed = set.apply(sourceRecord({ value: order() }))!;
    expect([changed.valueSchema!.name, changed.valueSchema!.version]).toEqual(["New", 9]);
    expect((changed.value as ReturnType<typeof order>).schema).toBe(changed.valueSchema);
    expect(changedValue(changed)).toEqual({ id: 7, note: "none", city: "Ulm" });
  });

  test("keeps what other schemas have", () => {
    const schema = arrayOf(INT32, { optional: true, doc: "numbers" });
    const { valueSchema } = set.apply(sourceRecord({ schema, value: [1] }))!;
    expect([valueSchema!.optional, valueSchema!.doc, valueSchema!.valueSchema, valueSchema!.name]).toEqual([
      true,
      "numbers",
      INT32,
      "New",
    ]);
  });

  test("lets tombstones pass and needs a schema for values", () => {
    const tombstone = sourceRecord();
    expect(set.apply(tombstone)).toBe(tombstone);
    expect(set.apply(sourceRecord({ schema: OPTIONAL_STRING }))!.valueSchema!.name).toBe("New");
    expect(() => set.apply(sourceRecord({ value: "x" }))).toThrow("Schema required for [updating schema metadata]");
    expect(() => transformation("SetSchemaMetadata$Key", {})).toThrow("Neither schema name nor version configured");
  });
});

describe("HoistField", () => {
  const hoist = transformation("HoistField$Value", { field: "line" });

  test("wraps values with and without a schema", () => {
    const changed = hoist.apply(sourceRecord({ schema: STRING, value: "x" }))!;
    expect([changedValue(changed), changed.valueSchema!.optional]).toEqual([{ line: "x" }, false]);
    expect(changedValue(hoist.apply(sourceRecord()))).toEqual({ line: null });
    expect(changedValue(hoist.apply(sourceRecord({ schema: OPTIONAL_INT32 })))).toEqual({ line: null });
  });

  test("refuses null of a required schema", () => {
    expect(() => hoist.apply(sourceRecord({ schema: STRING }))).toThrow(
      'Invalid value: null used for required field: "line", schema type: STRING',
    );
  });
});

describe("ReplaceField", () => {
  test("excludes, includes and renames", () => {
    const replace = (props: Record<string, string>) => transformation("ReplaceField$Value", props);
    const cases: [Record<string, string>, object, object][] = [
      [{ exclude: "note" }, { id: 7, city: "Ulm" }, { id: 7, city: "Ulm" }],
      [{ include: "id,note" }, { id: 7, note: "none" }, { id: 7 }],
      [{ include: "id,note", exclude: "id" }, { note: "none" }, {}],
      [
        { exclude: "note", renames: "city:town,id:city" },
        { city: 7, town: "Ulm" },
        { city: 7, town: "Ulm" },
      ],
    ];
    for (const [props, ofStruct, ofMap] of cases) {
      expect(changedValue(replace(props).apply(sourceRecord({ value: order() })))).toEqual(ofStruct);
      expect(changedValue(replace(props).apply(sourceRecord({ value: orderMap() })))).toEqual(ofMap);
    }
  });

  test("refuses malformed renames", () => {
    expect(() => transformation("ReplaceField$Value", { renames: "a:b,c" })).toThrow(
      "Invalid value [a:b, c] for configuration renames: Invalid rename mapping: c",
    );
  });

  test("lets tombstones pass", () => {
    const record = sourceRecord({ schema: STRING });
    expect(transformation("ReplaceField$Value", { exclude: "a" }).apply(record)).toBe(record);
  });
});
