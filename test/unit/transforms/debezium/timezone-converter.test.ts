import { describe, expect, test } from "vitest";
import {
  ArrayStruct,
  type ConnectValue,
  LOGICAL,
  OPTIONAL_INT64,
  type Props,
  primitive,
  STRING,
  structOf,
} from "../../../../src/api/index.js";
import { zoneRules } from "../../../../src/transforms/time/zone-offset.js";
import { plain, sourceRecord, transformation } from "../transformed.js";

const named = (type: "int32" | "int64" | "string", name: string) => primitive(type, { name, optional: true });
const row = structOf(
  [
    ["at", named("string", "io.debezium.time.ZonedTimestamp")],
    ["clock", named("string", "io.debezium.time.ZonedTime")],
    ["ms", named("int64", "io.debezium.time.Timestamp")],
    ["us", named("int64", "io.debezium.time.MicroTimestamp")],
    ["ns", named("int64", "io.debezium.time.NanoTimestamp")],
    ["ts", named("int64", LOGICAL.timestamp)],
    ["day", named("int32", "io.debezium.time.Date")],
  ],
  { optional: true },
);
const source = structOf([
  ["table", STRING],
  ["ts_ms", OPTIONAL_INT64],
  ["ts_us", OPTIONAL_INT64],
]);
const schema = structOf(
  [
    ["before", row],
    ["after", row],
    ["source", source],
    ["op", STRING],
  ],
  { name: "shop.orders.Envelope" },
);
const SUMMER_MS = Date.UTC(2020, 6, 1, 12);
const VALUES = ["2020-07-01T12:00:00.500Z", "12:00:00Z", SUMMER_MS, SUMMER_MS * 1e3, null, SUMMER_MS, 5];

function converted(props: Props, values: readonly ConnectValue[] = VALUES, topic = "shop.orders") {
  const event = new ArrayStruct(schema, [
    new ArrayStruct(row, values),
    new ArrayStruct(row, values),
    new ArrayStruct(source, ["orders", SUMMER_MS, SUMMER_MS * 1e3]),
    "u",
  ]);
  const converter = transformation("io.debezium.transforms.TimezoneConverter", {
    "converted.timezone": "Europe/Berlin",
    ...props,
  });
  return plain(converter.apply(sourceRecord({ topic, value: event }))!.value) as Record<
    string,
    Record<string, unknown>
  >;
}

const BERLIN_MS = SUMMER_MS - 7_200_000;

describe("TimezoneConverter", () => {
  test("converts the times of the rows", () => {
    const { before, after, source: block } = converted({ "converted.timezone": "+02:00" });
    expect(after).toEqual({
      at: "2020-07-01T14:00:00.5+02:00",
      clock: "14:00:00+02:00",
      ms: BERLIN_MS,
      us: BERLIN_MS * 1e3,
      ns: null,
      ts: BERLIN_MS,
      day: 5,
    });
    expect(before).toEqual(after);
    expect(block!["ts_ms"]).toBe(SUMMER_MS);
  });

  test("leaves the infinities, which are no times", () => {
    const infinite = [
      "infinity",
      null,
      9223372036825200,
      9223372036825200000n,
      2n ** 63n - 1n,
      -9223372036832400,
      null,
    ];
    expect(Object.values(converted({}, infinite)["after"]!)).toEqual(infinite);
  });

  test("fails for a time that leaves the range of its type", () => {
    const late = [null, null, null, 9223372036854775000n, null, null, null];
    expect(() => converted({ "converted.timezone": "-10:00" }, late)).toThrow(/outside the range/);
    expect(() => converted({}, ["soon", null, null, null, null, null, null])).toThrow(/no timestamp in ISO 8601/);
  });

  test.each([
    ["include.list", "source:orders:ms", ["ms"]],
    ["include.list", "topic:shop.orders", ["at", "clock", "ms", "us", "ts"]],
    ["include.list", "source:items", []],
    ["include.list", "orders:us,shop.orders:ts", ["ts"]],
    ["include.list", "source:orders:after.ms,source:orders:before.us", ["ms"]],
    ["exclude.list", "source:orders:ms", ["at", "clock", "us", "ts"]],
    ["exclude.list", "source:orders", []],
    ["exclude.list", "topic:other", ["at", "clock", "ms", "us", "ts"]],
  ])("%s=%s", (key, rules, names) => {
    const { after } = converted({ [key]: rules });
    const changed = row.fields.filter(({ name, index }) => after![name] !== VALUES[index]).map(({ name }) => name);
    expect(changed).toEqual(names);
  });

  test("converts times of the source block that rules name", () => {
    const { source: block, after } = converted({ "include.list": "source:orders:source.ts_ms" });
    expect([block!["ts_ms"], block!["ts_us"], after!["ms"]]).toEqual([
      SUMMER_MS + 7_200_000,
      SUMMER_MS * 1e3,
      SUMMER_MS,
    ]);
  });

  test.each([
    [{ "converted.timezone": "Berlin" }, "converted.timezone"],
    [{ "converted.timezone": "europe/berlin" }, "converted.timezone"],
    [{ "converted.timezone": "+19:00" }, "converted.timezone"],
    [{ "converted.timezone": "" }, "converted.timezone"],
    [{ "include.list": "a:b:c" }, "include.list"],
    [{ "include.list": "a b:c*" }, "include.list"],
    [{ "include.list": "source:a", "exclude.list": "source:b" }, "exclude.list"],
  ])("refuses %j", (props, key) => {
    expect(() => converted(props)).toThrow(expect.objectContaining({ key }));
  });
});

test("zones have Java's offsets, also in gaps, in overlaps and before there were rules", () => {
  const berlin = zoneRules("Europe/Berlin")!;
  expect([
    berlin.offsetOfLocal(Date.UTC(2024, 2, 31, 1, 59)),
    berlin.offsetOfLocal(Date.UTC(2024, 2, 31, 2, 30)),
    berlin.offsetOfLocal(Date.UTC(2024, 2, 31, 3, 0)),
    berlin.offsetOfLocal(Date.UTC(2024, 9, 27, 2, 30)),
    berlin.offsetOfLocal(Date.UTC(2024, 9, 27, 3, 0)),
    berlin.offsetAt(Date.UTC(2024, 6, 1)),
    berlin.offsetAt(-62_135_596_800_000),
    berlin.offsetAt(9.1e15),
  ]).toEqual([3600, 3600, 7200, 7200, 3600, 7200, 3208, 7200]);
});
