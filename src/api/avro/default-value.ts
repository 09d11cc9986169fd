import { DataError } from "../errors.js";
import type { Schema } from "../schema.js";
import { ArrayStruct, type ConnectValue, Struct } from "../struct.js";
import { javaFloat } from "../values/java-number.js";
import type { AvroDataSettings } from "./avro-data-settings.js";
import { type AvroJson, AvroNumber } from "./avro-json.js";
import type { AvroSchema } from "./avro-schema.js";
import { isAvroMap } from "./connect-names.js";

/**
 * A default of Connect's as JSON; undefined for one that JSON cannot hold (NaN, an infinity).
 * @throws DataError SCHEMA_INVALID when it is no value of its schema.
 */
export function defaultJson(schema: Schema, value: unknown, settings: AvroDataSettings): AvroJson | undefined {
  if (value === null || value === undefined) return null;
  const part = (of: Schema | undefined, inner: unknown) => defaultJson(of!, inner, settings);
  switch (schema.type) {
    case "int8":
    case "int16":
    case "int32":
    case "int64":
      if (typeof value === "bigint" || Number.isSafeInteger(value)) return AvroNumber.integer(value as number | bigint);
      break;
    case "float32":
      if (typeof value === "number") return Number.isFinite(value) ? new AvroNumber(javaFloat(value)) : undefined;
      break;
    case "float64":
      if (typeof value === "number") return Number.isFinite(value) ? AvroNumber.double(value) : undefined;
      break;
    case "boolean":
      if (typeof value === "boolean") return value;
      break;
    case "string":
      if (typeof value === "string") return value;
      break;
    case "bytes":
      if (Buffer.isBuffer(value)) return value.toString("latin1");
      break;
    case "array":
      if (Array.isArray(value)) return whole(value.map((item) => part(schema.valueSchema, item)));
      break;
    case "map":
      if (!(value instanceof Map)) break;
      if (isAvroMap(schema, settings)) {
        const names = [...value.keys()].map(String);
        const members = whole([...value.values()].map((item) => part(schema.valueSchema, item)));
        return members && new Map(names.map((name, i) => [name, members[i]!]));
      }
      return whole(
        [...value].map(([key, item]) => whole([part(schema.keySchema, key), part(schema.valueSchema, item)])),
      );
    case "struct": {
      if (!(value instanceof Struct)) break;
      const fields = value.schema.fields;
      const members = whole(fields.map((field) => part(field.schema, value.get(field.name))));
      return members && new Map(fields.map((field, i) => [field.name, members[i]!]));
    }
  }
  throw new DataError("SCHEMA_INVALID", `Invalid type used for default value of ${schema.type.toUpperCase()} field`);
}

function whole(items: readonly (AvroJson | undefined)[]): AvroJson[] | undefined {
  return items.includes(undefined) ? undefined : (items as AvroJson[]);
}

/** Whether Avro accepts `json` as the default of a field of this schema. */
export function isAvroDefault(schema: AvroSchema, json: AvroJson): boolean {
  switch (schema.kind) {
    case "union":
      return schema.branches.some((branch) => isAvroDefault(branch, json));
    case "null":
      return json === null;
    case "boolean":
      return typeof json === "boolean";
    case "int":
    case "long": {
      if (!(json instanceof AvroNumber) || !json.isIntegral) return false;
      const bits = schema.kind === "int" ? 32 : 64;
      return BigInt.asIntN(bits, BigInt(json.text)) === BigInt(json.text);
    }
    case "float":
    case "double":
      return json instanceof AvroNumber;
    case "string":
    case "bytes":
    case "enum":
    case "fixed":
      return typeof json === "string";
    case "array":
      return Array.isArray(json) && json.every((item) => isAvroDefault(schema.items, item));
    case "map":
      return json instanceof Map && [...json.values()].every((item) => isAvroDefault(schema.values, item));
    case "record":
      return (
        json instanceof Map &&
        schema.fields.every((field) => {
          const member = json.has(field.name) ? (json.get(field.name) as AvroJson) : field.defaultValue;
          return member !== undefined && isAvroDefault(field.schema, member);
        })
      );
  }
}

/**
 * The value that a default in an Avro schema stands for, as a value of `schema`.
 * @throws DataError VALUE_INVALID when it is none.
 */
export function defaultFromJson(schema: Schema, json: AvroJson): ConnectValue {
  if (json === null) {
    if (schema.optional || schema.hasDefault) return null;
    throw noDefault(schema);
  }
  const items = (of: Schema | undefined, list: readonly AvroJson[]) => list.map((item) => defaultFromJson(of!, item));
  switch (schema.type) {
    case "int8":
    case "int16":
    case "int32":
    case "int64": {
      if (!(json instanceof AvroNumber) || !json.isIntegral) break;
      const value = BigInt(json.text);
      if (BigInt.asIntN(BITS[schema.type], value) !== value) break;
      return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    }
    case "float32":
      if (json instanceof AvroNumber) return Math.fround(Number(json.text));
      break;
    case "float64":
      if (json instanceof AvroNumber) return Number(json.text);
      break;
    case "boolean":
      if (typeof json === "boolean") return json;
      break;
    case "string":
      if (typeof json === "string") return json;
      break;
    case "bytes":
      if (typeof json === "string") return Buffer.from(json, "latin1");
      break;
    case "array":
      if (Array.isArray(json)) return items(schema.valueSchema, json);
      break;
    case "map":
      if (json instanceof Map) {
        const values = items(schema.valueSchema, [...json.values()] as AvroJson[]);
        return new Map([...json.keys()].map((key: string, i) => [key, values[i]!]));
      }
      if (!Array.isArray(json) || !json.every((entry) => Array.isArray(entry) && entry.length === 2)) break;
      return new Map(
        json.map(([key, value]) => [
          defaultFromJson(schema.keySchema!, key),
          defaultFromJson(schema.valueSchema!, value),
        ]),
      );
    case "struct":
      if (!(json instanceof Map)) break;
      return new ArrayStruct(
        schema,
        schema.fields.map((field) => {
          const member = json.get(field.name) as AvroJson | undefined;
          if (member !== undefined) return defaultFromJson(field.schema, member);
          if (field.schema.hasDefault) return field.schema.defaultValue as ConnectValue;
          return defaultFromJson(field.schema, null);
        }),
      );
  }
  throw noDefault(schema);
}

const BITS = { int8: 8, int16: 16, int32: 32, int64: 64 } as const;

function noDefault(schema: Schema): DataError {
  return new DataError("VALUE_INVALID", `Invalid default for ${schema.type.toUpperCase()} in an Avro schema`);
}
