import { describe, expect, test } from "vitest";
import { INT32, OPTIONAL_STRING, primitive } from "../../../../src/api/index.js";
import { changedValue, sinkRecord, sourceRecord, struct, transformation } from "../transformed.js";

const ALL = {
  "topic.field": "topic",
  "partition.field": "partition",
  "offset.field": "offset!",
  "timestamp.field": "at?",
  "static.field": "region",
  "static.value": "eu",
};

describe("InsertField", () => {
  test("adds the record's metadata to a struct", () => {
    const value = struct([["id", INT32, 7]], { name: "Order", version: 2, doc: "an order", optional: true });
    const changed = transformation("InsertField$Value", ALL).apply(sinkRecord({ value, timestampMs: 99 }))!;
    expect(changedValue(changed)).toEqual({ id: 7, topic: "orders", partition: 3, offset: 77, at: 99, region: "eu" });
    const schema = changed.valueSchema!;
    expect([schema.name, schema.version, schema.doc, schema.optional]).toEqual(["Order", 2, "an order", false]);
    expect(schema.fields.map(({ schema: field }) => field.optional)).toEqual([false, true, true, false, true, true]);
    expect(schema.field("at")!.schema.name).toBe("org.apache.kafka.connect.data.Timestamp");
  });

  test("leaves a map without the fields that have no value", () => {
    const { "offset.field": _, ...rest } = ALL;
    const value = new Map([["id", 7]]);
    expect(changedValue(transformation("InsertField$Value", rest).apply(sourceRecord({ value })))).toEqual({
      id: 7,
      topic: "orders",
      region: "eu",
    });
    expect(value.size).toBe(1);
  });

  test("returns one schema for one schema, and the tombstone itself", () => {
    const insert = transformation("InsertField$Key", { "topic.field": "t" });
    const key = struct([["id", INT32, 7]]);
    const [one, other] = [sourceRecord({ key }), sourceRecord({ key })].map((record) => insert.apply(record)!);
    expect(one!.keySchema).toBe(other!.keySchema);
    const tombstone = sourceRecord();
    expect(insert.apply(tombstone)).toBe(tombstone);
  });

  test("sets nulls to their defaults unless told not to", () => {
    const note = primitive("string", { optional: true, defaultValue: "none" });
    const value = struct([["note", note, null]]);
    const note2 = (props: object) =>
      changedValue(
        transformation("InsertField$Value", { "topic.field": "t", ...props }).apply(sourceRecord({ value })),
      );
    expect(note2({})).toEqual({ note: "none", t: "orders" });
    expect(note2({ "replace.null.with.default": "false" })).toEqual({ note: null, t: "orders" });
  });

  test("refuses offsets of source records, other values and repeated names", () => {
    const insert = transformation("InsertField$Value", ALL);
    const value = struct([["topic", OPTIONAL_STRING, null]]);
    expect(() => insert.apply(sourceRecord({ value: new Map() }))).toThrow(/Offset insertion is only supported/);
    expect(() => insert.apply(sourceRecord({ value: "x" }))).toThrow(
      "Only Map objects supported in absence of schema for [field insertion], found: java.lang.String",
    );
    expect(() => insert.apply(sinkRecord({ value: 7, schema: INT32 }))).toThrow(
      "Only Struct objects supported for [field insertion], found: java.lang.Integer",
    );
    expect(() => insert.apply(sinkRecord({ value }))).toThrow(/duplication topic/);
  });

  test("needs a field, and a text for the static one", () => {
    expect(() => transformation("InsertField$Value", {})).toThrow("No field insertion configured");
    expect(() => transformation("InsertField$Value", { "static.field": "a" })).toThrow(
      "Invalid value null for configuration static.value",
    );
  });
});
