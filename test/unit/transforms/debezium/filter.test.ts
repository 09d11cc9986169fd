import { describe, expect, test } from "vitest";
import type { Props } from "../../../../src/api/index.js";
import { sourceRecord, transformation } from "../transformed.js";
import { event, row } from "./change-events.js";

const filter = (props: Props) =>
  transformation("io.debezium.transforms.Filter", { language: "millrace", condition: "value.after.id > 5", ...props });
const router = (expression: string, props: Props = {}) =>
  transformation("io.debezium.transforms.ContentBasedRouter", {
    language: "jsr223.groovy",
    "topic.expression": expression,
    ...props,
  });
const record = (id: number) => sourceRecord({ value: event("c", null, row(id, "Ulm")) });
const tombstone = sourceRecord();

describe("Filter", () => {
  test("keeps the records for which the condition is true", () => {
    const seven = record(7);
    expect(filter({}).apply(seven)).toBe(seven);
    expect(filter({}).apply(record(5))).toBeNull();
  });

  test("passes on other topics, and handles null as it is told", () => {
    const five = record(5);
    expect(filter({ "topic.regex": "items" }).apply(five)).toBe(five);
    expect(filter({}).apply(tombstone)).toBe(tombstone);
    expect(filter({ "null.handling.mode": "drop" }).apply(tombstone)).toBeNull();
    expect(filter({ "null.handling.mode": "evaluate", condition: "value != null" }).apply(tombstone)).toBeNull();
  });

  test("fails for a record whose condition is neither true nor false", () => {
    expect(() => filter({ condition: "value.op" }).apply(record(1))).toThrow(/neither true nor false/);
    expect(() => filter({ condition: "null" }).apply(record(1))).toThrow(/neither true nor false/);
  });

  test.each([
    [{ language: "jsr223.graal.js" }, "language"],
    [{ language: "" }, "language"],
    [{ condition: "value.op ==" }, "condition"],
    [{ condition: " " }, "condition"],
    [{ "topic.regex": "(" }, "topic.regex"],
    [{ "null.handling.mode": "x" }, "null.handling.mode"],
  ])("refuses %j", (props, key) => {
    expect(() => filter(props)).toThrow(expect.objectContaining({ key }));
  });
});

describe("ContentBasedRouter", () => {
  test("sends records to the topic of the expression, or leaves them", () => {
    const route = router("value.after.id > 5 ? 'big_' + value.op : null");
    expect(route.apply(record(7))!.topic).toBe("big_c");
    expect(route.apply(record(5))!.topic).toBe("orders");
    expect(router("'nulls'", { "null.handling.mode": "evaluate" }).apply(tombstone)!.topic).toBe("nulls");
    expect(router("'nulls'").apply(tombstone)).toBe(tombstone);
    expect(router("'x'", { "null.handling.mode": "drop" }).apply(tombstone)).toBeNull();
  });

  test("fails for a topic that is no text", () => {
    expect(() => router("1").apply(record(1))).toThrow(/neither a text nor null/);
  });
});
