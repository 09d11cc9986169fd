import { describe, expect, test } from "vitest";
import {
  ArrayStruct,
  AVRO_DATA_DEFAULTS,
  AvroWriter,
  arrayOf,
  ByteSlab,
  type ConnectValue,
  Float64,
  INT32,
  INT64,
  LOGICAL,
  mapOf,
  OPTIONAL_INT32,
  OPTIONAL_INT64,
  OPTIONAL_STRING,
  parseAvro,
  primitive,
  type Schema,
  STRING,
  structOf,
} from "../../../../src/api/index.js";
import { rec, recValue } from "./avro-schemas.js";

function hex(schema: Schema | null, value: ConnectValue, settings = AVRO_DATA_DEFAULTS, avro?: string): string {
  const writer =
    avro === undefined ? new AvroWriter(schema, settings) : new AvroWriter(schema, settings, parseAvro(avro));
  const slab = new ByteSlab();
  slab.begin();
  writer.write(slab, value);
  return slab.finish().toString("hex");
}

const small = structOf(
  [
    ["id", INT32],
    ["n", OPTIONAL_STRING],
  ],
  { name: "a.b.Rec" },
);
const decimal = primitive("bytes", { name: LOGICAL.decimal, version: 1, parameters: { scale: "2" } });
const union = structOf(
  [
    ["int", OPTIONAL_INT32],
    ["string", OPTIONAL_STRING],
  ],
  {
    name: "io.confluent.connect.avro.Union",
    optional: true,
  },
);

describe("Avro's binary encoding", () => {
  test.each<[string, Schema | null, ConnectValue, string]>([
    ["V-1", small, new ArrayStruct(small, [1, "x"]), "02020278"],
    ["V-2", small, new ArrayStruct(small, [-2, null]), "0300"],
    ["V-4", decimal, Buffer.from([0x85]), "0285"],
    ["V-5, a text", union, new ArrayStruct(union, [null, "a"]), "040261"],
    ["V-5, a number", union, new ArrayStruct(union, [7, null]), "020e"],
    ["V-6", mapOf(STRING, INT32), new Map([["k", 5]]), "02026b0a00"],
    ["V-7", arrayOf(OPTIONAL_INT64), [1, null], "0402020000"],
    ["V-8", rec, recValue, "02020278027902026b0a0002020e027700040202000002d00f"],
    ["the largest long", INT64, 2n ** 63n - 1n, "feffffffffffffffff01"],
    ["the smallest long", INT64, -(2n ** 63n), "ffffffffffffffffff01"],
    ["a long beyond 32 bits", INT64, 2 ** 32, "8080808020"],
    ["a negative long beyond 32 bits", INT64, -(2 ** 32) - 1, "8180808020"],
    ["a small bigint", INT64, -1n, "01"],
    ["text beyond ASCII", STRING, "é", "04c3a9"],
    ["long text whose length takes more bytes in UTF-8", STRING, "é".repeat(63), `fc01${"c3a9".repeat(63)}`],
    ["long ASCII text", STRING, "a".repeat(64), `8001${"61".repeat(64)}`],
    ["no bytes of a decimal: zero", decimal, Buffer.alloc(0), "0200"],
    ["an empty array", arrayOf(INT32), [], "00"],
    ["a whole number without a schema", null, 5, "0000000000020a000000"],
    ["a float without a schema", null, new Float64(1), "000002000000000000f03f000000000000"],
  ])("%s", (_name, schema, value, expected) => {
    expect(hex(schema, value)).toBe(expected);
  });

  test("a null is the default, unless nulls are kept", () => {
    const schema = structOf([["f", primitive("string", { optional: true, defaultValue: "z" })]], { name: "R" });
    const value = new ArrayStruct(schema, [null]);
    expect(hex(schema, value)).toBe("00027a");
    expect(hex(schema, value, { ...AVRO_DATA_DEFAULTS, ignoreDefaultForNullables: true })).toBe("02");
  });

  test("decimals of a fixed size are filled with their sign", () => {
    const parameters = { scale: "2", "connect.fixed.size": "4" };
    const schema = primitive("bytes", { name: LOGICAL.decimal, version: 1, parameters });
    expect(hex(schema, Buffer.from([0x85]))).toBe("ffffff85");
    expect(() => hex(schema, Buffer.alloc(5))).toThrow("A fixed of 4 bytes cannot hold a value of 5");
  });

  test.each<[string, Schema, ConnectValue, string]>([
    ["null", INT32, null, "Found null value for non-optional schema"],
    ["a text", INT32, "1", "Invalid type for INT32: java.lang.String"],
    ["a number beyond the type", primitive("int8"), 128, "A whole number outside the range of INT8"],
    ["a number beyond 64 bits", INT64, 2n ** 63n, "A whole number outside the range of INT64"],
    ["another struct", small, new ArrayStruct(union, [1, null]), "Mismatching struct schema"],
  ])("%s is refused", (_name, schema, value, message) => {
    expect(() => hex(schema, value)).toThrow(message);
  });

  test("an error names the field, never the value", () => {
    const outer = structOf([["inner", small]], { name: "O" });
    const value = new ArrayStruct(outer, [new ArrayStruct(small, ["secret", null])]);
    expect(() => hex(outer, value)).toThrow('Invalid type for INT32: java.lang.String, in field "inner.id"');
  });
});

describe("another schema of the registry", () => {
  const target = (fields: string) => `{"type":"record","name":"Rec","namespace":"a.b","fields":[${fields}]}`;

  test("fields are found by name, and what the struct lacks gets Avro's default", () => {
    const avro = target(
      '{"name":"added","type":["null","int"],"default":null},{"name":"n","type":["string","null"]},{"name":"id","type":"long"}',
    );
    expect(hex(small, new ArrayStruct(small, [1, "x"]), AVRO_DATA_DEFAULTS, avro)).toBe("0000027802");
  });

  test("a value that it has no field for is refused, not dropped", () => {
    const avro = target('{"name":"id","type":"int"}');
    expect(hex(small, new ArrayStruct(small, [1, null]), AVRO_DATA_DEFAULTS, avro)).toBe("02");
    expect(() => hex(small, new ArrayStruct(small, [1, "x"]), AVRO_DATA_DEFAULTS, avro)).toThrow(
      'The Avro schema has no such field, so its value would be lost, in field "n"',
    );
  });

  test("one that cannot hold the values is refused at once, naming the field", () => {
    expect(() => hex(small, null, AVRO_DATA_DEFAULTS, target('{"name":"id","type":"string"}'))).toThrow(
      'The Avro type string cannot hold INT32, in field "id"',
    );
    expect(() => hex(small, null, AVRO_DATA_DEFAULTS, target('{"name":"x","type":"string"}'))).toThrow(
      'The Avro schema a.b.Rec needs field "x", which the record\'s schema lacks; give it a default',
    );
  });
});
