import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ArrayStruct, OPTIONAL_INT64, OPTIONAL_STRING, type Props, structOf } from "../../../src/api/index.js";
import { builtInPredicates, builtInTransformations } from "../../../src/transforms/built-in-transformations.js";
import { plain, sinkRecord, transformation } from "./transformed.js";

/** Settings with which each transformation changes a record with the fields `a`, `b` and `at`. */
const SETTINGS: Readonly<Record<string, Props>> = {
  "kafka.connect.transforms.Filter": {},
  Cast: { spec: "a:string,at:string" },
  DropHeaders: { headers: "h" },
  ExtractField: { field: "a" },
  Flatten: {},
  HeaderFrom: { fields: "a", headers: "h", operation: "move" },
  HoistField: { field: "whole" },
  InsertField: { "topic.field": "t", "offset.field": "o", "timestamp.field": "when" },
  InsertHeader: { header: "h", "value.literal": "1" },
  MaskField: { fields: "a,b" },
  RegexRouter: { regex: "(.*)", replacement: "$1_" },
  ReplaceField: { exclude: "a", renames: "b:c" },
  SetSchemaMetadata: { "schema.name": "New" },
  TimestampConverter: { "target.type": "Timestamp", field: "at" },
  TimestampRouter: {},
  ValueToKey: { fields: "b,a" },
  ByLogicalTableRouter: { "topic.regex": "(.*)", "topic.replacement": "$1_" },
  ExtractNewRecordState: {},
  EventRouter: {},
  ContentBasedRouter: { language: "millrace", "topic.expression": "topic + '_' + value.b" },
  DecodeLogicalDecodingMessageContent: {},
  ExtractChangedRecordState: { "header.changed.name": "changed" },
  "debezium.transforms.Filter": { language: "millrace", condition: "topic == 'orders'" },
  HeaderToValue: { headers: "h", fields: "h", operation: "move" },
  PartitionRouting: { "partition.payload.fields": "after.a", "partition.topic.num": "3" },
  SchemaChangeEventFilter: { "schema.change.event.exclude.list": "ALTER" },
  TimezoneConverter: { "converted.timezone": "Europe/Berlin" },
};
/** By its simple name, or by its full name where two share that. */
const settingsName = (className: string) =>
  Object.keys(SETTINGS).find((name) => className.endsWith(`.${name}`)) ?? className.replace(/^.*\.|\$.*$/g, "");

const schema = structOf(
  [
    ["a", OPTIONAL_INT64],
    ["b", OPTIONAL_STRING],
    ["at", OPTIONAL_INT64],
  ],
  { name: "Order" },
);
const int64 = fc
  .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value));
const record = fc
  .tuple(fc.option(int64), fc.option(fc.string()), fc.option(int64))
  .map((values) => new ArrayStruct(schema, values))
  .map((value) =>
    sinkRecord({ key: value, value, timestampMs: 7, headers: [{ key: "h", schema: OPTIONAL_STRING, value: "x" }] }),
  );

test("class names are unique, and each transformation has its settings here", () => {
  const names = [...builtInTransformations, ...builtInPredicates].map(({ className }) => className);
  expect(new Set(names).size).toBe(names.length);
  const bare = builtInTransformations.map(({ className }) => settingsName(className));
  expect(new Set(bare)).toEqual(new Set(Object.keys(SETTINGS)));
});

describe.each(builtInTransformations.map(({ className }) => className))("%s", (className) => {
  const props = SETTINGS[settingsName(className)]!;
  const name = className.replace("org.apache.kafka.connect.transforms.", "");

  test("returns the same schemas for records of one schema, and never modifies a record", () => {
    const made = transformation(name, props);
    fc.assert(
      fc.property(record, record, (one, other) => {
        const [before, headers] = [plain(one.value), [...one.headers]];
        const changed = [made.apply(one), made.apply(other)];
        expect(changed[0]?.keySchema).toBe(changed[1]?.keySchema);
        expect(changed[0]?.valueSchema).toBe(changed[1]?.valueSchema);
        expect([plain(one.value), one.headers]).toEqual([before, headers]);
      }),
      { numRuns: 50 },
    );
  });
});
