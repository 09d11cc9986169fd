import {
  type ConnectValue,
  decimalScale,
  decodeUnscaled,
  Float64,
  javaDecimal,
  LOGICAL,
  type Schema,
  Struct,
} from "../api/index.js";
import { javaDouble, javaFloat } from "../api/values/java-number.js";

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY_MS = 86_400_000;

/**
 * Java's `toString` of a Connect value: `Struct{a=1,b=x}` without null fields, `{a=1}`, `[1, 2]`. Two differences:
 * bytes are base64, where Java prints the object's hash, and dates are in UTC, where Java uses the worker's zone.
 */
export function javaString(schema: Schema | null, value: ConnectValue): string {
  if (value === null || value === undefined) return "null";
  switch (typeof value) {
    case "string":
      return value;
    case "boolean":
    case "bigint":
      return value.toString();
    case "number":
      return numberString(schema, value);
  }
  if (Buffer.isBuffer(value)) {
    if (schema?.name === LOGICAL.decimal) return javaDecimal(decodeUnscaled(value), decimalScale(schema));
    return value.toString("base64");
  }
  if (value instanceof Float64) return javaDouble(value.value);
  if (value instanceof Struct) return structString(value);
  if (value instanceof Map) return mapString(schema, value);
  const items = value as readonly ConnectValue[];
  return `[${items.map((item) => javaString(schema?.valueSchema ?? null, item)).join(", ")}]`;
}

function numberString(schema: Schema | null, value: number): string {
  switch (schema?.name) {
    case LOGICAL.date:
      return dateString(value * DAY_MS);
    case LOGICAL.time:
    case LOGICAL.timestamp:
      return dateString(value);
  }
  if (schema?.type === "float32") return javaFloat(value);
  if (schema?.type === "float64" || !Number.isSafeInteger(value)) return javaDouble(value);
  return String(value + 0);
}

function structString(struct: Struct): string {
  const shown: string[] = [];
  for (const field of struct.schema.fields) {
    const value = struct.at(field.index);
    if (value !== null) shown.push(`${field.name}=${javaString(field.schema, value)}`);
  }
  return `Struct{${shown.join(",")}}`;
}

function mapString(schema: Schema | null, entries: ReadonlyMap<ConnectValue, ConnectValue>): string {
  const shown = [...entries].map(
    ([key, value]) => `${javaString(schema?.keySchema ?? null, key)}=${javaString(schema?.valueSchema ?? null, value)}`,
  );
  return `{${shown.join(", ")}}`;
}

function dateString(ms: number): string {
  const date = new Date(ms);
  const two = (part: number) => String(part).padStart(2, "0");
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(":");
  return `${DAYS[date.getUTCDay()]} ${MONTHS[date.getUTCMonth()]} ${two(date.getUTCDate())} ${time} UTC ${date.getUTCFullYear()}`;
}
