import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AVRO_DATA_DEFAULTS,
  type AvroDataSettings,
  AvroReader,
  AvroWriter,
  arrayOf,
  avroText,
  ByteSlab,
  type ConnectValue,
  connectFromAvro,
  DataError,
  INT32,
  INT64,
  LOGICAL,
  mapOf,
  parseAvro,
  primitive,
  type Schema,
  STRING,
  type Struct,
  structOf,
  withAttributes,
} from "../../../../src/api/index.js";
import { sameSchema } from "../../../../src/api/values/schema-equality.js";
import { seedOf } from "../../../support/seed.js";
import { REC_TEXT, rec, recValue } from "./avro-schemas.js";
import { randomAvroValues } from "./random-avro-values.js";

/** A value without its schemas, to compare by content. */
function content(value: ConnectValue): unknown {
  if (Buffer.isBuffer(value)) return `bytes ${value.toString("hex")}`;
  if (Array.isArray(value)) return value.map(content);
  if (value instanceof Map) return [...value].map(([key, item]) => [content(key), content(item)]);
  if (typeof value !== "object" || value === null) return value;
  return (value as Struct).schema.fields.map(({ index }) => content((value as Struct).at(index)));
}

function written(schema: Schema | null, value: ConnectValue): Buffer {
  const slab = new ByteSlab();
  slab.begin();
  new AvroWriter(schema).write(slab, value);
  return slab.finish();
}

function read(writer: string, hex: string, reader = writer): unknown {
  return content(
    new AvroReader(parseAvro(writer), AVRO_DATA_DEFAULTS, parseAvro(reader)).read(Buffer.from(hex, "hex")),
  );
}

function schemaOf(text: string, settings: Partial<AvroDataSettings> = {}): Schema {
  return connectFromAvro(parseAvro(text), { ...AVRO_DATA_DEFAULTS, ...settings })!;
}

describe("a round trip", () => {
  test("keeps the schema and the value", () => {
    const reader = new AvroReader(parseAvro(REC_TEXT));
    expect(sameSchema(reader.schema!, rec)).toBe(true);
    expect(content(reader.read(written(rec, recValue)))).toEqual(content(recValue));
  });

  test("keeps attributes of every kind", () => {
    const parameters = { k: "v" };
    const schema = structOf(
      [
        ["a", primitive("int8", { name: "my.Nm", doc: "dd", version: 2, defaultValue: 3, parameters })],
        ["b", primitive("int16", { optional: true })],
        ["c", primitive("bytes", { name: LOGICAL.decimal, version: 1, parameters: { scale: "2" } })],
        ["d", mapOf(INT32, STRING, { name: "a.M" })],
        ["e", arrayOf(STRING, { optional: true, defaultValue: ["x"] })],
        ["f", primitive("int64", { defaultValue: 9007199254740993n })],
        ["g", withAttributes(rec, { optional: true })],
        ["h", primitive("float32", { defaultValue: Math.fround(0.1) })],
        ["i", primitive("bytes", { optional: true, defaultValue: Buffer.from([255]) })],
      ],
      { name: "a.b.All", doc: "all", version: 7, parameters },
    );
    const text = avroText(new AvroWriter(schema).avro);
    const back = connectFromAvro(parseAvro(text))!;
    for (const [i, field] of schema.fields.entries()) {
      expect(sameSchema(back.fields[i]!.schema, field.schema), field.name).toBe(true);
    }
    expect(sameSchema(back, schema)).toBe(true);
    expect(avroText(new AvroWriter(back).avro)).toBe(text);
  });

  test("random values", () => {
    const property = fc.property(randomAvroValues, ({ schema, values }) => {
      const writer = new AvroWriter(schema);
      const text = avroText(writer.avro);
      const reader = new AvroReader(parseAvro(text));
      expect(avroText(new AvroWriter(reader.schema).avro)).toBe(text);
      for (const value of values) {
        const bytes = written(schema, value);
        expect(content(reader.read(bytes))).toEqual(content(value));
        // Whatever is cut off or changed, nothing but a DataError comes of it.
        for (const cut of [bytes.subarray(0, -1), Buffer.concat([bytes, Buffer.of(0)])]) {
          if (cut.length === bytes.length) continue;
          expect(() => reader.read(cut)).toThrow(DataError);
        }
      }
    });
    fc.assert(property, { seed: seedOf("avro-reader"), numRuns: 60 });
  });

  test("values without a schema", () => {
    const value = new Map<ConnectValue, ConnectValue>([
      ["a", [1, null, "x", true, 2 ** 40, 1.5, Buffer.from("b")]],
      ["b", new Map([["c", -1]])],
    ]);
    const reader = new AvroReader(new AvroWriter(null).avro);
    expect(reader.schema).toBeNull();
    expect(content(reader.read(written(null, value)))).toEqual(content(value));
  });
});

describe("Avro schemas of others", () => {
  test("types that Connect has no word for stay plain", () => {
    const schema = schemaOf('{"type":"long","logicalType":"timestamp-micros"}');
    expect([schema.type, schema.name]).toEqual(["int64", undefined]);
  });

  test("an enum is a text with its symbols as parameters", () => {
    const schema = schemaOf(
      '{"type":"enum","name":"Suit","namespace":"a","doc":"d","symbols":["H","S"],"default":"H"}',
    );
    expect([schema.type, schema.name]).toEqual(["string", "a.Suit"]);
    expect(schema.parameters).toEqual({
      "io.confluent.connect.avro.enum.doc.Suit": "d",
      "io.confluent.connect.avro.enum.default.Suit": "H",
      "io.confluent.connect.avro.Enum": "a.Suit",
      "io.confluent.connect.avro.Enum.H": "H",
      "io.confluent.connect.avro.Enum.S": "S",
    });
    expect(read('{"type":"enum","name":"S","symbols":["H","S"]}', "02")).toBe("S");
  });

  test("a default of the field is marked, one of a nullable union is lost, as in Java", () => {
    const schema = schemaOf(
      '{"type":"record","name":"R","fields":[{"name":"a","type":"int","default":3},{"name":"b","type":["int","null"],"default":4}]}',
    );
    const [a, b] = schema.fields.map((field) => field.schema);
    expect([a!.defaultValue, a!.parameters]).toEqual([3, { "io.confluent.connect.avro.field.default": "true" }]);
    expect([b!.hasDefault, b!.optional]).toEqual([false, true]);
  });

  test("unions are structs, with a field for each type", () => {
    const text = '["null","int",{"type":"record","name":"R","namespace":"a","fields":[{"name":"f","type":"string"}]}]';
    const schema = schemaOf(text);
    expect([schema.name, schema.optional]).toEqual(["io.confluent.connect.avro.Union", true]);
    expect(schema.fields.map(({ name }) => name)).toEqual(["int", "R"]);
    expect(schemaOf(text, { enhancedSupport: true }).fields[1]!.name).toBe("a.R");
    expect([read(text, "00"), read(text, "020a"), read(text, "040278")]).toEqual([null, [5, null], [null, ["x"]]]);
  });

  test("generalized.sum.type.support", () => {
    const schema = schemaOf('["int","string"]', { generalizedSumTypes: true });
    expect([schema.name, schema.parameters]).toEqual([
      "connect_union_0",
      { "org.apache.kafka.connect.data.Union": "connect_union_0" },
    ]);
    expect(schema.fields.map(({ name }) => name)).toEqual(["connect_union_field_0", "connect_union_field_1"]);
  });

  test("a union of one type is the type, unless it must not be", () => {
    expect(schemaOf('["int"]').type).toBe("int32");
    expect(schemaOf('["int"]', { flattenSingletonUnions: false }).type).toBe("struct");
  });

  test("documentation becomes parameters, unless it is discarded", () => {
    const text = '{"type":"record","name":"R","doc":"rd","fields":[{"name":"f","type":"int","doc":"fd"}]}';
    expect(schemaOf(text).parameters).toEqual({
      "io.confluent.connect.avro.record.doc": "rd",
      "io.confluent.connect.avro.field.doc.f": "fd",
    });
    expect(schemaOf(text, { discardTypeDocDefault: true }).parameters).toBeUndefined();
  });

  test("the version of the registry counts where the schema names none", () => {
    expect(connectFromAvro(parseAvro(REC_TEXT), AVRO_DATA_DEFAULTS, 9)!.version).toBe(1);
    expect(connectFromAvro(parseAvro('"string"'), AVRO_DATA_DEFAULTS, 9)!.version).toBe(9);
  });

  test("a record that contains itself", () => {
    const text =
      '{"type":"record","name":"Node","namespace":"a","fields":[{"name":"v","type":"int"},{"name":"next","type":["null","Node"],"default":null}],"connect.name":"a.Node"}';
    expect(read(text, "02020400")).toEqual([1, [2, null]]);
    const reader = new AvroReader(parseAvro(text));
    const bytes = Buffer.from("02020400", "hex");
    expect(avroText(new AvroWriter(reader.schema).avro)).toBe(text);
    expect(written(reader.schema, reader.read(bytes)).toString("hex")).toBe("02020400");
    expect(() => reader.read(Buffer.alloc(5000, 2))).toThrow("nests deeper than 1000 levels");
  });

  test.each([
    ['"null"', "Standalone null schemas are not supported by this converter"],
    [
      '["int",{"type":"record","name":"a.X","fields":[]},{"type":"record","name":"b.X","fields":[]}]',
      "Multiple union schemas map to the Connect union field name X",
    ],
    ['{"type":"int","connect.type":"int128"}', "Connect type annotation"],
    ['{"type":"int","connect.version":"x"}', "Invalid Connect version found"],
  ])("%s is refused", (text, message) => {
    expect(() => schemaOf(text)).toThrow(message);
  });
});

describe("reading as another schema", () => {
  const record = (fields: string) => `{"type":"record","name":"R","fields":[${fields}]}`;
  const int = '{"name":"a","type":"int"}';

  test.each([
    ["a number as a larger one", '"int"', "0a", '"long"', 5],
    ["a number as a double", '"long"', "0a", '"double"', 5],
    ["bytes as a text", '"bytes"', "0261", '"string"', "a"],
    ["a text as bytes", '"string"', "0261", '"bytes"', "bytes 61"],
    ["one type as a union", '"int"', "0a", '["null","int"]', 5],
    ["a union as one type", '["null","int"]', "020a", '"int"', 5],
    ["a union as a larger one", '["null","int"]', "020a", '["string","null","int"]', [null, 5]],
    ["a lost symbol as the default", enumOf("A", "B"), "02", enumOf("A").replace("}", ',"default":"A"}'), "A"],
    [
      "fields in another order",
      record(`${int},{"name":"b","type":"string"}`),
      "0a0278",
      record(`{"name":"b","type":"string"},${int}`),
      ["x", 5],
    ],
    ["a field less", record(`{"name":"b","type":["null","string"]},${int}`), "0202780a", record(int), [5]],
    ["a field more", record(int), "0a", record(`{"name":"b","type":"string","default":"z"},${int}`), ["z", 5]],
    ["a renamed field", record(int), "0a", record('{"name":"z","type":"int","aliases":["a"]}'), [5]],
    ["a map's values", '{"type":"map","values":"int"}', "02026b0a00", '{"type":"map","values":"long"}', [["k", 5]]],
  ])("%s", (_name, writer, hex, reader, expected) => {
    expect(read(writer, hex, reader)).toEqual(expected);
  });

  test.each([
    ["a smaller number", '"long"', '"int"', "The reader's Avro schema has int where the writer's has long"],
    ["a field without a default", record(int), record(`${int},{"name":"b","type":"int"}`), 'no default for field "b"'],
    ["another type of a field", record(int), record('{"name":"a","type":"string"}'), 'in field "a"'],
  ])("%s is refused", (_name, writer, reader, message) => {
    expect(() => read(writer, "0a", reader)).toThrow(message);
  });

  test("a symbol that the reader lacks is refused with its record", () => {
    expect(() => read(enumOf("A", "B"), "02", enumOf("A"))).toThrow("neither the writer's symbol nor a default");
  });
});

function enumOf(...symbols: string[]): string {
  return JSON.stringify({ type: "enum", name: "E", symbols });
}

test.each([
  ["a negative length", '"string"', "01"],
  ["a number of more than 64 bits", '"long"', "ffffffffffffffffff03"],
  ["a number without end", '"long"', "ffffffffffffffffffff01"],
  ["an int of more than 32 bits", '"int"', "8080808020"],
  ["a text that is not UTF-8", '"string"', "04c328"],
  ["an unknown branch", '["null","int"]', "04"],
  ["more items than bytes", '{"type":"array","items":"int"}', "feffffffff01"],
  ["a boolean of 2", '"boolean"', "02"],
])("%s is malformed", (_name, writer, hex) => {
  expect(() => read(writer, hex)).toThrow("The bytes are no Avro of the writer's schema");
});

test("whole numbers at the limits", () => {
  const reader = new AvroReader(new AvroWriter(INT64).avro);
  for (const power of [7n, 28n, 31n, 32n, 35n, 52n, 53n, 56n, 62n, 63n]) {
    for (const near of [-1n, 0n, 1n]) {
      for (const value of [2n ** power + near, -(2n ** power) - near]) {
        if (BigInt.asIntN(64, value) !== value) continue;
        const found = reader.read(written(INT64, value));
        expect(BigInt(found as number)).toBe(value);
        expect(typeof found).toBe(Number.isSafeInteger(Number(value)) ? "number" : "bigint");
      }
    }
  }
});
