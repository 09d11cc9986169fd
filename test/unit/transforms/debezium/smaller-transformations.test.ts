import { describe, expect, test } from "vitest";
import {
  ArrayStruct,
  arrayOf,
  BYTES,
  FLOAT64,
  INT64,
  mapOf,
  OPTIONAL_STRING,
  type Props,
  primitive,
  STRING,
  structOf,
} from "../../../../src/api/index.js";
import { isEqual } from "../../../../src/transforms/record/equal-values.js";
import { plain, sourceRecord, struct, transformation } from "../transformed.js";
import { event, row } from "./change-events.js";

describe("ExtractChangedRecordState", () => {
  const extract = (props: Props) => transformation("io.debezium.transforms.ExtractChangedRecordState", props);
  const both = { "header.changed.name": "Changed", "header.unchanged.name": "Same" };

  test("lists changed and unchanged columns in headers", () => {
    const record = sourceRecord({ value: event("u", row(1, "Ulm"), row(1, "Bonn")) });
    const { headers } = extract(both).apply(record)!;
    expect(headers.map(({ key, value }) => [key, value])).toEqual([
      ["Changed", ["city"]],
      ["Same", ["id"]],
    ]);
    expect(headers[0]!.schema).toMatchObject({ type: "array", optional: true, name: "Changed" });
  });

  test("lists none for other changes, and adds no header without its name", () => {
    const created = sourceRecord({ value: event("c", null, row(1, "Ulm")) });
    expect(
      extract(both)
        .apply(created)!
        .headers.map(({ value }) => value),
    ).toEqual([[], []]);
    expect(extract({}).apply(created)).toBe(created);
    const tombstone = sourceRecord();
    expect(extract(both).apply(tombstone)).toBe(tombstone);
  });

  test("compares contents", () => {
    expect([
      isEqual(FLOAT64, 0, -0),
      isEqual(INT64, 5, 5n),
      isEqual(FLOAT64, Number.NaN, Number.NaN),
      isEqual(BYTES, Buffer.from("a"), Buffer.from("a")),
      isEqual(arrayOf(BYTES), [Buffer.from("a")], [Buffer.from("a")]),
      isEqual(arrayOf(STRING), ["a"], ["a", "b"]),
      isEqual(mapOf(STRING, STRING), new Map([["a", "b"]]), new Map([["a", "c"]])),
      isEqual(null, row(1, "a"), row(1, "a")),
      isEqual(STRING, null, "a"),
    ]).toEqual([false, true, true, true, true, false, false, true, false]);
  });
});

describe("SchemaChangeEventFilter", () => {
  const KEY = "schema.change.event.exclude.list";
  const filter = (list: string) => transformation("io.debezium.transforms.SchemaChangeEventFilter", { [KEY]: list });
  const change = (types: readonly string[] | null) => {
    const table = structOf([["type", STRING]]);
    const tables = types?.map((type) => new ArrayStruct(table, [type])) ?? null;
    return sourceRecord({
      value: struct([["tableChanges", arrayOf(table, { optional: true }), tables]], { name: "x.SchemaChangeValue" }),
    });
  };

  test("leaves out the kinds that are listed, and changes without a list of tables", () => {
    const altered = change(["ALTER"]);
    expect(filter("CREATE, DROP").apply(altered)).toBe(altered);
    expect(filter("ALTER").apply(altered)).toBeNull();
    expect(filter("DATABASE").apply(change([]))).toBeNull();
    expect(filter("DROP").apply(change(null))).toBeNull();
    const other = sourceRecord({ value: event("c", null, row(1, "Ulm")) });
    expect(filter("ALTER").apply(other)).toBe(other);
  });

  test("refuses unknown kinds", () => {
    expect(() => filter("alter")).toThrow(expect.objectContaining({ key: KEY }));
    expect(() => filter(" ")).toThrow(expect.objectContaining({ key: KEY }));
    expect(() => filter("ALTER").apply(change(["MOVE"]))).toThrow(/no type that is known/);
  });
});

describe("DecodeLogicalDecodingMessageContent", () => {
  const decode = (props: Props = {}) =>
    transformation("io.debezium.connector.postgresql.transforms.DecodeLogicalDecodingMessageContent", props);
  const message = (content: Buffer | string) => {
    const schema = typeof content === "string" ? STRING : BYTES;
    const held = struct([
      ["prefix", OPTIONAL_STRING, "p"],
      ["content", schema, content],
    ]);
    const value = struct(
      [
        ["op", STRING, "m"],
        ["ts_ms", primitive("int64", { optional: true }), 5],
        ["message", held.schema, held],
      ],
      { name: "io.debezium.connector.postgresql.MessageValue" },
    );
    return sourceRecord({ key: struct([["prefix", OPTIONAL_STRING, "p"]]), value });
  };

  test("makes an inserted row of the content", () => {
    const record = message(Buffer.from('{"id":7,"a-b":null,"inner":{"x":true}}'));
    const changed = decode().apply(record)!;
    expect([changed.key, changed.keySchema, changed.valueSchema!.name]).toEqual([
      null,
      null,
      "io.debezium.connector.postgresql.MessageValue.Envelope",
    ]);
    expect(plain(changed.value)).toEqual({ op: "c", ts_ms: 5, after: { id: 7, inner: { x: true } } });
    expect(changed.valueSchema!.field("after")!.schema.field("inner")!.schema.name).toBe("inner");
    const all = decode({ "fields.null.include": "true", "field.name.adjustment.mode": "avro" }).apply(record)!;
    expect(plain(all.value)).toMatchObject({ after: { id: 7, a_b: null } });
  });

  test("adjusts names of fields without losing their values", () => {
    const record = message(Buffer.from('{"a-b":1,"9":2,"a_b":3}'));
    const of = (mode: string) => plain(decode({ "field.name.adjustment.mode": mode }).apply(record)!.value);
    expect(of("avro")).toMatchObject({ after: { a_b: 1, _9: 2 } });
    expect(of("avro_unicode")).toMatchObject({ after: { a_u002db: 1, _u0039: 2, a_u005fb: 3 } });
  });

  test("leaves other records, and fails for contents that are no JSON objects", () => {
    const tombstone = sourceRecord();
    expect(decode().apply(tombstone)).toBe(tombstone);
    expect(() => decode().apply(message("{}"))).toThrow(/not binary/);
    expect(() => decode().apply(message(Buffer.from("[1]")))).toThrow(/JSON array/);
    expect(() => decode().apply(message(Buffer.from("")))).toThrow(/begins with neither/);
  });
});
