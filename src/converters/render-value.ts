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
import { connectClassName } from "../api/values/connect-class-name.js";
import { javaDouble, javaFloat } from "../api/values/java-number.js";
import { unprintable } from "./connect-values.js";

const DAY_MS = 86_400_000;

/**
 * A value as text, as in Connect's `Values.convertToString`. `parseValue` reads it back, not always as the same type.
 *
 * @param embedded inside an array, map or struct, where strings are quoted.
 * @throws DataError if it is not a Connect value.
 */
export function renderValue(schema: Schema | null, value: ConnectValue, embedded = false): string {
  if (value === null || value === undefined) return "null";
  switch (typeof value) {
    case "string":
      return embedded ? quoted(value) : value;
    case "boolean":
    case "bigint":
      return value.toString();
    case "number":
      return renderNumber(schema, value);
  }
  if (value instanceof Float64) return javaDouble(value.value);
  if (Buffer.isBuffer(value)) {
    if (schema?.name === LOGICAL.decimal) return javaDecimal(decodeUnscaled(value), decimalScale(schema));
    return embedded ? quoted(value.toString("base64")) : value.toString("base64");
  }
  if (Array.isArray(value)) {
    return `[${value.map((item) => renderValue(schema?.valueSchema ?? null, item, true)).join(",")}]`;
  }
  if (value instanceof Struct) {
    const members = value.schema.fields.map(
      (field) => `${quoted(field.name)}:${renderValue(field.schema, value.at(field.index), true)}`,
    );
    return `{${members.join(",")}}`;
  }
  if (!(value instanceof Map)) throw unprintable(connectClassName(value));
  const entries = [...value].map(
    ([key, item]) =>
      `${renderValue(schema?.keySchema ?? null, key, true)}:${renderValue(schema?.valueSchema ?? null, item, true)}`,
  );
  return `{${entries.join(",")}}`;
}

function renderNumber(schema: Schema | null, value: number): string {
  switch (schema?.name) {
    case LOGICAL.date:
      return renderTime(value * DAY_MS);
    case LOGICAL.time:
    case LOGICAL.timestamp:
      return renderTime(value);
  }
  if (schema?.type === "float32") return javaFloat(value);
  if (schema?.type === "float64" || !Number.isSafeInteger(value)) return javaDouble(value);
  return String(value + 0);
}

/** Connect chooses the format by the value, not the type: a time within the first day, a date at midnight. */
function renderTime(ms: number): string {
  const text = new Date(ms).toISOString();
  if (ms < DAY_MS) return text.slice(-13);
  return ms % DAY_MS === 0 ? text.slice(0, 10) : text;
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
