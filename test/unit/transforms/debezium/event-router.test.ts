import { describe, expect, test } from "vitest";
import {
  ArrayStruct,
  BYTES,
  INT32,
  type Logger,
  OPTIONAL_INT64,
  OPTIONAL_STRING,
  type Props,
  primitive,
  type Schema,
  STRING,
  structOf,
} from "../../../../src/api/index.js";
import { SimClock } from "../../../../src/base/clock.js";
import { lineLogger } from "../../../../src/base/log/line-logger.js";
import { LogLevels } from "../../../../src/base/log/log-levels.js";
import { plain, sourceRecord, transformation } from "../transformed.js";

const ROW = structOf(
  [
    ["id", STRING],
    ["aggregateid", STRING],
    ["aggregatetype", OPTIONAL_STRING],
    ["type", STRING],
    ["payload", OPTIONAL_STRING],
    ["version", INT32],
    ["at", primitive("int64", { name: "io.debezium.time.MicroTimestamp" })],
    ["bytes", BYTES],
  ],
  { name: "shop.outbox.Value", optional: true },
);
const EVENT: Schema = structOf(
  [
    ["before", ROW],
    ["after", ROW],
    ["op", STRING],
    ["ts_ms", OPTIONAL_INT64],
  ],
  { name: "shop.outbox.Envelope" },
);

const inserted = (payload: string | null, aggregate: string | null = "Order", op = "c") => {
  const row = new ArrayStruct(ROW, ["e1", "7", aggregate, "Created", payload, 3, 5_000_123, Buffer.from("b")]);
  const value = new ArrayStruct(EVENT, [null, row, op, 9]);
  return sourceRecord({ topic: "shop.public.outbox", value });
};
const route = (props: Props = {}, logger?: Logger) =>
  transformation("io.debezium.transforms.outbox.EventRouter", props, logger);

function linesOf(): { readonly lines: string[]; readonly logger: Logger } {
  const lines: string[] = [];
  return { lines, logger: lineLogger((line) => lines.push(line), new SimClock(), new LogLevels("info"), "router") };
}

describe("EventRouter", () => {
  test("makes a message of an inserted row", () => {
    const message = route().apply(inserted("hello"))!;
    expect(message).toMatchObject({ topic: "outbox.event.Order", key: "7", value: "hello", timestampMs: 9 });
    expect([message.keySchema, message.valueSchema]).toEqual([STRING, OPTIONAL_STRING]);
    expect(message.headers).toEqual([{ key: "id", schema: STRING, value: "e1" }]);
  });

  test("drops deletes and tombstones, and passes other records on", () => {
    const deleted = new ArrayStruct(EVENT, [null, null, "d", 9]);
    expect(route().apply(sourceRecord({ value: deleted }))).toBeNull();
    expect(route().apply(sourceRecord())).toBeNull();
    const other = sourceRecord({ value: "heartbeat", schema: STRING });
    expect(route().apply(other)).toBe(other);
  });

  test.each([
    ["warn", / WARN /],
    ["error", / ERROR /],
  ])("drops updates, with a line at %s that tells nothing of the row", (behavior, line) => {
    const { lines, logger } = linesOf();
    const update = inserted("secret", "Order", "u");
    expect(route({ "table.op.invalid.behavior": behavior }, logger).apply(update)).toBeNull();
    expect(lines).toEqual([expect.stringMatching(line)]);
    expect(lines.join()).not.toContain("secret");
    expect(() => route({ "table.op.invalid.behavior": "fatal" }).apply(update)).toThrow(/fatal/);
  });

  test("places more columns in headers, an envelope and the partition", () => {
    const props = {
      "table.fields.additional.placement": "type:header:kind, at:envelope:when,version:partition",
      "table.field.event.schema.version": "version",
      "table.field.event.timestamp": "at",
    };
    const router = route(props);
    const message = router.apply(inserted("x"))!;
    expect(message).toMatchObject({ partition: 3, timestampMs: 5_000 });
    expect(message.headers.at(-1)).toEqual({ key: "kind", schema: STRING, value: "Created" });
    expect(plain(message.value)).toEqual({ payload: "x", when: 5_000_123 });
    expect(message.valueSchema).toMatchObject({ name: "shop.outbox.Order.Value", version: 3 });
    expect(router.apply(inserted("y"))!.valueSchema).toBe(message.valueSchema);
    expect(router.apply(inserted("y", "Item"))!.valueSchema!.name).toBe("shop.outbox.Item.Value");
  });

  test("expands JSON, in an envelope too, and warns of what it cannot expand without quoting it", () => {
    const { lines, logger } = linesOf();
    const expand = { "table.expand.json.payload": "true", "table.fields.additional.placement": "type:envelope" };
    const router = route(expand, logger);
    const value = (text: string) => plain(router.apply(inserted(text))!.value);
    expect(value('{"a":1,"b":{"c":[1.5,null],"d":null},"e":[]}')).toEqual({
      payload: { a: 1, b: { c: [1.5, null] } },
      type: "Created",
    });
    expect(value('[{"n":1},{"m":"x"}]')).toEqual({
      payload: [expect.anything(), expect.anything()],
      type: "Created",
    });
    expect(lines).toEqual([]);
    for (const text of ["secret", "{secret", '["secret",1]', "[]", '{"secret":99999999999999999999}']) {
      expect(value(text)).toEqual({ payload: text, type: "Created" });
      expect(lines.splice(0)).toEqual([expect.stringMatching(/WARN .*payload/)]);
    }
    expect(lines.join()).not.toContain("secret");
  });

  test("does not expand JSON that is nested deeper than 1000 levels or has huge texts", () => {
    const { lines, logger } = linesOf();
    const router = route({ "table.expand.json.payload": "true" }, logger);
    const nested = (depth: number) => `${'{"a":'.repeat(depth)}"[[{"${"}".repeat(depth)}`;
    expect(router.apply(inserted(nested(1000)))!.valueSchema!.type).toBe("struct");
    expect(lines).toEqual([]);
    for (const depth of [1001, 100_000]) expect(router.apply(inserted(nested(depth)))!.value).toBe(nested(depth));
    expect(lines.splice(0)).toEqual([expect.stringContaining("1000 levels"), expect.stringContaining("1000 levels")]);
    const huge = `{"a":"${"x".repeat(21_000_000)}"}`;
    expect(router.apply(inserted(huge))!.value === huge).toBe(true);
    expect(lines).toEqual([expect.stringContaining("too long")]);
  });

  test("makes tombstones of empty payloads if asked to", () => {
    const router = route({ "route.tombstone.on.empty.payload": "true" });
    for (const payload of [null, "", " \n"]) {
      expect(router.apply(inserted(payload))).toMatchObject({ value: null, valueSchema: null, key: "7" });
    }
    expect(route().apply(inserted(""))).toMatchObject({ value: "", valueSchema: OPTIONAL_STRING });
  });

  test.each([
    [{ "route.by.field": "version" }, /column version is no string/],
    [{ "route.by.field": "nothing" }, /column nothing is missing/],
    [{ "table.field.event.payload": "nothing" }, /column nothing is missing, which holds the payload/],
    [{ "table.field.event.id": "nothing" }, /column nothing is missing, which holds the event id/],
    [{ "table.field.event.timestamp": "type" }, /column type is no int64/],
    [{ "table.fields.additional.placement": "nothing:header" }, /nothing is missing, which table.fields/],
  ])("refuses a row that does not fit %j", (props, message) => {
    expect(() => route(props).apply(inserted("x"))).toThrow(message);
    expect(() => route().apply(inserted("x", null))).toThrow(/column aggregatetype is null/);
  });

  test.each([
    [{ "table.fields.additional.placement": "type" }, "table.fields.additional.placement"],
    [{ "table.fields.additional.placement": "type:elsewhere" }, "table.fields.additional.placement"],
    [{ "route.topic.regex": "(" }, "route.topic.regex"],
    [{ "route.topic.regex": " " }, "route.topic.regex"],
    [{ "route.topic.regex": "a", "route.topic.replacement": "$1" }, "route.topic.replacement"],
    [{ "table.op.invalid.behavior": "x" }, "table.op.invalid.behavior"],
    [{ "field.name.adjustment.mode": "avron" }, "field.name.adjustment.mode"],
  ])("refuses %j", (props, key) => {
    expect(() => route(props)).toThrow(expect.objectContaining({ key }));
  });
});
