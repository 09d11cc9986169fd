import { describe, expect, test } from "vitest";
import { INT32, type Props, STRING, type Struct } from "../../../../src/api/index.js";
import { plain, sourceRecord, struct, transformation } from "../transformed.js";
import { event, row } from "./change-events.js";

const route = (props: Props = {}) =>
  transformation("io.debezium.transforms.ByLogicalTableRouter", {
    "topic.regex": "(.*)_shard_(.*)",
    "topic.replacement": "$1",
    ...props,
  });
const key = struct([["id", INT32, 7]], { name: "orders_shard_2.Key" });
const record = (topic = "orders_shard_2") =>
  sourceRecord({ topic, key, value: event("u", row(7, "Ulm"), row(7, null)) });

describe("ByLogicalTableRouter", () => {
  test("renames the topic and the schemas, and tells the tables apart in the key", () => {
    const changed = route().apply(record())!;
    expect([changed.topic, changed.keySchema!.name, changed.valueSchema!.name]).toEqual([
      "orders",
      "orders.Key",
      "orders.Envelope",
    ]);
    expect(plain(changed.key)).toEqual({ id: 7, __dbz__physicalTableIdentifier: "orders_shard_2" });
    const changedRow = (changed.value as Struct).at(1) as Struct;
    expect(changedRow.schema).toBe(changed.valueSchema!.field("after")!.schema);
    expect([changedRow.schema.name, plain(changedRow)]).toEqual(["orders.Value", { id: 7, city: null }]);
  });

  test("takes the table's name from the topic", () => {
    const named = route({ "key.field.name": "shard", "key.field.regex": "(.*)_(.*)", "key.field.replacement": "$2" });
    expect(plain(named.apply(record())!.key)).toEqual({ id: 7, shard: "2" });
    expect(plain(route({ "key.enforce.uniqueness": "false" }).apply(record())!.key)).toEqual({ id: 7 });
  });

  test("makes names for each topic that shares a schema", () => {
    const both = route();
    const names = ["a_shard_1", "b_shard_1"].map((topic) => both.apply(record(topic))!.valueSchema!.name);
    expect(names).toEqual(["a.Envelope", "b.Envelope"]);
  });

  test("leaves other topics alone, and the values of tombstones", () => {
    const other = record("orders");
    expect(route().apply(other)).toBe(other);
    const tombstone = route().apply(sourceRecord({ topic: "a_shard_1", key, schema: STRING }))!;
    expect([tombstone.topic, tombstone.value, tombstone.valueSchema]).toEqual(["a", null, STRING]);
    expect(route({ "topic.replacement": "$2" }).apply(sourceRecord({ topic: "a_shard_" }))!.topic).toBe("a_shard_");
  });

  test("refuses blank settings, and unknown modes", () => {
    expect(() => route({ "topic.regex": " " })).toThrow(/for configuration topic.regex: A value is required/);
    expect(() => route({ "key.field.regex": "(.*)" })).toThrow(/must be non-empty if key.field.regex is set/);
    expect(() => route({ "schema.name.adjustment.mode": "avron" })).toThrow(/must be one of none, avro/);
  });
});
