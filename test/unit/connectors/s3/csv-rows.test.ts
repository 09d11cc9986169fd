import { expect, test } from "vitest";
import { CsvFormat, type CsvSettings } from "../../../../connectors/s3/formats/csv-format.js";
import {
  ArrayStruct,
  arrayOf,
  type ConnectValue,
  encodeUnscaled,
  INT32,
  LOGICAL,
  OPTIONAL_STRING,
  primitive,
  type Schema,
  SinkRecord,
  STRING,
  structOf,
} from "../../../../src/api/index.js";
import { jsonConverter } from "./sink-driver.js";

const SETTINGS: CsvSettings = { delimiter: ",", hasHeader: true, nullText: "", gzipLevel: undefined };

function format(settings: Partial<CsvSettings> = {}): CsvFormat {
  const props = { "schemas.enable": "false", "decimal.format": "NUMERIC" };
  return new CsvFormat(
    { ...SETTINGS, ...settings },
    jsonConverter("org.apache.kafka.connect.json.JsonConverter", props, false),
  );
}

function rowOf(
  schema: Schema | null,
  value: ConnectValue,
  settings: Partial<CsvSettings> = {},
  isFirst = false,
): string {
  const record = new SinkRecord("t", 0, null, null, schema, value, 0, 0, "CreateTime");
  return format(settings).open(record).row(record, isFirst).toString();
}

const TEXTS = structOf([
  ["a", OPTIONAL_STRING],
  ["b,c", OPTIONAL_STRING],
]);
const texts = (...values: (string | null)[]) => new ArrayStruct(TEXTS, values);

test("the first row of an object follows the names of the fields", () => {
  expect(rowOf(TEXTS, texts("x", "y"), {}, true)).toBe('a,"b,c"\nx,y');
  expect(rowOf(TEXTS, texts("x", "y"), {})).toBe("x,y");
  expect(rowOf(TEXTS, texts("x", "y"), { hasHeader: false }, true)).toBe("x,y");
});

test("texts are quoted where they must be, and a null is no empty text", () => {
  expect(rowOf(TEXTS, texts('say "hi"', "two\nlines"))).toBe('"say ""hi""","two\nlines"');
  expect(rowOf(TEXTS, texts(null, ""))).toBe(',""');
  expect(rowOf(TEXTS, texts(null, "NULL"), { nullText: "NULL" })).toBe('NULL,"NULL"');
  expect(rowOf(TEXTS, texts("a,b", "a;b"), { delimiter: ";" })).toBe('a,b;"a;b"');
  for (const delimiter of ["^", "\\", "]", "-", "|"])
    expect(rowOf(TEXTS, texts(`a${delimiter}b`, "c"), { delimiter })).toBe(`"a${delimiter}b"${delimiter}c`);
});

test("cells that are no texts are quoted, too, where the delimiter or the null's text is in them", () => {
  const schema = structOf([
    ["number", primitive("float64")],
    ["date", primitive("int32", { name: LOGICAL.date })],
    ["decimal", primitive("bytes", { name: LOGICAL.decimal, parameters: { scale: "1" } })],
    ["bytes", primitive("bytes")],
    ["flag", primitive("boolean")],
  ]);
  const value = new ArrayStruct(schema, [-1.5, 0, encodeUnscaled(-15n), Buffer.from([255, 255]), true]);
  expect(rowOf(schema, value, { delimiter: "-" })).toBe('"-1.5"-"1970-01-01"-"-1.5"-//8=-true');
  expect(rowOf(schema, value, { delimiter: "=" })).toBe('-1.5=1970-01-01=-1.5="//8="=true');
  expect(rowOf(schema, value, { nullText: "true" })).toBe('-1.5,1970-01-01,-1.5,//8=,"true"');
});

test("zero keeps its sign", () => {
  const schema = structOf([
    ["double", primitive("float64")],
    ["float", primitive("float32")],
  ]);
  expect(rowOf(schema, new ArrayStruct(schema, [-0, -0]))).toBe("-0,-0");
});

test("times are ISO 8601, decimals exact, nested values JSON", () => {
  const schema = structOf([
    ["long", primitive("int64")],
    ["decimal", primitive("bytes", { name: LOGICAL.decimal, parameters: { scale: "2" } })],
    ["date", primitive("int32", { name: LOGICAL.date })],
    ["time", primitive("int32", { name: LOGICAL.time })],
    ["at", primitive("int64", { name: LOGICAL.timestamp })],
    ["bytes", primitive("bytes")],
    ["float", primitive("float32")],
    ["list", arrayOf(INT32)],
    ["nested", structOf([["city", STRING]])],
    ["flag", primitive("boolean", { optional: true, defaultValue: true })],
  ]);
  const value = new ArrayStruct(schema, [
    9007199254740993n,
    encodeUnscaled(-123456789012345678901n),
    -1,
    47_105_006,
    1_700_000_000_000,
    Buffer.from("hi"),
    Math.fround(0.1),
    [1, 2],
    new ArrayStruct(schema.field("nested")!.schema, ["Köln"]),
    null,
  ]);
  expect(rowOf(schema, value)).toBe(
    '9007199254740993,-1234567890123456789.01,1969-12-31,13:05:05.006,2023-11-14T22:13:20.000Z,aGk=,0.1,"[1,2]","{""city"":""Köln""}",true',
  );
});

test.each([
  ["a text", STRING, "x"],
  ["a value without a schema", null, new Map([["a", 1]])],
] as const)("%s has no columns, and is refused", (_name, schema, value) => {
  expect(() => rowOf(schema, value as ConnectValue)).toThrow(
    /CsvFormat \(format\.class\) writes values of type struct/,
  );
});
