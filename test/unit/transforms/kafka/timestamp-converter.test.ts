import { describe, expect, test } from "vitest";
import {
  type ConnectValue,
  INT64,
  LOGICAL,
  OPTIONAL_STRING,
  type Props,
  primitive,
  type Schema,
  STRING,
} from "../../../../src/api/index.js";
import { changedValue, sourceRecord, struct, transformation } from "../transformed.js";

const date = primitive("int32", { name: LOGICAL.date, version: 1 });
const MS = 1_700_000_000_123;

function convert(props: Props, schema: Schema | null, value: ConnectValue) {
  return transformation("TimestampConverter$Value", props).apply(sourceRecord({ schema, value }))!;
}

describe("TimestampConverter", () => {
  test("converts whole values and keeps their optionality", () => {
    const format = "yyyy-MM-dd HH:mm:ss.SSS";
    expect(convert({ "target.type": "string", format }, INT64, MS).value).toBe("2023-11-14 22:13:20.123");
    const back = convert({ "target.type": "Timestamp", format }, OPTIONAL_STRING, "2023-11-14 22:13:20.123");
    expect([back.value, back.valueSchema!.name, back.valueSchema!.optional]).toEqual([MS, LOGICAL.timestamp, true]);
    expect(convert({ "target.type": "Date" }, INT64, -1).value).toBe(-1);
    expect(convert({ "target.type": "Time" }, INT64, -1).value).toBe(86_399_999);
    expect(convert({ "target.type": "unix" }, date, 19_675).value).toBe(19_675 * 86_400_000);
  });

  test("converts units towards zero, and saturates", () => {
    const unix = (precision: string, value: ConnectValue) =>
      convert({ "target.type": "Timestamp", "unix.precision": precision }, INT64, value).value;
    expect(unix("microseconds", -1999)).toBe(-1);
    expect(unix("nanoseconds", 1700000000123456789n)).toBe(MS);
    expect(unix("seconds", 9223372036854775n)).toBe(9223372036854775000n);
    expect(unix("seconds", 2n ** 62n)).toBe(9223372036854775807n);
    const timestamp = primitive("int64", { name: LOGICAL.timestamp, version: 1 });
    const nanos = convert({ "target.type": "unix", "unix.precision": "nanoseconds" }, timestamp, MS);
    expect(nanos.value).toBe(1700000000123000000n);
  });

  test("converts a field, and keeps one schema for one schema", () => {
    const converter = transformation("TimestampConverter$Value", { "target.type": "Date", field: "at" });
    const value = struct([
      ["at", INT64, MS],
      ["city", STRING, "Ulm"],
    ]);
    const [one, other] = [converter.apply(sourceRecord({ value }))!, converter.apply(sourceRecord({ value }))!];
    expect(changedValue(one)).toEqual({ at: 19_675, city: "Ulm" });
    expect(one.valueSchema).toBe(other.valueSchema);
    expect(one.valueSchema!.field("at")!.schema.name).toBe(LOGICAL.date);
  });

  test("returns milliseconds where there is no schema to tell days from them", () => {
    const changed = convert({ "target.type": "Date", field: "at" }, null, new Map([["at", MS]]));
    expect(changedValue(changed)).toEqual({ at: 19_675 * 86_400_000 });
  });

  test("refuses what is no time, and texts that do not match", () => {
    expect(() => convert({ "target.type": "unix" }, primitive("boolean"), true)).toThrow(
      "Schema boolean does not correspond to a known timestamp type format (the value)",
    );
    expect(() => convert({ "target.type": "unix" }, null, 1.5)).toThrow(
      "TimestampConverter does not support class java.lang.Double objects as timestamps",
    );
    expect(() => convert({ "target.type": "unix" }, STRING, "x")).toThrow(/needs its format/);
    expect(() => convert({ "target.type": "unix", format: "yyyy" }, STRING, "secret")).toThrow(
      /^Could not parse timestamp: value does not match pattern \(yyyy\)$/,
    );
  });

  test("refuses patterns that Java refuses, and those that cannot be read with", () => {
    expect(() => transformation("TimestampConverter$Value", { "target.type": "string" })).toThrow(
      "TimestampConverter requires format option to be specified when using string timestamps",
    );
    expect(() => transformation("TimestampConverter$Value", { "target.type": "Date", format: "YYYY-ww" })).toThrow(
      "the letters Yw are not supported for reading texts",
    );
  });
});
