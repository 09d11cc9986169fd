import { describe, expect, test } from "vitest";
import {
  arrayOf,
  BYTES,
  type ConnectValue,
  FLOAT64,
  Float64,
  INT8,
  INT64,
  LOGICAL,
  OPTIONAL_STRING,
  primitive,
  type Schema,
  STRING,
} from "../../../../src/api/index.js";
import { changedValue, sourceRecord, struct, transformation } from "../transformed.js";

const decimal = primitive("bytes", { name: LOGICAL.decimal, version: 1, parameters: { scale: "2" } });
const timestamp = primitive("int64", { name: LOGICAL.timestamp, version: 1 });

function mask(schema: Schema, value: ConnectValue, replacement?: string): unknown {
  const masked = transformation("MaskField$Value", { fields: "f", ...(replacement && { replacement }) }).apply(
    sourceRecord({ value: struct([["f", schema, value]]) }),
  );
  return (changedValue(masked) as { f: unknown }).f;
}

describe("MaskField", () => {
  test("empties values of every type", () => {
    expect(mask(STRING, "x")).toBe("");
    expect(mask(INT64, 5n)).toBe(0);
    expect(mask(timestamp, 5)).toBe(0);
    expect(mask(decimal, Buffer.from([5]))).toEqual(Buffer.from([0]));
    expect(mask(arrayOf(STRING), ["x"])).toEqual([]);
    expect(mask(OPTIONAL_STRING, null)).toBeNull();
    expect(() => mask(BYTES, Buffer.from("x"))).toThrow("Cannot mask field f, a value of type: class [B");
  });

  test("replaces texts and numbers", () => {
    expect(mask(STRING, "x", "***")).toBe("***");
    expect(mask(INT8, 1, "300.9")).toBe(44);
    expect(mask(FLOAT64, 1, "1e3")).toBe(1000);
    expect(mask(decimal, Buffer.from([5]), "1.5")).toEqual(Buffer.from([0x00, 0x96]));
    expect(() => mask(decimal, Buffer.from([5]), "1.555")).toThrow(/more decimal places than field f/);
    expect(() => mask(INT8, 1, "x")).toThrow(/Unable to convert MaskField's replacement to number, for field f/);
    expect(() => mask(timestamp, 1, "1")).toThrow(
      "Cannot mask field f, a value of type class java.util.Date, with custom replacement.",
    );
  });

  test("masks maps, and keeps the schema of structs", () => {
    const value = new Map<string, ConnectValue>([
      ["f", new Float64(3)],
      ["g", 1],
    ]);
    const masked = transformation("MaskField$Value", { fields: "f,h" }).apply(sourceRecord({ value }));
    expect(changedValue(masked)).toEqual({ f: new Float64(0), g: 1, h: null });
    const record = sourceRecord({ value: struct([["f", STRING, "x"]]) });
    expect(transformation("MaskField$Value", { fields: "f" }).apply(record)!.valueSchema).toBe(record.valueSchema);
    expect(changedValue(record)).toEqual({ f: "x" });
  });

  test("fails for tombstones, as Kafka's does", () => {
    expect(() => transformation("MaskField$Value", { fields: "f" }).apply(sourceRecord())).toThrow(
      "Only Map objects supported in absence of schema for [mask fields], found: null",
    );
  });
});
