import { type ConnectValue, DataError, decodeUnscaled, Float64, javaDecimal, Struct } from "../../api/index.js";
import type { ByteSlab } from "../../api/values/byte-slab.js";
import { connectClassName } from "../../api/values/connect-class-name.js";
import { withField } from "../../api/values/field-path.js";
import { sameSchema } from "../../api/values/schema-equality.js";
import { type JsonPlan, KIND, MOST_CREDIT } from "./json-plan.js";
import {
  FixedText,
  writeAscii,
  writeBase64,
  writeByte,
  writeDouble,
  writeFixed,
  writeFloat,
  writeInt64,
  writeInteger,
  writeString,
} from "./json-text-writer.js";

const NULL = FixedText.of("null");
const TRUE = FixedText.of("true");
const FALSE = FixedText.of("false");

/** After this many repetitions of a value, its text is kept. */
const WORTH_KEEPING = 8;
/** Longer texts are not kept. */
const LONGEST_REPEATED = 256;

/**
 * Writes a value as JSON, by its schema's plan. Every value is checked against its type; a mismatch is refused, never
 * coerced.
 *
 * @throws DataError VALUE_INVALID; the caller must then drop the record begun in `slab`.
 */
export function writeValue(slab: ByteSlab, plan: JsonPlan, given: ConnectValue): void {
  let value = given;
  if (value === null || value === undefined) {
    if (plan.fallback === null) {
      if (!plan.nullable) {
        throw invalid("Conversion error: null value for field that is required and has no default value");
      }
      writeFixed(slab, NULL);
      return;
    }
    value = plan.fallback;
  }
  switch (plan.kind) {
    case KIND.string:
      if (typeof value !== "string") throw wrongType(plan, value);
      writeString(slab, value);
      return;
    case KIND.int32:
      if (typeof value !== "number" || (value | 0) !== value) throw wrongType(plan, value);
      writeInteger(slab, value);
      return;
    case KIND.int64:
      writeLong(slab, plan, value);
      return;
    case KIND.int16:
      if (typeof value !== "number" || (value << 16) >> 16 !== value) throw wrongType(plan, value);
      writeInteger(slab, value);
      return;
    case KIND.int8:
      if (typeof value !== "number" || (value << 24) >> 24 !== value) throw wrongType(plan, value);
      writeInteger(slab, value);
      return;
    case KIND.boolean:
      if (typeof value !== "boolean") throw wrongType(plan, value);
      writeFixed(slab, value ? TRUE : FALSE);
      return;
    case KIND.float64:
      if (value instanceof Float64) writeDouble(slab, value.value);
      else if (typeof value === "number") writeDouble(slab, value);
      else throw wrongType(plan, value);
      return;
    case KIND.float32:
      if (typeof value !== "number") throw wrongType(plan, value);
      writeFloat(slab, value);
      return;
    case KIND.bytes:
      if (!Buffer.isBuffer(value)) throw wrongType(plan, value);
      writeBase64(slab, value);
      return;
    case KIND.decimalText:
      if (!Buffer.isBuffer(value)) throw wrongType(plan, value);
      writeAscii(slab, javaDecimal(decodeUnscaled(value), plan.scale));
      return;
    case KIND.struct:
      writeStruct(slab, plan, value);
      return;
    case KIND.array:
      if (!Array.isArray(value)) throw wrongType(plan, value);
      writeArray(slab, plan.items!, value);
      return;
    case KIND.objectMap:
      if (!(value instanceof Map)) throw wrongType(plan, value);
      writeObject(slab, plan.items!, value);
      return;
    case KIND.pairMap:
      if (!(value instanceof Map)) throw wrongType(plan, value);
      writePairs(slab, plan.keys!, plan.items!, value);
      return;
    case KIND.schemaless:
      writeSchemaless(slab, plan, value);
      return;
  }
}

function writeLong(slab: ByteSlab, plan: JsonPlan, value: ConnectValue): void {
  if (typeof value === "number" && Number.isSafeInteger(value)) writeInteger(slab, value);
  else if (typeof value === "bigint" && BigInt.asIntN(64, value) === value) writeInt64(slab, value);
  else throw wrongType(plan, value);
}

function writeStruct(slab: ByteSlab, plan: JsonPlan, value: ConnectValue): void {
  if (!(value instanceof Struct)) throw wrongType(plan, value);
  if (value.schema !== plan.schema && value.schema !== plan.accepted) {
    if (!plan.schema || !sameSchema(value.schema, plan.schema)) throw invalid("Mismatching schema.");
    plan.accepted = value.schema;
  }
  const fields = plan.fields;
  if (fields.length === 0) writeAscii(slab, "{");
  let i = 0;
  try {
    for (; i < fields.length; i++) writeField(slab, fields[i]!, value.at(i));
  } catch (error) {
    throw withField(error, plan.schema?.fields[i]?.name);
  }
  writeByte(slab, 0x7d);
}

function writeField(slab: ByteSlab, field: JsonPlan, value: ConnectValue): void {
  if (value === null && field.fallback === null && field.nullable) {
    writeFixed(slab, field.prefixedNull);
  } else if (field.repeats) {
    writeRepeating(slab, field, value);
  } else {
    writeFixed(slab, field.prefix);
    writeValue(slab, field, value);
  }
}

function writeRepeating(slab: ByteSlab, field: JsonPlan, value: ConnectValue): void {
  if (value !== field.lastValue) {
    writeFixed(slab, field.prefix);
    writeValue(slab, field, value);
    field.lastValue = value;
    field.lastText = null;
    field.repetitions = 0;
    if (--field.credit === 0) field.repeats = false;
    return;
  }
  if (field.lastText !== null) {
    writeFixed(slab, field.lastText);
    return;
  }
  const before = slab.begun();
  writeFixed(slab, field.prefix);
  writeValue(slab, field, value);
  if (++field.repetitions < WORTH_KEEPING) return;
  const written = slab.since(before);
  if (written.length <= LONGEST_REPEATED) field.lastText = new FixedText(Buffer.from(written));
  field.credit = MOST_CREDIT;
}

function writeArray(slab: ByteSlab, items: JsonPlan, values: readonly ConnectValue[]): void {
  writeAscii(slab, "[");
  for (let i = 0; i < values.length; i++) {
    if (i > 0) writeAscii(slab, ",");
    writeValue(slab, items, values[i] ?? null);
  }
  writeAscii(slab, "]");
}

function writeObject(slab: ByteSlab, items: JsonPlan, entries: ReadonlyMap<ConnectValue, ConnectValue>): void {
  let mark = "{";
  for (const [key, value] of entries) {
    if (typeof key !== "string")
      throw invalid(`Invalid type for STRING: class ${connectClassName(key)}, as a map's key`);
    writeAscii(slab, mark);
    writeString(slab, key);
    writeAscii(slab, ":");
    writeValue(slab, items, value);
    mark = ",";
  }
  writeAscii(slab, entries.size === 0 ? "{}" : "}");
}

function writePairs(
  slab: ByteSlab,
  keys: JsonPlan,
  items: JsonPlan,
  entries: ReadonlyMap<ConnectValue, ConnectValue>,
): void {
  let mark = "[[";
  for (const [key, value] of entries) {
    writeAscii(slab, mark);
    writeValue(slab, keys, key);
    writeAscii(slab, ",");
    writeValue(slab, items, value);
    mark = "],[";
  }
  writeAscii(slab, entries.size === 0 ? "[]" : "]]");
}

function writeSchemaless(slab: ByteSlab, plan: JsonPlan, value: Exclude<ConnectValue, null>): void {
  switch (typeof value) {
    case "string":
      writeString(slab, value);
      return;
    case "boolean":
      writeFixed(slab, value ? TRUE : FALSE);
      return;
    case "number":
      if (Number.isSafeInteger(value) && !Object.is(value, -0)) writeInteger(slab, value);
      else writeDouble(slab, value);
      return;
    case "bigint":
      writeLong(slab, plan, value);
      return;
  }
  if (Buffer.isBuffer(value)) writeBase64(slab, value);
  else if (value instanceof Float64) writeDouble(slab, value.value);
  else if (Array.isArray(value)) writeArray(slab, plan, value);
  else if (value instanceof Map) {
    if (everyKeyIsText(value)) writeObject(slab, plan, value);
    else writePairs(slab, plan, plan, value);
  } else if (value instanceof Struct) throw invalid("Mismatching schema.");
  else throw invalid(`Java class ${connectClassName(value)} does not have corresponding schema type.`);
}

function everyKeyIsText(entries: ReadonlyMap<ConnectValue, ConnectValue>): boolean {
  for (const key of entries.keys()) if (typeof key !== "string") return false;
  return true;
}

function wrongType(plan: JsonPlan, value: ConnectValue): DataError {
  const type = plan.schema?.type.toUpperCase() ?? "INT64";
  if (type.startsWith("INT") && (typeof value === "bigint" || Number.isInteger(value)))
    return invalid(`A whole number outside the range of ${type}`);
  return invalid(`Invalid type for ${type}: class ${connectClassName(value)}`);
}

function invalid(message: string): DataError {
  return new DataError("VALUE_INVALID", message);
}
