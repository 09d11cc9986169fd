import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ArrayStruct,
  type ConnectValue,
  DataError,
  Float64,
  INT32,
  LOGICAL,
  OPTIONAL_BYTES,
  OPTIONAL_STRING,
  primitive,
  RecordHeaders,
  STRING,
  structOf,
} from "../../../src/api/index.js";
import { converters, headerConverters } from "../../../src/converters/built-in-converters.js";
import { parseValue } from "../../../src/converters/connect-values.js";
import { renderValue } from "../../../src/converters/render-value.js";

function converter(name: string, props: Record<string, string> = {}) {
  const made = converters.get(`org.apache.kafka.connect.${name}`)!();
  made.configure(props, false);
  return made;
}

describe("StringConverter", () => {
  const strings = converter("storage.StringConverter");
  const row = structOf([
    ["a", INT32],
    ["b", STRING],
    ["c", OPTIONAL_STRING],
  ]);

  test.each<[string, ConnectValue, string]>([
    ["text", "é", "é"],
    ["a struct, without its nulls", new ArrayStruct(row, [1, "x", null]), "Struct{a=1,b=x}"],
    [
      "a map",
      new Map<ConnectValue, ConnectValue>([
        ["a", 1],
        ["b", null],
      ]),
      "{a=1, b=null}",
    ],
    ["a list", [1, new Float64(2), true], "[1, 2.0, true]"],
    ["a long", 2n ** 60n, "1152921504606846976"],
  ])("writes %s as Java's toString", (_, value, text) => {
    expect(strings.fromConnectData("t", new RecordHeaders(), null, value)?.toString()).toBe(text);
  });

  test("writes logical types as Java prints their values", () => {
    const date = primitive("int32", { name: LOGICAL.date, version: 1 });
    const decimal = primitive("bytes", { name: LOGICAL.decimal, version: 1, parameters: { scale: "2" } });
    expect(strings.fromConnectData("t", new RecordHeaders(), date, 0)?.toString()).toBe("Thu Jan 01 00:00:00 UTC 1970");
    expect(strings.fromConnectData("t", new RecordHeaders(), decimal, Buffer.from([0, 150]))?.toString()).toBe("1.50");
  });

  test("reads text, and keeps the schema for null", () => {
    expect(strings.toConnectData("t", [], Buffer.from("é"))).toEqual({ schema: OPTIONAL_STRING, value: "é" });
    expect(strings.toConnectData("t", [], null)).toEqual({ schema: OPTIONAL_STRING, value: null });
    expect(strings.fromConnectData("t", new RecordHeaders(), STRING, null)).toBeNull();
  });

  test.each([
    ["US-ASCII", "é"],
    ["US-ASCII", "€"],
    ["ISO-8859-1", "€"],
    ["ISO-8859-1", "😀"],
  ])("refuses what %s cannot write: %s", (encoding, text) => {
    const narrow = converter("storage.StringConverter", { "converter.encoding": encoding });
    expect(() => narrow.fromConnectData("t", new RecordHeaders(), STRING, text)).toThrow(encoding);
    expect(narrow.fromConnectData("t", new RecordHeaders(), STRING, "abc")).toEqual(Buffer.from("abc"));
  });

  test("reads a byte beyond US-ASCII as Java does", () => {
    const ascii = converter("storage.StringConverter", { "converter.encoding": "US-ASCII" });
    expect(ascii.toConnectData("t", [], Buffer.from([0x61, 0xe9]))).toEqual({
      schema: OPTIONAL_STRING,
      value: "a\ufffd",
    });
  });

  test("supports other encodings, and refuses unknown ones by name", () => {
    const latin = converter("storage.StringConverter", { "converter.encoding": "ISO-8859-1" });
    expect(latin.fromConnectData("t", new RecordHeaders(), null, "é")).toEqual(Buffer.from([0xe9]));
    expect(() => converter("storage.StringConverter", { "converter.encoding": "EBCDIC" })).toThrow(
      "converter.encoding",
    );
  });
});

describe("ByteArrayConverter", () => {
  const bytes = converter("converters.ByteArrayConverter");

  test("passes bytes through", () => {
    const buffer = Buffer.from([0, 255]);
    expect(bytes.fromConnectData("t", new RecordHeaders(), OPTIONAL_BYTES, buffer)).toBe(buffer);
    expect(bytes.fromConnectData("t", new RecordHeaders(), null, null)).toBeNull();
    expect(bytes.toConnectData("t", [], buffer)).toEqual({ schema: OPTIONAL_BYTES, value: buffer });
  });

  test("refuses everything else", () => {
    expect(() => bytes.fromConnectData("t", new RecordHeaders(), STRING, "a")).toThrow(
      "Invalid schema type for ByteArrayConverter: STRING",
    );
    expect(() => bytes.fromConnectData("t", new RecordHeaders(), null, "a")).toThrow(
      "ByteArrayConverter is not compatible with objects of type class java.lang.String",
    );
  });
});

describe("fixed-width converters", () => {
  test.each<[string, ConnectValue, string]>([
    ["BooleanConverter", true, "01"],
    ["ShortConverter", -2, "fffe"],
    ["IntegerConverter", 258, "00000102"],
    ["LongConverter", 2n ** 62n, "4000000000000000"],
    ["LongConverter", -1, "ffffffffffffffff"],
    ["FloatConverter", 1.5, "3fc00000"],
    ["DoubleConverter", -1.5, "bff8000000000000"],
  ])("%s writes %s as %s and reads it back", (name, value, hex) => {
    const made = converter(`converters.${name}`);
    const bytes = made.fromConnectData("t", new RecordHeaders(), null, value);
    expect(bytes?.toString("hex")).toBe(hex);
    expect(made.toConnectData("t", [], bytes).value).toEqual(value);
    expect(made.toConnectData("t", [], null).value).toBeNull();
    expect(() => made.toConnectData("t", [], Buffer.alloc(3, 9))).toThrow(DataError);
    expect(() => made.fromConnectData("t", new RecordHeaders(), null, "text")).toThrow(
      "is not compatible with objects of type",
    );
  });

  test("a byte that is not a boolean is refused", () => {
    expect(() => converter("converters.BooleanConverter").toConnectData("t", [], Buffer.from([2]))).toThrow(DataError);
  });
});

describe("SimpleHeaderConverter", () => {
  const headers = headerConverters.get("org.apache.kafka.connect.storage.SimpleHeaderConverter")!();

  test.each<[string, string | undefined, ConnectValue]>([
    ["", "string", ""],
    ["null", undefined, null],
    ["true", "boolean", true],
    ["True", "string", "True"],
    ["007", "int8", 7],
    ["-129", "int16", -129],
    ["70000", "int32", 70000],
    ["9223372036854775807", "int64", 9223372036854775807n],
    ["1e3", "int16", 1000],
    ["1.0", "int8", 1],
    ["0.5", "float32", 0.5],
    ["1.5e300", "float64", 1.5e300],
    ["12345678901234567890", "bytes", Buffer.from("00ab54a98ceb1f0ad2", "hex")],
    ["2019-08-23", "int32", 18131],
    ["14:34:54.346Z", "int32", 52494346],
    ["2019-08-23T14:34:54.346Z", "int64", 1566570894346],
    ["2019-02-31", "int32", 17958],
    ["0024-01-31", "int32", -710732],
    [" 14:34:54.346Z", "int32", 52494346],
    ["14:34:54.346Z ", "string", "14:34:54.346Z "],
    ["25:00:00.000Z", "string", "25:00:00.000Z"],
    ["2019-08-23T14:34:54", "string", "2019-08-23T14:34:54"],
    ["postgresql", "string", "postgresql"],
    [" padded ", "string", " padded "],
    ["1 2", "string", "1 2"],
    ["[1, 300, 2]", "array", [1, 300, 2]],
    ["[]", "array", []],
    ["[1,]", "array", [1]],
    ["[1]x", "string", "[1]x"],
    ["1,2", "string", "1,2"],
    ["[null]", "array", [null]],
    ["[1,null]", "string", "[1,null]"],
    ['["a",1,null]', "array", ["a", 1, null]],
    [String.raw`["\n"," "]`, "array", [String.raw`\n`, " "]],
    // Without a common schema: as JavaScript spells them.
    ['[0.1,"a",[99999999999999999999],2019-08-23]', "array", [0.1, "a", ["99999999999999999999"], "2019-08-23"]],
    ["[a]", "string", "[a]"],
    ["[1", "string", "[1"],
    ["[1,,2]", "string", "[1,,2]"],
    ['{"id":30}', "map", new Map([["id", 30]])],
    [
      '{"a":"x\\"y","b":[true]}',
      "map",
      new Map<string, ConnectValue>([
        ["a", 'x"y'],
        ["b", [true]],
      ]),
    ],
    ["{1}", "string", "{1}"],
    ["6f9619ff-8b86-d011-b42d-00cf4fc964ff", "string", "6f9619ff-8b86-d011-b42d-00cf4fc964ff"],
  ])("guesses %j to be of type %s", (text, type, value) => {
    const header = headers.toConnectHeader("t", "h", Buffer.from(text));
    expect(header.schema?.type).toBe(type);
    expect(header.value).toEqual(value);
  });

  test("bytes that are not text stay bytes, and null stays null", () => {
    const bytes = Buffer.from([0xff, 0xfe]);
    expect(headers.toConnectHeader("t", "h", bytes).value).toBe(bytes);
    expect(headers.toConnectHeader("t", "h", null)).toEqual({ key: "h", schema: null, value: null });
    expect(headers.fromConnectHeader("t", { key: "h", schema: null, value: null })).toBeNull();
  });

  test("structs and maps are written as JSON without spaces", () => {
    const row = structOf([
      ["id", INT32],
      ["name", STRING],
    ]);
    expect(renderValue(row, new ArrayStruct(row, [30, 'a"b']))).toBe('{"id":30,"name":"a\\"b"}');
    expect(renderValue(null, new Map<ConnectValue, ConnectValue>([["k", [1, "v", null]]]))).toBe('{"k":[1,"v",null]}');
  });

  test("dates and times are written by their value", () => {
    const timestamp = primitive("int64", { name: LOGICAL.timestamp, version: 1 });
    expect(renderValue(timestamp, 1566570894346)).toBe("2019-08-23T14:34:54.346Z");
    expect(renderValue(timestamp, 1566518400000)).toBe("2019-08-23");
    expect(renderValue(timestamp, 1000)).toBe("00:00:01.000Z");
  });

  test("any text is either guessed or kept, never lost", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const { schema, value } = parseValue(text);
        if (schema?.type === "string") expect(value).toBe(text);
      }),
    );
  });
});
