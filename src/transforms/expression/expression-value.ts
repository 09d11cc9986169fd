import {
  type ConnectRecord,
  type ConnectValue,
  DataError,
  type Decimal,
  decimalScale,
  Float64,
  type Header,
  javaDecimal,
  LOGICAL,
  type Schema,
  Struct,
} from "../../api/index.js";
import { isEqual } from "../record/equal-values.js";

/** Something that has members: a struct, a map, the headers, a header, a schema. */
export interface Holder {
  /** For errors: `a struct`. */
  readonly what: string;
  /** @throws DataError if there is no such member. */
  member(name: string): Value;
  readonly struct?: Struct;
  readonly map?: ReadonlyMap<string, Value>;
  readonly schemaName?: string | null;
}

/** A value that can only be compared with null: bytes, a date or a time. */
interface Opaque {
  readonly opaque: string;
}

/** A value of an expression. Integers are bigints, floating-point numbers are numbers. */
export type Value = null | boolean | string | bigint | number | Decimal | readonly Value[] | Holder | Opaque;

/** @throws DataError for a decimal whose schema has no scale */
export function readValue(schema: Schema | null, value: ConnectValue): Value {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "bigint") return value;
  if (value instanceof Float64) return value.value;
  if (typeof value === "number") return numberOf(schema, value);
  if (Buffer.isBuffer(value)) return schema?.name === LOGICAL.decimal ? decimalOf(schema, value) : { opaque: "bytes" };
  if (value instanceof Struct) return structHolder(value);
  if (Array.isArray(value)) return value.map((item: ConnectValue) => readValue(schema?.valueSchema ?? null, item));
  const entries = [...(value as ReadonlyMap<ConnectValue, ConnectValue>)];
  return mapHolder(
    "a map",
    new Map(entries.map(([key, item]) => [String(key), readValue(schema?.valueSchema ?? null, item)])),
  );
}

function numberOf(schema: Schema | null, value: number): Value {
  if (schema?.name === LOGICAL.date || schema?.name === LOGICAL.time || schema?.name === LOGICAL.timestamp)
    return { opaque: "a date or time" };
  const isFloat = schema ? schema.type === "float32" || schema.type === "float64" : !Number.isInteger(value);
  return isFloat ? value : BigInt(value);
}

function decimalOf(schema: Schema, bytes: Buffer): Decimal {
  const unscaled = bytes.length === 0 ? 0n : BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString("hex")}`));
  return { unscaled, scale: decimalScale(schema) };
}

function structHolder(struct: Struct): Holder {
  return {
    what: "a struct",
    struct,
    member(name) {
      const field = struct.schema.field(name);
      if (!field) throw new DataError("VALUE_INVALID", `${name} is not a valid field name`);
      return readValue(field.schema, struct.get(name));
    },
  };
}

function mapHolder(what: string, map: ReadonlyMap<string, Value>): Holder {
  return { what, map, member: (name) => map.get(name) ?? null };
}

/** A record's headers by name; of several headers of one name, the last. */
export function headersHolder(record: ConnectRecord): Holder {
  return mapHolder("the headers", new Map(record.headers.map((header) => [header.key, headerHolder(header)])));
}

function headerHolder({ schema, value }: Header): Holder {
  return {
    what: "a header",
    member(name) {
      if (name === "value") return readValue(schema, value);
      if (name === "schema") return schemaHolder(schema);
      throw new DataError("VALUE_INVALID", `a header has a value and a schema, but no ${name}`);
    },
  };
}

export function schemaHolder(schema: Schema | null): Value {
  if (!schema) return null;
  return {
    what: "a schema",
    schemaName: schema.name ?? null,
    member(name) {
      throw new DataError("VALUE_INVALID", `of a schema only name() can be read, not ${name}`);
    },
  };
}

export function isHolder(value: Value): value is Holder {
  return typeof value === "object" && value !== null && "member" in value;
}

function isDecimal(value: Value): value is Decimal {
  return typeof value === "object" && value !== null && "unscaled" in value;
}

/** Groovy's truth. */
export function isTrue(value: Value): boolean {
  if (typeof value === "boolean") return value;
  if (value === null || value === "" || value === 0 || value === 0n) return false;
  if (isDecimal(value)) return value.unscaled !== 0n;
  if (Array.isArray(value)) return value.length > 0;
  return !(isHolder(value) && value.map?.size === 0);
}

/** Groovy's ==. @throws DataError for bytes and dates */
export function areEqual(one: Value, other: Value): boolean {
  if (one === null || other === null) return one === other;
  refuseOpaque(one, other);
  if (isNumber(one) && isNumber(other)) return comparedNumbers(one, other) === 0;
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((item, at) => areEqual(item, other[at]!));
  if (isHolder(one) && isHolder(other) && one.struct && other.struct)
    return isEqual(one.struct.schema, one.struct, other.struct);
  if (isHolder(one) && isHolder(other) && one.map && other.map) return areMapsEqual(one.map, other.map);
  return one === other;
}

function areMapsEqual(one: ReadonlyMap<string, Value>, other: ReadonlyMap<string, Value>): boolean {
  return (
    one.size === other.size && [...one].every(([key, value]) => other.has(key) && areEqual(value, other.get(key)!))
  );
}

/** Groovy's <=>: null is smaller than everything. @throws DataError for values of different kinds */
export function compared(one: Value, other: Value): number {
  if (one === null || other === null) return one === other ? 0 : one === null ? -1 : 1;
  if (isNumber(one) && isNumber(other)) return comparedNumbers(one, other);
  if (typeof one === "string" && typeof other === "string") return one < other ? -1 : one > other ? 1 : 0;
  if (typeof one === "boolean" && typeof other === "boolean") return Number(one) - Number(other);
  throw new DataError("VALUE_INVALID", `${kindOf(one)} is neither smaller nor larger than ${kindOf(other)}`);
}

type Numeric = bigint | number | Decimal;

export function isNumber(value: Value): value is Numeric {
  return typeof value === "bigint" || typeof value === "number" || isDecimal(value);
}

/** As in Groovy, both are doubles if one is. NaN is the largest. */
function comparedNumbers(one: Numeric, other: Numeric): number {
  if (typeof one === "number" || typeof other === "number") {
    const [a, b] = [doubleOf(one), doubleOf(other)];
    if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
    if (a === 0 && b === 0) return Number(Object.is(b, -0)) - Number(Object.is(a, -0));
    return a < b ? -1 : a > b ? 1 : 0;
  }
  const [a, b] = aligned(one, other);
  return a < b ? -1 : a > b ? 1 : 0;
}

export function doubleOf(value: Numeric): number {
  return isDecimal(value) ? Number(javaDecimal(value.unscaled, value.scale)) : Number(value);
}

/** Both as integers of one scale. */
export function aligned(
  one: bigint | Decimal,
  other: bigint | Decimal,
): readonly [a: bigint, b: bigint, scale: number] {
  const [a, b] = [one, other].map((value) => (typeof value === "bigint" ? { unscaled: value, scale: 0 } : value));
  const scale = Math.max(a!.scale, b!.scale);
  const scaled = ({ unscaled, scale: own }: Decimal) => unscaled * 10n ** BigInt(scale - own);
  return [scaled(a!), scaled(b!), scale];
}

/** A value in a text that is joined. @throws DataError for what has no text that is the same everywhere */
export function textOf(value: Value): string {
  if (value === null || typeof value === "string" || typeof value === "boolean" || typeof value === "bigint")
    return String(value);
  if (isDecimal(value)) return javaDecimal(value.unscaled, value.scale);
  throw new DataError("VALUE_INVALID", `${kindOf(value)} cannot become part of a text`);
}

export function kindOf(value: Value): string {
  if (value === null) return "null";
  if (isNumber(value)) return typeof value === "bigint" ? "an integer" : "a number";
  if (typeof value === "string") return "a text";
  if (typeof value === "boolean") return "a boolean";
  if (isHolder(value)) return value.what;
  return Array.isArray(value) ? "a list" : (value as Opaque).opaque;
}

function refuseOpaque(...values: readonly Value[]): void {
  for (const value of values)
    if (typeof value === "object" && value !== null && "opaque" in value)
      throw new DataError("VALUE_INVALID", `${value.opaque} can only be compared with null`);
}
