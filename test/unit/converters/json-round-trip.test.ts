import fc from "fast-check";
import { expect, test } from "vitest";
import { type ConnectValue, Float64, RecordHeaders, Struct } from "../../../src/api/index.js";
import { JsonConverter } from "../../../src/converters/json/json-converter.js";
import { sameSchema } from "../../../src/converters/schema-equality.js";
import { typedValues } from "./typed-values.js";

function converter(props: Record<string, string>): JsonConverter {
  const made = new JsonConverter();
  made.configure(props, false);
  return made;
}

/** The values alone: which Schema object a struct has is another question. */
function plain(value: ConnectValue): unknown {
  if (value instanceof Struct) return { struct: value.schema.fields.map(({ index }) => plain(value.at(index))) };
  if (value instanceof Map) {
    // -0 and 0, and integers of either form, are one key of a map that was read.
    return [...value]
      .map(([key, item]) => [plain(key), plain(item)])
      .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
  }
  if (Array.isArray(value)) return value.map(plain);
  return value;
}

for (const format of ["BASE64", "NUMERIC"]) {
  test(`what is written with schemas and ${format} decimals reads back as the same schema and values`, () => {
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

test("what is written is JSON to any reader, and the same text whichever value was written before", () => {
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

test("schemaless JSON reads as JSON.parse reads it, with integers and floats apart", () => {
  const bare = converter({ "schemas.enable": "false" });
  const unboxed = (value: ConnectValue): unknown => {
    if (value instanceof Float64) return value.value;
    if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, unboxed(item)]));
    return Array.isArray(value) ? value.map(unboxed) : value;
  };
  fc.assert(
    fc.property(fc.json(), fc.boolean(), (text, exact) => {
      // JSON.stringify writes doubles beyond 2^53 as integers that they are not.
      fc.pre(!/\d{16}/.test(text));
      // A long integer beside it sends the same text through the exact reader.
      const bytes = Buffer.from(exact ? `[${text},1234567890123456789]` : `[${text}]`);
      const [value] = bare.toConnectData("t", [], bytes).value as readonly ConnectValue[];
      expect(unboxed(value!)).toEqual(unboxed(normalized(JSON.parse(text))));
    }),
    { numRuns: 500 },
  );
});

/** JSON's values as ours; -0 without a fraction is the integer 0. */
function normalized(json: unknown): ConnectValue {
  if (Array.isArray(json)) return json.map(normalized);
  if (typeof json === "object" && json !== null) {
    return new Map(Object.entries(json).map(([name, value]) => [name, normalized(value)]));
  }
  return Object.is(json, -0) ? 0 : (json as ConnectValue);
}
