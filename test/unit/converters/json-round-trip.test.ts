import fc from "fast-check";
import { expect, test } from "vitest";
import { type ConnectValue, Float64, RecordHeaders, Struct } from "../../../src/api/index.js";
import { sameSchema } from "../../../src/api/values/schema-equality.js";
import { JsonConverter } from "../../../src/converters/json/json-converter.js";
import { typedValues } from "./typed-values.js";

function converter(props: Record<string, string>): JsonConverter {
  const made = new JsonConverter();
  made.configure(props, false);
  return made;
}

/** The values alone, regardless of a struct's Schema object. */
function plain(value: ConnectValue): unknown {
  if (value instanceof Struct) return { struct: value.schema.fields.map(({ index }) => plain(value.at(index))) };
  if (value instanceof Map) {
    // When a map is read, -0 and 0, and an integer as number or bigint, are the same key.
    return [...value]
      .map(([key, item]) => [plain(key), plain(item)])
      .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
  }
  if (Array.isArray(value)) return value.map(plain);
  return value;
}

for (const format of ["BASE64", "NUMERIC"]) {
  test(`values with schemas and ${format} decimals read back as the same schema and values`, () => {
    fc.assert(
      fc.property(typedValues, ({ schema, values }) => {
        const json = converter({ "decimal.format": format });
        const records = values.map((value) => json.fromConnectData("t", new RecordHeaders(), schema, value));
        for (const [i, bytes] of records.entries()) {
          const back = json.toConnectData("t", [], bytes);
          expect(back.schema && sameSchema(back.schema, schema)).toBe(true);
          expect(plain(back.value)).toEqual(plain(values[i]!));
        }
      }),
      { numRuns: 400 },
    );
  });
}

test("the output is JSON to any reader, and does not depend on the values written before", () => {
  fc.assert(
    fc.property(typedValues, ({ schema, values }) => {
      const json = converter({ "schemas.enable": "false" });
      for (const value of [...values, ...values]) {
        const text = String(json.fromConnectData("t", new RecordHeaders(), schema, value));
        expect(() => JSON.parse(text)).not.toThrow();
        expect(text).toBe(
          String(converter({ "schemas.enable": "false" }).fromConnectData("t", new RecordHeaders(), schema, value)),
        );
      }
    }),
    { numRuns: 300 },
  );
});

test("schemaless JSON reads as with JSON.parse, but distinguishes integers from floats", () => {
  const bare = converter({ "schemas.enable": "false" });
  const unboxed = (value: ConnectValue): unknown => {
    if (value instanceof Float64) return value.value;
    if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, unboxed(item)]));
    return Array.isArray(value) ? value.map(unboxed) : value;
  };
  fc.assert(
    fc.property(fc.json(), fc.boolean(), (text, exact) => {
      // JSON.stringify writes doubles beyond 2^53 as if they were integers.
      fc.pre(!/\d{16}/.test(text));
      // A long integer next to it makes the exact reader read the same text.
      const bytes = Buffer.from(exact ? `[${text},1234567890123456789]` : `[${text}]`);
      const [value] = bare.toConnectData("t", [], bytes).value as readonly ConnectValue[];
      expect(unboxed(value!)).toEqual(unboxed(normalized(JSON.parse(text))));
    }),
    { numRuns: 500 },
  );
});

/** JSON's values as Connect values; -0 without a fraction is the integer 0. */
function normalized(json: unknown): ConnectValue {
  if (Array.isArray(json)) return json.map(normalized);
  if (typeof json === "object" && json !== null) {
    return new Map(Object.entries(json).map(([name, value]) => [name, normalized(value)]));
  }
  return Object.is(json, -0) ? 0 : (json as ConnectValue);
}
