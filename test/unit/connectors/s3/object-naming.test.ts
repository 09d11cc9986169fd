import { describe, expect, test } from "vitest";
import { S3_SINK_CONFIG } from "../../../../connectors/s3/config/s3-sink-config.js";
import { type ObjectKeySettings, objectKey } from "../../../../connectors/s3/object/object-key.js";
import {
  DefaultPartitioner,
  FieldPartitioner,
  SchemaAffixPartitioner,
} from "../../../../connectors/s3/partition/partitioner.js";
import { planWriter } from "../../../../connectors/s3/partition/plan-writer.js";
import { TimeBasedPartitioner } from "../../../../connectors/s3/partition/time-based-partitioner.js";
import { TimeZone } from "../../../../connectors/s3/time/time-zone.js";
import { timestampExtractor } from "../../../../connectors/s3/time/timestamp-extractor.js";
import {
  ArrayStruct,
  BOOLEAN,
  type ConnectValue,
  FLOAT64,
  INT32,
  INT64,
  LOGICAL,
  OPTIONAL_STRING,
  parseConfig,
  primitive,
  type Schema,
  SinkRecord,
  STRING,
  structOf,
} from "../../../../src/api/index.js";
import { SINK_PROPS } from "./sink-driver.js";

const KEYS: ObjectKeySettings = {
  topicsDir: "topics",
  directoryDelimiter: "/",
  fileDelimiter: "+",
  offsetWidth: 10,
};
const EXTENSION = ".json.gz";

describe("an object's key", () => {
  test("is directory, topic, partition and first offset", () => {
    expect(objectKey(KEYS, "orders", 3, "partition=3", 12_000, EXTENSION)).toBe(
      "topics/orders/partition=3/orders+3+0000012000.json.gz",
    );
  });
  test("leaves out a blank topics.dir and trims nothing else", () => {
    expect(objectKey({ ...KEYS, topicsDir: " " }, "o", 0, "d", 1, EXTENSION)).toBe("o/d/o+0+0000000001.json.gz");
    expect(objectKey({ ...KEYS, topicsDir: "/lead/trail/" }, "o", 0, "d", 1, EXTENSION)).toBe(
      "/lead/trail//o/d/o+0+0000000001.json.gz",
    );
  });
  test("uses the configured delimiters and width, and never cuts an offset", () => {
    const settings = { ...KEYS, directoryDelimiter: "|", fileDelimiter: "-", offsetWidth: 0 };
    expect(objectKey(settings, "a.json", 0, "d", 12, EXTENSION)).toBe("topics|a.json|d|a.json-0-12.json.gz");
    expect(objectKey({ ...KEYS, offsetWidth: 3 }, "o", 0, "d", 12_345, EXTENSION)).toContain("+12345.json");
  });
});

function recordOf(schema: Schema | null, value: ConnectValue, timestampMs: number | null = 0): SinkRecord {
  return new SinkRecord("orders", 2, null, null, schema, value, 7, timestampMs, "CreateTime");
}

describe("FieldPartitioner", () => {
  const city = structOf([["name", OPTIONAL_STRING]], { optional: true });
  const order = structOf([
    ["id", INT64],
    ["open", BOOLEAN],
    ["city", city],
    ["day", primitive("int32", { name: LOGICAL.date, version: 1 })],
    ["price", FLOAT64],
  ]);
  const encode = (names: string[], ...values: ConnectValue[]) =>
    new FieldPartitioner(names, "/").encode(recordOf(order, new ArrayStruct(order, values)));

  test("joins fields by name and value", () => {
    expect(encode(["open", "id", "city.name"], 2n ** 60n, true, new ArrayStruct(city, ["Köln"]), 0, 1)).toBe(
      "open=true/id=1152921504606846976/city.name=Köln",
    );
  });
  test("writes null for a null value, also below a null struct", () => {
    expect(encode(["city.name"], 1, true, null, 0, 1)).toBe("city.name=null");
  });
  test("writes logical dates as dates", () => {
    expect(encode(["day"], 1, true, null, 19_844, 1)).toBe("day=2024-05-01");
  });
  test.each([["price"], ["city"], ["none"], ["city.none"]])("refuses %s as the fault of the record", (name) => {
    expect(() => encode([name], 1, true, new ArrayStruct(city, ["x"]), 0, 1)).toThrow(
      expect.objectContaining({ name: "DataError", message: expect.stringContaining(name) }),
    );
  });
  test("refuses a day beyond all years as the fault of the record", () => {
    expect(() => encode(["day"], 1, true, null, 2 ** 31 - 1, 1)).toThrow(
      expect.objectContaining({ name: "DataError", message: expect.stringContaining("beyond the years") }),
    );
  });
  test("refuses a value that is no struct", () => {
    expect(() => new FieldPartitioner(["a"], "/").encode(recordOf(null, new Map([["a", 1]])))).toThrow(/Struct/);
  });
});

test("fields and a time make directories together", () => {
  const schema = structOf([["country", STRING]]);
  const { partitioner, rotation } = planWriter(
    parseConfig(S3_SINK_CONFIG, {
      ...SINK_PROPS,
      "partitioner.class": "io.millrace.connect.s3.partitioner.FieldAndTimeBasedPartitioner",
      "partition.field.name": "country",
      "partition.duration.ms": "3600000",
      "path.format": "'hour'=HH",
      "timestamp.extractor": "Record",
      "rotate.interval.ms": "60000",
      locale: "en",
      timezone: "Europe/Berlin",
    }),
  );
  const record = recordOf(schema, new ArrayStruct(schema, ["de"]), Date.UTC(2024, 0, 1, 12, 30));
  expect(partitioner.encode(record, partitioner.timestampOf(record, 0))).toBe("country=de/hour=13");
  expect(rotation.intervalMs).toBe(60_000);
});

test("the schema's name goes before or after the other directories", () => {
  const schema = structOf([["a", INT32]], { name: "shop.Order" });
  const record = recordOf(schema, new ArrayStruct(schema, [1]));
  const encode = (affix: "PREFIX" | "SUFFIX") =>
    new SchemaAffixPartitioner(new DefaultPartitioner(), affix, "/").encode(record, null);
  expect(encode("PREFIX")).toBe("schema_name=shop.Order/partition=2");
  expect(encode("SUFFIX")).toBe("partition=2/schema_name=shop.Order");
});

const HOUR_MS = 3_600_000;

function pathOf(
  iso: string | number,
  options: { zone?: string; durationMs?: number; format?: string; locale?: string } = {},
): string {
  const { zone = "UTC", durationMs = HOUR_MS, format = "YYYY-MM-dd_HH", locale = "en" } = options;
  const partitioner = new TimeBasedPartitioner(
    { durationMs, pathFormat: format, locale, zone: TimeZone.of(zone)!, delimiter: "/" },
    timestampExtractor("Record", "", TimeZone.of(zone)!),
  );
  const ms = typeof iso === "number" ? iso : Date.parse(iso);
  return partitioner.encode(recordOf(null, "", ms), ms);
}

describe("time-based directories", () => {
  test.each([
    ["2024-05-01T12:59:59Z", "UTC", "2024-05-01_12"],
    ["2024-05-01T22:30:00Z", "Europe/Berlin", "2024-05-02_00"],
    ["2024-05-01T22:30:00Z", "America/Los_Angeles", "2024-05-01_15"],
    ["2024-05-01T22:30:00Z", "Asia/Kolkata", "2024-05-02_04"],
    ["2024-05-01T22:30:00Z", "-03:30", "2024-05-01_19"],
  ])("%s in %s is %s", (iso, zone, path) => {
    expect(pathOf(iso, { zone })).toBe(path);
  });

  test("both passes of a repeated hour share a directory", () => {
    const zone = "Europe/Berlin";
    expect(pathOf("2023-10-29T00:30:00Z", { zone })).toBe("2023-10-29_02");
    expect(pathOf("2023-10-29T01:30:00Z", { zone })).toBe("2023-10-29_02");
    expect(pathOf("2023-10-29T02:30:00Z", { zone })).toBe("2023-10-29_03");
  });

  test("days begin at local midnight, also on days when clocks change or skip midnight", () => {
    const day = { durationMs: 24 * HOUR_MS, format: "YYYY-MM-dd'T'HHZZ" };
    expect(pathOf("2023-10-29T20:00:00Z", { zone: "Europe/Berlin", ...day })).toBe("2023-10-29T00+02:00");
    expect(pathOf("2018-11-04T12:00:00Z", { zone: "America/Sao_Paulo", ...day })).toBe("2018-11-04T01-02:00");
    expect(pathOf("2023-03-12T12:00:00Z", { zone: "America/Havana", ...day })).toBe("2023-03-12T01-04:00");
  });

  test("bucket times are truncated toward zero: the hours before and after 1970 share one", () => {
    expect([0, -1, -3_599_999, -3_600_001].map((ms) => pathOf(ms))).toEqual([
      "1970-01-01_00",
      "1970-01-01_00",
      "1970-01-01_00",
      "1969-12-31_23",
    ]);
  });

  test("Joda's letters", () => {
    const at = (format: string, locale = "en") => pathOf("2024-03-01T13:05:09.987Z", { durationMs: 1, format, locale });
    expect(at("'year'=YYYY/'month'=MM/'day'=dd/")).toBe("year=2024/month=03/day=01");
    expect(at("DD DDD w x e E EEEE MMM MMMM YY YYYYY C")).toBe("61 061 9 2024 5 Fri Friday Mar March 24 02024 20");
    expect(at("h K k H a m s S SS SSSS 'o''clock' ''")).toBe("1 1 13 13 PM 5 9 9 98 9870 o'clock '");
    expect(at("G")).toBe("AD");
    expect(pathOf("2024-03-01T13:05:09Z", { format: "Z ZZ ZZZ", zone: "Europe/Berlin" })).toBe(
      "+0100 +01:00 Europe/Berlin",
    );
  });

  test("a language selects its words, any other locale Java's root locale", () => {
    const at = (locale: string) =>
      pathOf("2024-07-02T13:00:00Z", { durationMs: 1, format: "G EEEE MMMM EEE MMM", locale });
    expect(at("de")).toBe("n. Chr. Dienstag Juli Di. Juli");
    expect(at("en-US")).toBe("CE Tue Jul Tue Jul");
    expect(at("de_DE")).toBe("CE Tue Jul Tue Jul");
  });

  test.each([
    [{ format: " " }, "path.format", "Path format cannot be empty."],
    [{ format: "/" }, "path.format", "Path format cannot be empty."],
    [{ format: "YYYY-bb" }, "path.format", "Illegal pattern component: b"],
    [{ format: "zzz" }, "path.format", "zone names"],
    [{ durationMs: -1 }, "partition.duration.ms", "needs to be a positive"],
    [{ durationMs: 0 }, "partition.duration.ms", "needs to be a positive"],
    [{ locale: " " }, "locale", "Locale cannot be empty."],
  ])("%j is refused, naming %s", (options, key, text) => {
    expect(() => pathOf(0, options)).toThrow(expect.objectContaining({ key, message: expect.stringContaining(text) }));
  });

  test("a time beyond all calendars is the fault of the record", () => {
    expect(() => pathOf(1.7e18)).toThrow(expect.objectContaining({ name: "DataError" }));
  });
});

describe("zones", () => {
  test.each(["Mars/Base", "europe/berlin", "+25:00", "CEST "])("%j is not a zone", (id) => {
    expect(TimeZone.of(id)).toBeUndefined();
  });
});

describe("RecordField", () => {
  const utc = TimeZone.of("UTC")!;
  const extract = timestampExtractor("RecordField", "at", utc);
  const ofMap = (value: ConnectValue) => extract(recordOf(null, new Map([["at", value]])), 0);

  test.each([
    ["1700000000000", 1_700_000_000_000],
    ["-5", -5],
    ["2023", 2023],
    ["2023-11", Date.UTC(2023, 10)],
    ["2023-W46-2", Date.UTC(2023, 10, 14)],
    ["2023-318T01:02", Date.UTC(2023, 10, 14, 1, 2)],
    ["T10:20:30Z", Date.UTC(1970, 0, 1, 10, 20, 30)],
    ["2023-11-14T22.5Z", Date.UTC(2023, 10, 14, 22, 30)],
    ["2023-11-14T22:13:20,5+01:00", Date.UTC(2023, 10, 14, 21, 13, 20, 500)],
  ])("reads %s", (text, ms) => {
    expect(ofMap(text)).toBe(ms);
  });

  test.each([["2023-11-14 22:13:20"], ["soon"], ["2023-13-01"], [""], [true], [null]])("refuses %j", (value) => {
    expect(() => ofMap(value)).toThrow(expect.objectContaining({ name: "DataError" }));
  });

  test("accepts any number in a map and no fraction in a struct", () => {
    expect(ofMap(1.5)).toBe(1);
    const schema = structOf([["at", FLOAT64]]);
    expect(() => extract(recordOf(schema, new ArrayStruct(schema, [2])), 0)).toThrow(/float64/);
  });

  test("finds nested fields of structs and maps", () => {
    const inner = structOf([["ts", primitive("int64", { name: LOGICAL.timestamp })]]);
    const outer = structOf([["in", inner]]);
    const nested = timestampExtractor("RecordField", "in.ts", utc);
    expect(nested(recordOf(outer, new ArrayStruct(outer, [new ArrayStruct(inner, [42])])), 0)).toBe(42);
    expect(nested(recordOf(null, new Map([["in", new Map([["ts", 43n]])]])), 0)).toBe(43);
    expect(() => nested(recordOf(STRING, "text"), 0)).toThrow(/in\.ts \(timestamp\.field\)/);
  });
});

test("extractors have short names and class names; Wallclock uses the batch's time", () => {
  const zone = TimeZone.of("UTC")!;
  const prefix = "io.confluent.connect.storage.partitioner.TimeBasedPartitioner$";
  expect(timestampExtractor(`${prefix}RecordTimestampExtractor`, "", zone)(recordOf(null, 1, 5), 9)).toBe(5);
  expect(timestampExtractor("Wallclock", "", zone)(recordOf(null, 1, 5), 9)).toBe(9);
  expect(() => timestampExtractor("Sundial", "", zone)).toThrow("Invalid timestamp extractor: Sundial");
  expect(() => timestampExtractor("Record", "", zone)(recordOf(null, 1, null), 9)).toThrow(/orders-2 offset 7/);
});
