import {
  ArrayStruct,
  type ConnectValue,
  DataError,
  decimalScale,
  encodeUnscaled,
  Float64,
  LOGICAL,
  parseDecimal,
  type Schema,
  type Struct,
} from "../../api/index.js";
import { withField } from "../../api/values/field-path.js";
import { type Json, JsonNumber } from "./json-text-reader.js";

export interface JsonReading {
  /** replace.null.with.default. */
  readonly replaceNullWithDefault: boolean;
}

const DEEPEST = 1000;

/**
 * Converts a JSON value to a value of `schema`, or to a schemaless one.
 *
 * Connect's reader coerces mismatches (text for an int becomes 0, 300 for an int8 becomes 44, a number for a string
 * becomes null). This one refuses them: no record is falsified.
 *
 * @throws DataError VALUE_INVALID, which names the field but never the value.
 */
export function readValue(schema: Schema | null, json: Json | undefined, reading: JsonReading): ConnectValue {
  if (schema === null) return readSchemaless(json, 0);
  if (json === null || json === undefined) {
    if (schema.hasDefault && schema.defaultValue !== null && reading.replaceNullWithDefault) {
      return schema.defaultValue as ConnectValue;
    }
    if (schema.optional) return null;
    throw invalid(`Invalid null value for required ${schema.type.toUpperCase()} field`);
  }
  if (schema.name === LOGICAL.decimal) return readDecimal(schema, json);
  switch (schema.type) {
    case "boolean":
      if (typeof json === "boolean") return json;
      break;
    case "int8":
      return integerWithin(schema, json, 0x80);
    case "int16":
      return integerWithin(schema, json, 0x8000);
    case "int32":
      return integerWithin(schema, json, 0x80000000);
    case "int64": {
      const long = integerOf(json);
      if (typeof long === "number" || (typeof long === "bigint" && BigInt.asIntN(64, long) === long)) return long;
      break;
    }
    case "float32":
    case "float64": {
      const float = floatOf(json);
      if (float !== undefined) return schema.type === "float32" ? Math.fround(float) : float;
      break;
    }
    case "string":
      if (typeof json === "string") return json;
      break;
    case "bytes":
      if (typeof json === "string") return base64Of(json);
      break;
    case "array":
      if (Array.isArray(json)) return json.map((item) => readValue(schema.valueSchema ?? null, item, reading));
      break;
    case "map":
      return readMap(schema, json, reading);
    case "struct":
      return readStruct(schema, json, reading);
  }
  throw invalid(`Invalid JSON for ${schema.type.toUpperCase()}: found ${nodeType(json)}`);
}

function readStruct(schema: Schema, json: Json, reading: JsonReading): Struct {
  if (!isObject(json)) throw invalid(`Structs should be encoded as JSON objects, but found ${nodeType(json)}`);
  const fields = schema.fields;
  const values = new Array<ConnectValue>(fields.length);
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i]!;
    const member = Object.hasOwn(json, field.name) ? json[field.name] : undefined;
    try {
      values[i] = readValue(field.schema, member, reading);
    } catch (cause) {
      throw withField(cause, field.name);
    }
  }
  return new ArrayStruct(schema, values);
}

function readMap(schema: Schema, json: Json, reading: JsonReading): Map<ConnectValue, ConnectValue> {
  const values = schema.valueSchema ?? null;
  const result = new Map<ConnectValue, ConnectValue>();
  if (schema.keySchema?.type === "string") {
    if (!isObject(json)) {
      throw invalid(`Maps with string fields should be encoded as JSON objects, but found ${nodeType(json)}`);
    }
    for (const [key, value] of Object.entries(json)) result.set(key, readValue(values, value, reading));
    return result;
  }
  if (!Array.isArray(json)) {
    throw invalid(`Maps with non-string fields should be encoded as JSON array of tuples, but found ${nodeType(json)}`);
  }
  for (const entry of json) {
    if (!Array.isArray(entry)) throw invalid(`Found invalid map entry instead of array tuple: ${nodeType(entry)}`);
    if (entry.length !== 2) throw invalid(`Found invalid map entry, expected length 2 but found :${entry.length}`);
    result.set(readValue(schema.keySchema ?? null, entry[0], reading), readValue(values, entry[1], reading));
  }
  return result;
}

function readSchemaless(json: Json | undefined, depth: number): ConnectValue {
  if (depth > DEEPEST) throw invalid(`The record nests deeper than ${DEEPEST} levels`);
  if (json === null || json === undefined) return null;
  switch (typeof json) {
    case "bigint":
      if (BigInt.asIntN(64, json) !== json) throw invalid("An integer without a schema has more than 64 bits");
      return json;
    case "number":
      return json + 0;
    case "object":
      break;
    default:
      return json;
  }
  if (json instanceof JsonNumber) {
    const value = Number(json.text);
    return Number.isInteger(value) ? new Float64(value) : value;
  }
  if (Array.isArray(json)) return json.map((item) => readSchemaless(item, depth + 1));
  const entries = new Map<ConnectValue, ConnectValue>();
  for (const name of Object.keys(json)) entries.set(name, readSchemaless(json[name], depth + 1));
  return entries;
}

/**
 * Reads a number, or base64 text of the unscaled value. The value gets the schema's scale: with scale 2, 1.5 becomes
 * 1.50 and 1.555 is refused. Connect keeps the number's own scale, and its writers then refuse the value.
 */
function readDecimal(schema: Schema, json: Json): Buffer {
  if (typeof json === "string") return base64Of(json);
  const text = numberText(json);
  if (text === undefined) {
    throw invalid("Invalid type for Decimal, only numeric or textual (base64) values are allowed");
  }
  const number = parseDecimal(text);
  const missing = number ? decimalScale(schema) - number.scale : 0;
  if (!number || Math.abs(missing) > 100_000) throw invalid("The exponent of a Decimal is out of bounds");
  if (missing >= 0) return encodeUnscaled(number.unscaled * 10n ** BigInt(missing));
  const divisor = 10n ** BigInt(-missing);
  if (number.unscaled % divisor !== 0n) throw invalid("A Decimal has more digits than its schema's scale");
  return encodeUnscaled(number.unscaled / divisor);
}

function integerWithin(schema: Schema, json: Json, bound: number): number {
  const value = integerOf(json);
  if (typeof value === "number" && value >= -bound && value < bound) return value;
  throw invalid(
    `Invalid JSON for ${schema.type.toUpperCase()}: found ${nodeType(json)} that is not an integer of that size`,
  );
}

/** An integer, including one with a zero fraction. */
function integerOf(json: Json): number | bigint | undefined {
  if (typeof json === "bigint") return json;
  if (typeof json === "number") return Number.isSafeInteger(json) ? json + 0 : undefined;
  if (!(json instanceof JsonNumber)) return undefined;
  const number = parseDecimal(json.text);
  if (!number || Math.abs(number.scale) > 100) return undefined;
  const power = 10n ** BigInt(Math.abs(number.scale));
  if (number.scale > 0 && number.unscaled % power !== 0n) return undefined;
  const integer = number.scale > 0 ? number.unscaled / power : number.unscaled * power;
  const small = Number(integer);
  return Number.isSafeInteger(small) ? small : integer;
}

function floatOf(json: Json): number | undefined {
  if (typeof json === "number") return json;
  if (typeof json === "bigint") return Number(json);
  if (json instanceof JsonNumber) return Number(json.text);
  return json === "NaN" || json === "Infinity" || json === "-Infinity" ? Number(json) : undefined;
}

function numberText(json: Json): string | undefined {
  if (json instanceof JsonNumber) return json.text;
  return typeof json === "number" || typeof json === "bigint" ? String(json) : undefined;
}

/** As Jackson reads it: padded, blanks between groups allowed. Node itself takes "A" for no bytes and "YQ" for one. */
function base64Of(text: string): Buffer {
  const plain = /\s/.test(text) ? text.replace(/\s+/g, "") : text;
  if (plain.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(plain)) {
    throw invalid("Invalid bytes field: it is not base64 with padding");
  }
  return Buffer.from(plain, "base64");
}

function isObject(json: Json): json is { readonly [name: string]: Json } {
  return typeof json === "object" && json !== null && !Array.isArray(json) && !(json instanceof JsonNumber);
}

/** Jackson's JsonNodeType. */
function nodeType(json: Json | undefined): string {
  if (json === undefined) return "MISSING";
  if (json === null) return "NULL";
  if (Array.isArray(json)) return "ARRAY";
  if (json instanceof JsonNumber || typeof json === "bigint") return "NUMBER";
  return typeof json === "object" ? "OBJECT" : (typeof json).toUpperCase();
}

function invalid(message: string): DataError {
  return new DataError("VALUE_INVALID", message);
}
