import {
  type ConnectValue,
  DataError,
  type Decimal,
  decimalScale,
  decodeUnscaled,
  Float64,
  javaDecimal,
  LOGICAL,
  type Schema,
} from "../../api/index.js";
import { javaFloat } from "../../api/values/java-number.js";
import { renderValue } from "../../converters/render-value.js";
import { javaClass } from "../record/java-class.js";

export const CAST_TYPES = ["int8", "int16", "int32", "int64", "float32", "float64", "boolean", "string"] as const;
export type CastType = (typeof CAST_TYPES)[number];

const SUPPORTED = `[${CAST_TYPES.join(", ").toUpperCase()}, BYTES]`;

/**
 * A value as another type, with the casts of Java: numbers wrap or saturate, texts are parsed.
 *
 * @param subject the field, for errors.
 * @throws DataError if there is no such cast, or a text is not of the type.
 */
export function castValue(schema: Schema | null, value: ConnectValue, target: CastType, subject: string): ConnectValue {
  if (value === null) return null;
  const source = sourceOf(schema, value);
  if (source === undefined) {
    const type = (schema?.type ?? (Array.isArray(value) ? "array" : "map")).toUpperCase();
    throw new DataError(
      "VALUE_INVALID",
      `Cast transformation does not support casting from ${type} (${subject}); supported types are ${SUPPORTED}`,
    );
  }
  switch (target) {
    case "string":
      return renderValue(schema, value);
    case "boolean":
      return truthOf(source, subject);
    case "float32":
    case "float64":
      return floatOf(source, target, schema !== null, subject);
    default:
      return integerOf(source, target, subject);
  }
}

/** A value that can be cast. */
type Source =
  | { readonly kind: "integer"; readonly value: number | bigint }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "decimal"; readonly value: Decimal }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "bytes"; readonly className: string };

function sourceOf(schema: Schema | null, value: ConnectValue): Source | undefined {
  switch (typeof value) {
    case "string":
      return { kind: "text", value };
    case "boolean":
      return { kind: "boolean", value };
    case "bigint":
      return { kind: "integer", value };
    case "number": {
      const isFloat = schema ? schema.type === "float32" || schema.type === "float64" : !Number.isSafeInteger(value);
      return isFloat ? { kind: "float", value } : { kind: "integer", value };
    }
  }
  if (value instanceof Float64) return { kind: "float", value: value.value };
  if (!Buffer.isBuffer(value)) return undefined;
  if (schema?.name === LOGICAL.decimal)
    return { kind: "decimal", value: { unscaled: decodeUnscaled(value), scale: decimalScale(schema) } };
  return { kind: "bytes", className: javaClass(schema, value) };
}

function truthOf(source: Source, subject: string): boolean {
  switch (source.kind) {
    case "boolean":
      return source.value;
    case "text":
      return source.value.toLowerCase() === "true";
    default:
      // Java casts to long first: 0.5 is false.
      return BigInt(integerOf(source, "int64", subject)) !== 0n;
  }
}

const BITS = { int8: 8, int16: 16, int32: 32, int64: 64 } as const;

function integerOf(source: Source, target: keyof typeof BITS, subject: string): number | bigint {
  const bits = BITS[target];
  switch (source.kind) {
    case "boolean":
      return source.value ? 1 : 0;
    case "integer":
      return wrapped(source.value, bits);
    case "float":
      return wrapped(saturated(source.value, bits === 64 ? 64 : 32), bits);
    case "decimal": {
      const { unscaled, scale } = source.value;
      const power = 10n ** BigInt(Math.abs(scale));
      return wrapped(scale < 0 ? unscaled * power : unscaled / power, bits);
    }
    case "text": {
      const value = /^[+-]?\d+$/.test(source.value) ? BigInt(source.value.replace("+", "")) : undefined;
      if (value === undefined || BigInt.asIntN(bits, value) !== value) throw outOfRange(target, subject);
      return wrapped(value, bits);
    }
    default:
      throw uncastable(source.className, subject);
  }
}

function floatOf(source: Source, target: "float32" | "float64", hasSchema: boolean, subject: string): number | Float64 {
  const value = target === "float64" ? doubleOf(source, subject) : Math.fround(forFloat(source, subject));
  if (hasSchema) return value;
  // Without a schema a float prints its own digits, which a double has to have, too; a whole one must not look like a long.
  const shown = target === "float64" || !Number.isFinite(value) ? value : Number(javaFloat(value));
  return Number.isInteger(shown) ? new Float64(shown) : shown;
}

function doubleOf(source: Source, subject: string): number {
  switch (source.kind) {
    case "boolean":
      return source.value ? 1 : 0;
    case "integer":
      return Number(source.value);
    case "float":
      return source.value;
    case "decimal":
      return Number(javaDecimal(source.value.unscaled, source.value.scale));
    case "text":
      return parsedDouble(source.value, subject);
    default:
      throw uncastable(source.className, subject);
  }
}

/** A double that rounds to the right float. */
function forFloat(source: Source, subject: string): number {
  if (source.kind !== "integer" || typeof source.value === "number") return doubleOf(source, subject);
  // A long of more than 53 bits would be rounded twice: an odd last bit stands for the digits cut off.
  const magnitude = source.value < 0n ? -source.value : source.value;
  const cut = BigInt(Math.max(0, magnitude.toString(2).length - 53));
  const top = magnitude >> cut;
  const sticky = top << cut === magnitude ? top : top | 1n;
  const rounded = Number(sticky) * 2 ** Number(cut);
  return source.value < 0n ? -rounded : rounded;
}

/** Double.parseDouble, without hexadecimal numbers. */
function parsedDouble(text: string, subject: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Java trims them.
  const trimmed = text.replace(/^[\x00-\x20]+|[\x00-\x20]+$/g, "");
  const number = /^([+-]?(?:NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?))[fFdD]?$/.exec(trimmed)?.[1];
  if (number === undefined || /(?:NaN|Infinity).$/.test(trimmed)) throw outOfRange("a float", subject);
  return number.endsWith("NaN") ? Number.NaN : Number(number);
}

function wrapped(value: number | bigint, bits: number): number | bigint {
  if (Number.isSafeInteger(value) && Math.abs(value as number) < 2 ** (bits - 1)) return (value as number) + 0;
  const narrow = BigInt.asIntN(bits, BigInt(value));
  const number = Number(narrow);
  return Number.isSafeInteger(number) ? number : narrow;
}

/** `(int)` or `(long)` of a double. */
function saturated(value: number, bits: 32 | 64): number | bigint {
  if (Number.isNaN(value)) return 0;
  const bound = 2n ** BigInt(bits - 1);
  if (value >= Number(bound)) return bound - 1n;
  if (value < -Number(bound)) return -bound;
  return Math.trunc(value);
}

function outOfRange(target: string, subject: string): DataError {
  return new DataError("VALUE_INVALID", `Value was out of range for requested data type: ${subject} is no ${target}`);
}

function uncastable(className: string, subject: string): DataError {
  return new DataError("VALUE_INVALID", `Unexpected type in Cast transformation: class ${className} (${subject})`);
}
