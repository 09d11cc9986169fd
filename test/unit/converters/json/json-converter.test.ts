import { describe, expect, test } from "vitest";
import {
  ArrayStruct,
  arrayOf,
  BOOLEAN,
  BYTES,
  type ConnectValue,
  DataError,
  FLOAT32,
  FLOAT64,
  Float64,
  INT8,
  INT16,
  INT32,
  INT64,
  LOGICAL,
  mapOf,
  OPTIONAL_INT32,
  OPTIONAL_STRING,
  primitive,
  RecordHeaders,
  type Schema,
  STRING,
  Struct,
  structOf,
  withAttributes,
} from "../../../../src/api/index.js";
import { JsonConverter } from "../../../../src/converters/json/json-converter.js";

function converter(props: Record<string, string> = {}): JsonConverter {
  const made = new JsonConverter();
  made.configure(props, false);
  return made;
}

const bare = { "schemas.enable": "false" };
const text = (bytes: Buffer | null) => bytes?.toString("utf8");
const decimal = primitive("bytes", { name: LOGICAL.decimal, version: 1, parameters: { scale: "2" } });

/** The payload, written without an envelope. */
function payload(schema: Schema | null, value: ConnectValue, props: Record<string, string> = {}): string | undefined {
  return text(converter({ ...bare, ...props }).fromConnectData("t", new RecordHeaders(), schema, value));
}

function valuesOf(value: ConnectValue): ConnectValue[] {
  const struct = value as Struct;
  return struct.schema.fields.map(({ index }) => struct.at(index));
}

function read(json: string, props: Record<string, string> = {}) {
  return converter(props).toConnectData("t", [], Buffer.from(json));
}

describe("writing an envelope", () => {
  test.each<[string, Schema, ConnectValue, string]>([
    ["boolean", BOOLEAN, true, '{"schema":{"type":"boolean","optional":false},"payload":true}'],
    ["int8", INT8, 12, '{"schema":{"type":"int8","optional":false},"payload":12}'],
    ["int16", INT16, -12, '{"schema":{"type":"int16","optional":false},"payload":-12}'],
    ["int64", INT64, 12, '{"schema":{"type":"int64","optional":false},"payload":12}'],
    ["float32", FLOAT32, 12.34, '{"schema":{"type":"float","optional":false},"payload":12.34}'],
    ["float64", FLOAT64, 1, '{"schema":{"type":"double","optional":false},"payload":1.0}'],
    [
      "bytes",
      BYTES,
      Buffer.from("some-string"),
      '{"schema":{"type":"bytes","optional":false},"payload":"c29tZS1zdHJpbmc="}',
    ],
    [
      "array",
      arrayOf(INT32),
      [1, 2, 3],
      '{"schema":{"type":"array","items":{"type":"int32","optional":false},"optional":false},"payload":[1,2,3]}',
    ],
    [
      "map with text keys",
      mapOf(STRING, INT32),
      new Map([["k1", 12]]),
      '{"schema":{"type":"map","keys":{"type":"string","optional":false},"values":{"type":"int32","optional":false},"optional":false},"payload":{"k1":12}}',
    ],
    [
      "map with other keys",
      mapOf(INT32, INT32),
      new Map([
        [1, 12],
        [2, 15],
      ]),
      '{"schema":{"type":"map","keys":{"type":"int32","optional":false},"values":{"type":"int32","optional":false},"optional":false},"payload":[[1,12],[2,15]]}',
    ],
    [
      "decimal",
      decimal,
      Buffer.from([0, 156]),
      '{"schema":{"type":"bytes","optional":false,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"}},"payload":"AJw="}',
    ],
    [
      "optional with a default",
      withAttributes(OPTIONAL_INT32, { defaultValue: 7, doc: "seven" }),
      null,
      '{"schema":{"type":"int32","optional":true,"doc":"seven","default":7},"payload":7}',
    ],
  ])("of type %s", (_, schema, value, expected) => {
    expect(text(converter().fromConnectData("t", new RecordHeaders(), schema, value))).toBe(expected);
  });

  test("a struct's fields have their names last", () => {
    const schema = structOf(
      [
        ["a", OPTIONAL_INT32],
        ["b", STRING],
      ],
      { name: "n", version: 3 },
    );
    expect(text(converter().fromConnectData("t", new RecordHeaders(), schema, new ArrayStruct(schema, [1, "x"])))).toBe(
      '{"schema":{"type":"struct","fields":[{"type":"int32","optional":true,"field":"a"},{"type":"string","optional":false,"field":"b"}],"optional":false,"name":"n","version":3},"payload":{"a":1,"b":"x"}}',
    );
  });

  test("null without a schema is a tombstone, null with a schema is not", () => {
    expect(converter().fromConnectData("t", new RecordHeaders(), null, null)).toBeNull();
    expect(converter(bare).fromConnectData("t", new RecordHeaders(), null, null)).toBeNull();
    expect(text(converter().fromConnectData("t", new RecordHeaders(), OPTIONAL_STRING, null))).toBe(
      '{"schema":{"type":"string","optional":true},"payload":null}',
    );
    expect(payload(OPTIONAL_STRING, null)).toBe("null");
  });

  test("a value without a schema has a null one", () => {
    expect(text(converter().fromConnectData("t", new RecordHeaders(), null, new Map([["a", 1]])))).toBe(
      '{"schema":null,"payload":{"a":1}}',
    );
  });
});

describe("writing values", () => {
  test("characters are escaped as Jackson does", () => {
    const odd = 'quote " backslash \\ / \b\t\n\f\r \u0001\u001f \u007f é 日本 \u2028 😀 \ud800';
    const expected =
      '"quote \\" backslash \\\\ / \\b\\t\\n\\f\\r \\u0001\\u001F \u007f é 日本 \u2028 \\uD83D\\uDE00 \\uD800"';
    expect(payload(STRING, odd)).toBe(expected);
    expect(payload(STRING, odd.repeat(20))).toBe(`"${expected.slice(1, -1).repeat(20)}"`);
    expect(payload(STRING, "é".repeat(500))).toBe(`"${"é".repeat(500)}"`);
    expect(payload(STRING, "a".repeat(100_000))).toBe(`"${"a".repeat(100_000)}"`);
  });

  test("numbers are exact and in Java's notation", () => {
    expect(payload(INT64, 9223372036854775807n)).toBe("9223372036854775807");
    expect(payload(INT64, -9223372036854775808n)).toBe("-9223372036854775808");
    expect(payload(INT64, Number.MAX_SAFE_INTEGER)).toBe("9007199254740991");
    expect(payload(INT32, -0)).toBe("0");
    expect(payload(FLOAT64, 1e10)).toBe("1.0E10");
    expect(payload(FLOAT64, Number.NaN)).toBe('"NaN"');
    expect(payload(FLOAT32, Number.NEGATIVE_INFINITY)).toBe('"-Infinity"');
    expect(payload(null, new Float64(1))).toBe("1.0");
    expect(payload(null, 1)).toBe("1");
    expect(payload(null, 1.5)).toBe("1.5");
  });

  test("decimals are numbers with their scale under decimal.format=NUMERIC", () => {
    expect(payload(decimal, Buffer.from([0, 156]), { "decimal.format": "numeric" })).toBe("1.56");
    expect(payload(decimal, Buffer.from([0, 150]), { "decimal.format": "NUMERIC" })).toBe("1.50");
  });

  test("null becomes the default unless replace.null.with.default is false", () => {
    const schema = structOf([["a", withAttributes(OPTIONAL_INT32, { defaultValue: 42 })]]);
    expect(payload(schema, new ArrayStruct(schema, [null]))).toBe('{"a":42}');
    expect(payload(schema, new ArrayStruct(schema, [null]), { "replace.null.with.default": "false" })).toBe(
      '{"a":null}',
    );
  });

  test("a repeated value is written each time", () => {
    const schema = structOf([
      ["same", STRING],
      ["i", INT32],
    ]);
    const json = converter(bare);
    const written = Array.from({ length: 40 }, (_, i) =>
      text(
        json.fromConnectData("t", new RecordHeaders(), schema, new ArrayStruct(schema, [i < 30 ? "a" : "b", i >> 4])),
      ),
    );
    expect(written).toEqual(written.map((_, i) => `{"same":"${i < 30 ? "a" : "b"}","i":${i >> 4}}`));
  });

  test("the bytes of earlier records are never overwritten", () => {
    const json = converter(bare);
    const records = Array.from({ length: 3000 }, (_, i) =>
      json.fromConnectData("t", new RecordHeaders(), STRING, `${i}-`.repeat(i % 300)),
    );
    records.forEach((bytes, i) => {
      expect(text(bytes)).toBe(`"${`${i}-`.repeat(i % 300)}"`);
    });
  });

  test("a failed record leaves nothing in the next one", () => {
    const json = converter(bare);
    const schema = arrayOf(STRING);
    expect(() => json.fromConnectData("t", new RecordHeaders(), schema, ["a", 1])).toThrow(DataError);
    expect(text(json.fromConnectData("t", new RecordHeaders(), schema, ["b"]))).toBe('["b"]');
  });

  test("a mismatch is refused with Connect's message and without the value", () => {
    const schema = structOf([["secret", INT32]]);
    const other = structOf([["secret", INT64]]);
    expect(() => payload(INT32, "hunter2")).toThrow("Invalid type for INT32: class java.lang.String");
    expect(() => payload(INT32, 2 ** 31)).toThrow("A whole number outside the range of INT32");
    expect(() => payload(INT8, 128)).toThrow("A whole number outside the range of INT8");
    expect(() => payload(INT16, 1.5)).toThrow("Invalid type for INT16: class java.lang.Double");
    expect(() => payload(INT64, 2 ** 53)).toThrow("A whole number outside the range of INT64");
    expect(() => payload(INT64, 2n ** 63n)).toThrow("A whole number outside the range of INT64");
    expect(() => payload(STRING, null)).toThrow("null value for field that is required and has no default value");
    expect(() => payload(schema, new ArrayStruct(other, [1]))).toThrow("Mismatching schema.");
    const nested = structOf([["row", schema]]);
    expect(() => payload(nested, new ArrayStruct(nested, [new ArrayStruct(schema, ["hunter2"])]))).toThrow(
      /^Invalid type for INT32: class java.lang.String, in field "row.secret"$/,
    );
  });

  test("a struct whose schema is an equal but different object is accepted", () => {
    const make = () => structOf([["a", withAttributes(INT32, { parameters: { x: "y" } })]]);
    expect(payload(make(), new ArrayStruct(make(), [1]))).toBe('{"a":1}');
  });
});

/** A row of comma-separated numbers, decoded on access. */
class TextRow extends Struct {
  reads = 0;
  constructor(
    readonly schema: Schema,
    readonly line: Buffer,
  ) {
    super();
  }

  at(index: number): ConnectValue {
    this.reads++;
    return Number(this.line.toString("latin1").split(",")[index]);
  }
}

describe("a struct that decodes its values on access", () => {
  const schema = structOf([
    ["a", INT32],
    ["b", INT32],
  ]);

  test("is written like any other, with each value read once", () => {
    const row = new TextRow(schema, Buffer.from("1,2"));
    expect(payload(schema, row)).toBe('{"a":1,"b":2}');
    expect(row.reads).toBe(2);
  });

  test("that cannot be decoded names its field", () => {
    class Broken extends TextRow {
      override at(): ConnectValue {
        throw new DataError("VALUE_INVALID", "no number");
      }
    }
    expect(() => payload(schema, new Broken(schema, Buffer.from("x")))).toThrow('no number, in field "a"');
  });
});

describe("reading an envelope", () => {
  test("a struct reads back as one, with missing fields as null", () => {
    const { schema, value } = read(
      '{"schema":{"type":"struct","fields":[{"type":"int64","optional":true,"field":"a"},{"type":"string","optional":true,"field":"toString"}],"optional":true,"name":"n"},"payload":{"a":9007199254740993,"extra":[1]}}',
    );
    expect(schema?.name).toBe("n");
    expect(value).toBeInstanceOf(Struct);
    expect((value as Struct).get("a")).toBe(9007199254740993n);
    expect((value as Struct).get("toString")).toBeNull();
  });

  test("records of one schema share one Schema object, also across topics and with other members before it", () => {
    const json = converter();
    const head = '{"schema":{"type":"int32","optional":false},"payload":';
    const first = json.toConnectData("a", [], Buffer.from(`${head}1}`));
    const second = json.toConnectData("a", [], Buffer.from(`${head}2}`));
    const third = json.toConnectData(
      "b",
      [],
      Buffer.from('{"payload":3, "schema":{"type":"int32","optional":false}} '),
    );
    expect([first.value, second.value, third.value]).toEqual([1, 2, 3]);
    expect(second.schema).toBe(first.schema);
    expect(third.schema).toBe(first.schema);
  });

  test("a record that only begins like the one before is read in full", () => {
    const json = converter();
    const head = '{"schema":{"type":"int32","optional":true},"payload":';
    expect(json.toConnectData("a", [], Buffer.from(`${head}1}`)).value).toBe(1);
    expect(() => json.toConnectData("a", [], Buffer.from(`${head}1,"more":2}`))).toThrow(
      "may not contain additional fields",
    );
    expect(json.toConnectData("a", [], Buffer.from(`${head}1,"payload":2}`)).value).toBe(2);
    expect(() => json.toConnectData("a", [], Buffer.from(`${head}}`))).toThrow(DataError);
  });

  test.each([
    ['{"schema":null}', 'requires "schema" and "payload" fields'],
    ['{"schema":null,"payload":1,"x":2}', "may not contain additional fields"],
    ["[1]", 'requires "schema" and "payload" fields'],
    ["", 'requires "schema" and "payload" fields'],
    ['{"schema":{},"payload":1}', "Schema must contain 'type' field"],
    ['{"schema":{"type":"x"},"payload":1}', "Unknown schema type: x"],
    ['{"schema":{"type":"array"},"payload":[]}', "Array schema did not specify the element type"],
    ['{"schema":{"type":"map"},"payload":[]}', "Map schema did not specify the key type"],
    ['{"schema":{"type":"map","keys":{"type":"string"}},"payload":[]}', "Map schema did not specify the value type"],
    ['{"schema":{"type":"struct"},"payload":{}}', 'Struct schema\'s "fields" argument is not an array.'],
    ['{"schema":{"type":"struct","fields":[{"type":"int8"}]},"payload":{}}', "field name not specified properly"],
    ['{"schema":{"type":"int8","parameters":{"a":1}},"payload":1}', "Schema parameters must have string values."],
    ['{"schema":{"type":"int32"},"payload":null}', "Invalid null value for required INT32 field"],
    ['{"schema":{"type":"int32"},"payload":"hunter2"}', "Invalid JSON for INT32: found STRING"],
    ['{"schema":{"type":"int8"},"payload":300}', "Invalid JSON for INT8"],
    ['{"schema":{"type":"int64"},"payload":9223372036854775808}', "Invalid JSON for INT64"],
    ['{"schema":{"type":"struct","fields":[{"type":"int8","field":"f"}]},"payload":{"f":true}}', 'in field "f"'],
    [
      '{"schema":{"type":"struct","fields":[]},"payload":[]}',
      "Structs should be encoded as JSON objects, but found ARRAY",
    ],
  ])("%s is refused", (json, message) => {
    expect(() => read(json)).toThrow(DataError);
    expect(() => read(json)).toThrow(message);
  });

  test("bytes that are not JSON are refused without a quotation", () => {
    for (const bytes of [
      Buffer.from('{"password":"hunter2"'),
      Buffer.from("hunter2"),
      Buffer.from([0x22, 0xff, 0x22]),
    ]) {
      for (const props of [{}, bare]) {
        const attempt = () => converter(props).toConnectData("t", [], bytes);
        expect(attempt).toThrow("Converting byte[] to Kafka Connect data failed due to serialization error");
        expect(attempt).not.toThrow("hunter2");
      }
    }
  });

  test.each(["A", "YQ", "YQ=", "YQ===", "YWJjZGU", "Y?==", "=YQ="])(
    "bytes that are not base64 are refused: %s",
    (encoded) => {
      const json = JSON.stringify({ schema: { type: "bytes", optional: false }, payload: encoded });
      expect(() => read(json)).toThrow("not base64");
    },
  );

  test("base64 may be broken into lines", () => {
    const json = JSON.stringify({ schema: { type: "bytes", optional: false }, payload: "YWJj\n\tZA==\n" });
    expect(read(json).value).toEqual(Buffer.from("abcd"));
  });

  test("null bytes are null without a schema", () => {
    expect(converter().toConnectData("t", [], null)).toEqual({ schema: null, value: null });
  });

  test("defaults replace nulls, and logical types keep their form", () => {
    const json =
      '{"schema":{"type":"struct","fields":[{"type":"int32","optional":true,"default":5,"field":"d"},{"type":"bytes","optional":true,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"},"field":"n"},{"type":"double","optional":true,"field":"f"}]},"payload":{"n":1.5,"f":"NaN"}}';
    expect(valuesOf(read(json).value)).toEqual([5, Buffer.from([0, 150]), Number.NaN]);
    expect((read(json, { "replace.null.with.default": "false" }).value as Struct).at(0)).toBeNull();
  });

  test("with schema.content the whole record is the payload", () => {
    const props = { "schema.content": '{"type":"struct","fields":[{"type":"int32","field":"a"}]}' };
    expect(valuesOf(read('{"a":1}', props).value)).toEqual([1]);
    expect(() => read("{}", { "schema.content": "{" })).toThrow("schema.content");
  });
});

describe("reading without schemas", () => {
  test.each<[string, ConnectValue]>([
    ["1", 1],
    ["1.0", new Float64(1)],
    ["-0.0", new Float64(-0)],
    ["1e2", new Float64(100)],
    ["1.5", 1.5],
    ["-0", 0],
    ["007", 7],
    ["9223372036854775807", 9223372036854775807n],
    ["9007199254740993", 9007199254740993n],
    ["-9007199254740993", -9007199254740993n],
    ["9007199254740991", Number.MAX_SAFE_INTEGER],
    ["8999999999999999", 8999999999999999],
    ["12345678901234567", 12345678901234567n],
    ["[1763740000000010,1.0]", [1763740000000010, new Float64(1)]],
    ['"1.0"', "1.0"],
    ["null", null],
    ["", null],
    ["  ", null],
    ["true trailing", true],
    ['[1,1.0,"x",null]', [1, new Float64(1), "x", null]],
    [
      '{"a":{"__proto__":1.0},"id":"a,1.0,b"}',
      new Map<ConnectValue, ConnectValue>([
        ["a", new Map([["__proto__", new Float64(1)]])],
        ["id", "a,1.0,b"],
      ]),
    ],
  ])("%s", (json, value) => {
    expect(read(json, bare)).toEqual({ schema: null, value });
  });

  test("an integer of more than 64 bits is refused, not truncated", () => {
    expect(() => read("18446744073709551617", bare)).toThrow("64 bits");
  });
});

describe("settings", () => {
  test("a wrong value names its key", () => {
    expect(() => converter({ "schemas.enable": "perhaps" })).toThrow("schemas.enable");
    expect(() => converter({ "decimal.format": "HEX" })).toThrow(
      "Invalid value HEX for configuration decimal.format: String must be one of (case insensitive): NUMERIC, BASE64",
    );
  });

  test("the settings are listed with converter.type first", () => {
    expect(Object.keys(new JsonConverter().config)).toEqual([
      "converter.type",
      "schemas.enable",
      "schemas.cache.size",
      "schema.content",
      "decimal.format",
      "replace.null.with.default",
    ]);
  });

  test("a header converter keeps the header's key", () => {
    const header = converter(bare).toConnectHeader("t", "h", Buffer.from("12"));
    expect(header).toEqual({ key: "h", schema: null, value: 12 });
    expect(text(converter(bare).fromConnectHeader("t", header))).toBe("12");
  });
});
