import { describe, expect, test } from "vitest";
import { arrayOf, type Props, STRING } from "../../../../src/api/index.js";
import { changedValue, plain, sourceRecord, struct, transformation } from "../transformed.js";
import { event, row } from "./change-events.js";

const CLASS = "io.debezium.transforms.ExtractNewRecordState";
const extract = (props: Props) => transformation(CLASS, props);
const create = () => sourceRecord({ value: event("c", null, row(7, null)) });
const remove = () => sourceRecord({ value: event("d", row(7, "Bonn"), null) });
const TOMBSTONE = sourceRecord({ key: "k" });

describe("ExtractNewRecordState", () => {
  test("makes the row of a change", () => {
    const changed = extract({}).apply(create())!;
    expect(changedValue(changed)).toEqual({ id: 7, city: null });
    expect([changed.valueSchema!.name, changed.valueSchema!.optional]).toEqual(["shop.orders.Value", false]);
    expect(extract({}).apply(sourceRecord({ value: event("t", null, null) }))).toBeNull();
  });

  test.each([
    ["drop", undefined, undefined],
    ["tombstone", null, undefined],
    ["delete-to-tombstone", null, undefined],
    ["rewrite", { id: 7, city: "Bonn", __deleted: "true" }, undefined],
    ["Rewrite-With-Tombstone", { id: 7, city: "Bonn", __deleted: "true" }, null],
  ])("%s decides on deletes and tombstones", (mode, ofDelete, ofTombstone) => {
    const handle = extract({ "delete.tombstone.handling.mode": mode });
    const results = [remove(), TOMBSTONE].map((record) => {
      const changed = handle.apply(record);
      return changed ? plain(changed.value) : undefined;
    });
    expect(results).toEqual([ofDelete, ofTombstone]);
  });

  test("keeps the schema of a deleted row, unless a tombstone is wanted", () => {
    const schemaName = (mode: string) =>
      extract({ "delete.tombstone.handling.mode": mode }).apply(remove())!.valueSchema?.name;
    expect(["tombstone", "delete-to-tombstone"].map(schemaName)).toEqual(["shop.orders.Value", undefined]);
  });

  test("marks live rows in the rewrite modes", () => {
    expect(changedValue(extract({ "delete.tombstone.handling.mode": "rewrite" }).apply(create()))).toEqual({
      id: 7,
      city: "Ulm",
      __deleted: "false",
    });
  });

  test("adds fields and headers of the event", () => {
    const changed = extract({
      "add.fields": "op,table,source.ts_ms,transaction.id:tx,absent",
      "add.headers": "ts_ms",
      "add.headers.prefix": "h.",
    }).apply(create())!;
    expect(changedValue(changed)).toEqual({
      id: 7,
      city: null,
      __op: "c",
      __table: "orders",
      __source_ts_ms: 5,
      __tx: null,
    });
    expect(changed.valueSchema!.field("__table")!.schema.optional).toBe(true);
    expect(changed.headers.map(({ key, value }) => [key, value])).toEqual([["h.ts_ms", 6]]);
  });

  test("adds the operation's header to tombstones", () => {
    const keep = { "delete.tombstone.handling.mode": "rewrite-with-tombstone", "add.headers": "op,ts_ms" };
    expect(extract(keep).apply(TOMBSTONE)!.headers).toEqual([{ key: "__op", schema: STRING, value: "d" }]);
    expect(TOMBSTONE.headers).toEqual([]);
  });

  test("routes by a column of the row, or of the deleted one", () => {
    const route = extract({ "route.by.field": "city" });
    expect([create(), remove()].map((record) => route.apply(record)!.topic)).toEqual(["orders", "Bonn"]);
    expect(() => extract({ "route.by.field": "x" }).apply(create())).toThrow(/no field x, which route.by.field names/);
  });

  test("drops the fields that a header lists", () => {
    const headers = [{ key: "drop", schema: arrayOf(STRING), value: ["id", "city"] }];
    const record = sourceRecord({
      key: struct([["id", STRING, "k"]]),
      value: event("c", null, row(7, "Bonn")),
      headers,
    });
    const drop = (props: Props) => extract({ "drop.fields.header.name": "drop", ...props }).apply(record)!;
    expect(changedValue(drop({}))).toEqual({ id: 7 });
    const all = drop({ "drop.fields.keep.schema.compatible": "false", "drop.fields.from.key": "true" });
    expect([changedValue(all), plain(all.key)]).toEqual([{}, {}]);
  });

  test("lets other records pass", () => {
    const other = sourceRecord({ value: struct([["after", STRING, "x"]], { name: "Heartbeat" }) });
    expect(extract({ "add.headers": "op" }).apply(other)).toBe(other);
  });

  test("refuses unknown modes and malformed references", () => {
    expect(() => extract({ "delete.tombstone.handling.mode": "x" })).toThrow(
      /^Invalid value x for configuration delete.tombstone.handling.mode: Value must be one of drop, /,
    );
    expect(() => extract({ "add.fields": "a:b:c" })).toThrow("Invalid value a:b:c for configuration add.fields");
  });
});
