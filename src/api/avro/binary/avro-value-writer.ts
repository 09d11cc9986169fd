import { DataError } from "../../errors.js";
import { type ConnectValue, Float64, Struct } from "../../struct.js";
import type { ByteSlab } from "../../values/byte-slab.js";
import { connectClassName } from "../../values/connect-class-name.js";
import { withField } from "../../values/field-path.js";
import { sameSchema } from "../../values/schema-equality.js";
import { ANYTHING_FIELDS } from "../anything.js";
import {
  writeBytes,
  writeFloat32,
  writeFloat64,
  writeInt,
  writeLong,
  writeOctet,
  writeRaw,
  writeText,
} from "./avro-bytes.js";
import { type AvroWritePlan, WRITE } from "./avro-write-plan.js";

const ZERO = Buffer.from([0]);

/**
 * Writes a value in Avro's binary encoding, by its schema's plan. Every value is checked against its type; a mismatch
 * is refused, never coerced.
 *
 * @throws DataError VALUE_INVALID, naming the field; the caller must then drop what it began in `slab`.
 */
export function writeAvroValue(slab: ByteSlab, plan: AvroWritePlan, given: ConnectValue): void {
  let value = given;
  if (value === null || value === undefined) {
    if (plan.fallback === null) {
      if (plan.kind === WRITE.anything) writeAnything(slab, plan, null);
      else if (plan.nullBranch >= 0 && plan.schema!.optional) writeLong(slab, plan.nullBranch);
      else throw invalid("Found null value for non-optional schema");
      return;
    }
    value = plan.fallback;
  }
  if (plan.valueBranch >= 0) writeInt(slab, plan.valueBranch);
  switch (plan.kind) {
    case WRITE.string:
      if (typeof value !== "string") throw wrongType(plan, value);
      writeText(slab, value);
      return;
    case WRITE.int32:
      if (typeof value !== "number" || (value | 0) !== value) throw wrongType(plan, value);
      writeInt(slab, value);
      return;
    case WRITE.int64:
      if (!isLong(value)) throw wrongType(plan, value);
      writeLong(slab, value);
      return;
    case WRITE.int16:
      if (typeof value !== "number" || (value << 16) >> 16 !== value) throw wrongType(plan, value);
      writeInt(slab, value);
      return;
    case WRITE.int8:
      if (typeof value !== "number" || (value << 24) >> 24 !== value) throw wrongType(plan, value);
      writeInt(slab, value);
      return;
    case WRITE.boolean:
      if (typeof value !== "boolean") throw wrongType(plan, value);
      writeOctet(slab, value ? 1 : 0);
      return;
    case WRITE.float64:
      if (value instanceof Float64) writeFloat64(slab, value.value);
      else if (typeof value === "number") writeFloat64(slab, value);
      else throw wrongType(plan, value);
      return;
    case WRITE.float32:
      if (typeof value !== "number") throw wrongType(plan, value);
      writeFloat32(slab, value);
      return;
    case WRITE.bytes:
      if (!Buffer.isBuffer(value)) throw wrongType(plan, value);
      // Java reads no number from no bytes.
      writeBytes(slab, plan.isDecimal && value.length === 0 ? ZERO : value);
      return;
    case WRITE.fixed:
      if (!Buffer.isBuffer(value)) throw wrongType(plan, value);
      writeFixed(slab, plan, value);
      return;
    case WRITE.enum:
      if (typeof value !== "string") throw wrongType(plan, value);
      writeSymbol(slab, plan, value);
      return;
    case WRITE.record:
      writeRecord(slab, plan, value);
      return;
    case WRITE.array:
      if (!Array.isArray(value)) throw wrongType(plan, value);
      writeArray(slab, plan.items!, value);
      return;
    case WRITE.map:
      if (!(value instanceof Map)) throw wrongType(plan, value);
      writeMap(slab, plan.items!, value);
      return;
    case WRITE.entries:
      if (!(value instanceof Map)) throw wrongType(plan, value);
      writeEntries(slab, plan.keys!, plan.items!, value);
      return;
    case WRITE.union:
      writeUnion(slab, plan, value);
      return;
    case WRITE.anything:
      writeAnything(slab, plan, value);
      return;
  }
}

function isLong(value: ConnectValue): value is number | bigint {
  return typeof value === "number"
    ? Number.isSafeInteger(value)
    : typeof value === "bigint" && BigInt.asIntN(64, value) === value;
}

function writeFixed(slab: ByteSlab, plan: AvroWritePlan, value: Buffer): void {
  let bytes = value;
  if (plan.isDecimal && bytes.length < plan.size) {
    const sign = bytes.length > 0 && bytes[0]! > 127 ? 255 : 0;
    bytes = Buffer.concat([Buffer.alloc(plan.size - bytes.length, sign), bytes]);
  }
  if (bytes.length !== plan.size) throw invalid(`A fixed of ${plan.size} bytes cannot hold a value of ${bytes.length}`);
  writeRaw(slab, bytes);
}

function writeSymbol(slab: ByteSlab, plan: AvroWritePlan, value: string): void {
  const index = plan.symbols!.get(value);
  if (index === undefined) throw invalid(`The value is no symbol of the enum ${plan.schema!.name ?? ""}`.trimEnd());
  writeInt(slab, index);
}

function writeRecord(slab: ByteSlab, plan: AvroWritePlan, value: ConnectValue): void {
  const struct = structOf(plan, value);
  const { fields, positions } = plan;
  let i = 0;
  try {
    for (; i < fields.length; i++) {
      const field = fields[i]!;
      if (positions[i]! >= 0) writeAvroValue(slab, field, struct.at(positions[i]!));
      else writeRaw(slab, field.constant!);
    }
  } catch (error) {
    throw withField(error, plan.schema!.fields[positions[i]!]?.name);
  }
  for (const index of plan.unwritten) {
    if (struct.at(index) === null) continue;
    throw withField(
      invalid("The Avro schema has no such field, so its value would be lost"),
      plan.schema!.fields[index]!.name,
    );
  }
}

function structOf(plan: AvroWritePlan, value: ConnectValue): Struct {
  if (!(value instanceof Struct)) throw wrongType(plan, value);
  if (value.schema !== plan.schema && value.schema !== plan.accepted) {
    if (!sameSchema(value.schema, plan.schema!)) throw invalid("Mismatching struct schema");
    plan.accepted = value.schema;
  }
  return value;
}

function writeArray(slab: ByteSlab, items: AvroWritePlan, values: readonly ConnectValue[]): void {
  if (values.length > 0) writeLong(slab, values.length);
  for (let i = 0; i < values.length; i++) writeAvroValue(slab, items, values[i] ?? null);
  writeOctet(slab, 0);
}

function writeMap(slab: ByteSlab, items: AvroWritePlan, entries: ReadonlyMap<ConnectValue, ConnectValue>): void {
  if (entries.size > 0) writeLong(slab, entries.size);
  for (const [key, value] of entries) {
    if (typeof key !== "string") {
      throw invalid(`Invalid type for STRING: ${connectClassName(key)}, as a map's key`);
    }
    writeText(slab, key);
    writeAvroValue(slab, items, value);
  }
  writeOctet(slab, 0);
}

function writeEntries(
  slab: ByteSlab,
  keys: AvroWritePlan,
  items: AvroWritePlan,
  entries: ReadonlyMap<ConnectValue, ConnectValue>,
): void {
  if (entries.size > 0) writeLong(slab, entries.size);
  for (const [key, value] of entries) {
    writeAvroValue(slab, keys, key);
    writeAvroValue(slab, items, value);
  }
  writeOctet(slab, 0);
}

/** The first field that is set is the branch, as in Java. */
function writeUnion(slab: ByteSlab, plan: AvroWritePlan, value: ConnectValue): void {
  const struct = structOf(plan, value);
  for (let i = 0; i < plan.fields.length; i++) {
    const member = struct.at(i);
    if (member === null) continue;
    try {
      writeAvroValue(slab, plan.fields[i]!, member);
    } catch (error) {
      throw withField(error, plan.schema!.fields[i]!.name);
    }
    return;
  }
  if (plan.nullBranch < 0) throw invalid("Found null value for non-optional schema");
  writeLong(slab, plan.nullBranch);
}

const AT = Object.fromEntries(ANYTHING_FIELDS.map((name, index) => [name, index])) as Record<
  (typeof ANYTHING_FIELDS)[number],
  number
>;

/** Writes Anything: the field of the value's type, and null for the others. */
function writeAnything(slab: ByteSlab, plan: AvroWritePlan, value: ConnectValue): void {
  const set = value === null ? -1 : anythingField(value);
  for (let i = 0; i < ANYTHING_FIELDS.length; i++) {
    writeOctet(slab, i === set ? 2 : 0);
    if (i !== set) continue;
    if (typeof value === "boolean") writeOctet(slab, value ? 1 : 0);
    else if (typeof value === "string") writeText(slab, value);
    else if (set === AT.long) writeLong(slab, value as number | bigint);
    else if (set === AT.double) writeFloat64(slab, value instanceof Float64 ? value.value : (value as number));
    else if (Buffer.isBuffer(value)) writeBytes(slab, value);
    else if (Array.isArray(value)) writeArray(slab, plan, value);
    else writeEntries(slab, plan, plan, value as ReadonlyMap<ConnectValue, ConnectValue>);
  }
}

/** Integers are longs: without a schema, Connect's own have no other size. */
function anythingField(value: Exclude<ConnectValue, null>): number {
  switch (typeof value) {
    case "boolean":
      return AT.boolean;
    case "string":
      return AT.string;
    case "number":
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? AT.long : AT.double;
    case "bigint":
      if (isLong(value)) return AT.long;
      throw invalid("A whole number outside the range of INT64");
  }
  if (Buffer.isBuffer(value)) return AT.bytes;
  if (value instanceof Float64) return AT.double;
  if (Array.isArray(value)) return AT.array;
  if (value instanceof Map) return AT.map;
  throw invalid(`Java class ${connectClassName(value)} does not have corresponding schema type.`);
}

function wrongType(plan: AvroWritePlan, value: ConnectValue): DataError {
  const type = plan.schema!.type.toUpperCase();
  if (type.startsWith("INT") && (typeof value === "bigint" || Number.isInteger(value)))
    return invalid(`A whole number outside the range of ${type}`);
  return invalid(`Invalid type for ${type}: ${connectClassName(value)}`);
}

function invalid(message: string): DataError {
  return new DataError("VALUE_INVALID", message);
}
