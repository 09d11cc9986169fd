import { describe, expect, test } from "vitest";
import {
  BYTES,
  type ConnectValue,
  FLOAT32,
  FLOAT64,
  Float64,
  INT32,
  INT64,
  LOGICAL,
  primitive,
  type Schema,
  STRING,
} from "../../../../src/api/index.js";
import { changedValue, sourceRecord, struct, transformation } from "../transformed.js";

const decimal = primitive("bytes", { name: LOGICAL.decimal, version: 1, parameters: { scale: "2" } });
const date = primitive("int32", { name: LOGICAL.date, version: 1 });

function cast(schema: Schema | null, value: ConnectValue, type: string): ConnectValue {
  return transformation("Cast$Value", { spec: type }).apply(sourceRecord({ schema, value }))!.value;
}

describe("Cast", () => {
  test("casts numbers as Java does", () => {
    expect(cast(INT32, 300, "int8")).toBe(44);
    expect(cast(INT64, 9007199254740993n, "int32")).toBe(1);
    expect(cast(INT64, 2 ** 40, "boolean")).toBe(true);
    expect(cast(FLOAT64, 1e300, "int64")).toBe(9223372036854775807n);
    expect(cast(FLOAT64, 1e18, "int64")).toBe(1000000000000000000n);
    expect(cast(FLOAT64, -1e300, "int16")).toBe(0);
    expect(cast(FLOAT64, Number.NaN, "int32")).toBe(0);
    expect(cast(FLOAT64, 0.5, "boolean")).toBe(false);
    expect(cast(FLOAT64, 0.1, "float32")).toBe(Math.fround(0.1));
    expect(cast(decimal, Buffer.from([0x00, 0x9c]), "float64")).toBe(1.56);
    expect(cast(decimal, Buffer.from([0x00, 0x9c]), "int8")).toBe(1);
  });

  test("rounds a long to the nearest float once", () => {
    // As a double it lies exactly between two floats.
    expect(cast(INT64, 4611686293305294849n, "float32")).toBe(2 ** 62 + 2 ** 39);
  });

  test("reads and prints texts", () => {
    expect(cast(STRING, "+12", "int8")).toBe(12);
    expect(cast(STRING, "9007199254740993", "int64")).toBe(9007199254740993n);
    expect(cast(STRING, " 1.5f ", "float64")).toBe(1.5);
    expect(cast(STRING, "TRUE", "boolean")).toBe(true);
    expect(cast(FLOAT32, 1e10, "string")).toBe("1.0E10");
    expect(cast(BYTES, Buffer.from("hi"), "string")).toBe("aGk=");
    expect(cast(decimal, Buffer.from([0x00, 0x9c]), "string")).toBe("1.56");
    expect(cast(date, 19_000, "string")).toBe("2022-01-08");
    expect(cast(date, 19_000, "int64")).toBe(19_000);
  });

  test("tells floats from integers without a schema", () => {
    expect(cast(null, 7, "float64")).toEqual(new Float64(7));
    expect(cast(null, 0.1, "float32")).toBe(0.1);
    expect(cast(null, new Float64(7), "int32")).toBe(7);
  });

  test("casts fields and their defaults, and leaves the others alone", () => {
    const count = primitive("string", { optional: true, defaultValue: "5", name: "Count", doc: "how many" });
    const value = struct([
      ["count", count, "12"],
      ["city", STRING, "Ulm"],
    ]);
    const changed = transformation("Cast$Value", { spec: "count:int32, other:string" }).apply(sourceRecord({ value }))!;
    expect(changedValue(changed)).toEqual({ count: 12, city: "Ulm" });
    const { type, optional, defaultValue, name } = changed.valueSchema!.field("count")!.schema;
    expect([type, optional, defaultValue, name]).toEqual(["int32", true, 5, undefined]);
  });

  test("adds a missing field of a map as null", () => {
    const value = new Map([["a", "1"]]);
    const changed = transformation("Cast$Value", { spec: "a:int8,b:int8" }).apply(sourceRecord({ value }));
    expect(changedValue(changed)).toEqual({ a: 1, b: null });
  });

  test("names the field of a value that it cannot cast, but not the value", () => {
    const castA = transformation("Cast$Value", { spec: "a:int8" });
    expect(() => castA.apply(sourceRecord({ value: new Map([["a", "secret"]]) }))).toThrow(
      /^Value was out of range for requested data type: field a is no int8$/,
    );
    expect(() => castA.apply(sourceRecord({ value: new Map([["a", new Map()]]) }))).toThrow(
      /does not support casting from MAP \(field a\); supported types are \[INT8, /,
    );
    expect(() => cast(BYTES, Buffer.from("x"), "int8")).toThrow("Unexpected type in Cast transformation: class [B");
  });

  test("refuses specs that name no type", () => {
    const messages: Record<string, string> = {
      "": "Must specify at least one field to cast.",
      "a:foo": "Invalid value a:foo for configuration spec: Invalid type found in casting spec: foo",
      "a:bytes": "Cast transformation does not support casting to BYTES",
      "int8,a:int8": "may only specify a single cast in their spec",
      "a:b:c": "Invalid mapping: a:b:c",
    };
    for (const [spec, message] of Object.entries(messages))
      expect(() => transformation("Cast$Value", { spec })).toThrow(message);
  });
});
