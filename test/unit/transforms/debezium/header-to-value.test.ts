import { describe, expect, test } from "vitest";
import { type Header, INT32, type Props, STRING, type Struct } from "../../../../src/api/index.js";
import { changedValue, plain, sourceRecord, struct, transformation } from "../transformed.js";
import { event, row } from "./change-events.js";

const toValue = (fields: string, props: Props = {}) =>
  transformation("io.debezium.transforms.HeaderToValue", { headers: "app,at", fields, operation: "move", ...props });
const headers: readonly Header[] = [
  { key: "app", schema: STRING, value: "web" },
  { key: "at", schema: INT32, value: 5 },
  { key: "other", schema: STRING, value: "x" },
];
const value = struct([["id", INT32, 7]], { name: "Order" });

describe("HeaderToValue", () => {
  test("moves or copies values of headers to fields", () => {
    const moved = toValue("source,at").apply(sourceRecord({ value, headers }))!;
    expect([changedValue(moved), moved.headers.map(({ key }) => key)]).toEqual([
      { id: 7, source: "web", at: 5 },
      ["other"],
    ]);
    const copied = toValue("source,at", { operation: "copy" }).apply(sourceRecord({ value, headers }))!;
    expect(copied.headers).toEqual(headers);
    expect(copied.valueSchema!.name).toBe("Order");
  });

  test("makes fields in structs, and the structs that are missing", () => {
    const record = sourceRecord({ value: event("u", row(1, "Ulm"), row(1, null)), headers });
    const changed = toValue("after.app,more.deep.at").apply(record)!;
    const made = plain(changed.value) as Record<string, unknown>;
    expect(made["after"]).toEqual({ id: 1, city: "Ulm", app: "web" });
    expect(made["more"]).toEqual({ deep: { at: 5 } });
    expect(changed.valueSchema!.field("after")!.schema.optional).toBe(true);
  });

  test("keeps the header of a value whose struct is null", () => {
    const record = sourceRecord({ value: event("d", row(1, "Ulm"), null), headers });
    const changed = toValue("after.app,at").apply(record)!;
    expect((changed.value as Struct).get("after")).toBeNull();
    expect(changed.headers.map(({ key }) => key)).toEqual(["app", "other"]);
  });

  test("leaves tombstones, and records without the headers", () => {
    const tombstone = sourceRecord({ headers });
    expect(toValue("a,b").apply(tombstone)).toBe(tombstone);
    const bare = sourceRecord({ value });
    expect(toValue("a,b").apply(bare)).toBe(bare);
  });

  test("knows the headers of each record apart", () => {
    const transform = toValue("a,b");
    const one = sourceRecord({ value, headers: headers.slice(0, 1) });
    expect(changedValue(transform.apply(one))).toEqual({ id: 7, a: "web" });
    expect(changedValue(transform.apply(sourceRecord({ value, headers })))).toEqual({ id: 7, a: "web", b: 5 });
    expect(transform.apply(one)!.valueSchema).toBe(transform.apply(one)!.valueSchema);
  });

  test("fails where a field cannot be made", () => {
    const apply = (fields: string) => () => toValue(fields).apply(sourceRecord({ value, headers }));
    expect(apply("id.a,b")).toThrow(/field id cannot be added: it is a int32/);
    expect(apply("id,b")).toThrow(/there is one already, of type int32, not string/);
    const without = sourceRecord({ value, headers: [{ key: "app", schema: null, value: "x" }] });
    expect(() => toValue("a,b").apply(without)).toThrow(/has no schema/);
    expect(() => toValue("a,b").apply(sourceRecord({ value: "x", headers }))).toThrow(/Only Struct objects/);
  });

  test.each([
    [{ fields: "a" }, "fields"],
    [{ fields: "a b,c" }, "fields"],
    [{ fields: "a,,c" }, "fields"],
    [{ headers: "" }, "headers"],
    [{ operation: "x" }, "operation"],
  ])("refuses %j", (props, key) => {
    expect(() => toValue("a,b", props)).toThrow(expect.objectContaining({ key }));
  });
});
