import { DataError } from "../../../src/api/index.js";
import { notA } from "./number-text.js";

/** Digits that a double holds exactly. */
const EXACT_DIGITS = 15;

/** A decimal number without loss: `unscaled` x 10^-scale. */
export interface Decimal {
  readonly unscaled: number | bigint;
  readonly scale: number;
}

/**
 * Reads a numeric's text at a fixed scale. Postgres prints numeric(p,s) with exactly s digits of fraction; fewer are
 * filled up, more are rounded half up (money).
 *
 * @returns the unscaled value as big-endian two's complement, as Connect's Decimal has it.
 * @throws DataError for NaN and infinities, which Decimal has no form for.
 */
export function readUnscaled(bytes: Buffer, start: number, end: number, scale: number): Buffer {
  let value = 0;
  let digits = 0;
  let fraction = -1;
  let at = start;
  const isNegative = bytes[at] === 0x2d;
  if (isNegative) at++;
  for (; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === 0x2e) {
      fraction = 0;
      continue;
    }
    const digit = byte - 0x30;
    if (digit < 0 || digit > 9) throw special();
    value = value * 10 + digit;
    digits++;
    if (fraction >= 0) fraction++;
  }
  if (digits > 0 && digits <= EXACT_DIGITS && Math.max(fraction, 0) === scale)
    return encodeNumber(isNegative ? -value : value);
  return encodeInteger(atScale(parseDecimal(bytes.toString("latin1", start, end)), scale));
}

/** @throws DataError for what is no finite decimal number. */
export function parseDecimal(text: string): Decimal {
  const found = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (!found || (found[2] === "" && !found[3])) throw special();
  const fraction = found[3] ?? "";
  const unscaled = BigInt(`${found[2]}${fraction}`) * (found[1] === "-" ? -1n : 1n);
  const scale = fraction.length - Number(found[4] ?? 0);
  return scale >= 0 ? { unscaled, scale } : { unscaled: unscaled * 10n ** BigInt(-scale), scale: 0 };
}

/** The unscaled value at another scale, rounded half away from zero where digits fall off. */
export function atScale(decimal: Decimal, scale: number): bigint {
  const unscaled = BigInt(decimal.unscaled);
  if (scale >= decimal.scale) return unscaled * 10n ** BigInt(scale - decimal.scale);
  const divisor = 10n ** BigInt(decimal.scale - scale);
  const half = divisor / 2n;
  return (unscaled + (unscaled < 0n ? -half : half)) / divisor;
}

/** Without trailing zeros, and never of a negative scale: what VariableScaleDecimal carries. */
export function stripZeros(decimal: Decimal): Decimal {
  let unscaled = BigInt(decimal.unscaled);
  let { scale } = decimal;
  while (scale > 0 && unscaled % 10n === 0n) {
    unscaled /= 10n;
    scale--;
  }
  return { unscaled, scale };
}

/** The shortest big-endian two's complement of a whole number, as Java's BigInteger.toByteArray. */
export function encodeInteger(value: bigint): Buffer {
  if (value >= -(2n ** 47n) && value < 2n ** 47n) return encodeNumber(Number(value));
  // One bit for the sign; a negative number needs one value less.
  const magnitude = value < 0n ? -value - 1n : value;
  const length = Math.floor(magnitude.toString(2).length / 8) + 1;
  const unsigned = value < 0n ? value + (1n << BigInt(length * 8)) : value;
  return Buffer.from(unsigned.toString(16).padStart(length * 2, "0"), "hex");
}

function encodeNumber(value: number): Buffer {
  if (value >= -0x80 && value < 0x80) return bytesOf(value, 1);
  if (value >= -0x8000 && value < 0x8000) return bytesOf(value, 2);
  if (value >= -0x800000 && value < 0x800000) return bytesOf(value, 3);
  if (value >= -0x80000000 && value < 0x80000000) return bytesOf(value, 4);
  if (value >= -(2 ** 39) && value < 2 ** 39) return bytesOf(value, 5);
  if (value >= -(2 ** 47) && value < 2 ** 47) return bytesOf(value, 6);
  return encodeInteger(BigInt(value));
}

function bytesOf(value: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  bytes.writeIntBE(value, 0, length);
  return bytes;
}

/**
 * A numeric's text in plain notation, its declared scale kept; the special values as Java's constants for them.
 */
export function readDecimalText(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString("latin1", start, end);
  if (text === "NaN") return "NAN";
  if (text === "Infinity") return "POSITIVE_INFINITY";
  if (text === "-Infinity") return "NEGATIVE_INFINITY";
  return text;
}

/** Parses money's text: a currency sign, groups and a minus or parentheses, as lc_monetary has them. */
export function parseMoney(text: string): Decimal {
  const isNegative = /^\(.*\)$/.test(text) || text.includes("-");
  const digits = text.replace(/[^0-9.,]/g, "");
  // The last separator is the decimal one if one or two digits follow; all the others group.
  const found = /^(.*?)(?:[.,](\d{1,2}))?$/.exec(digits);
  const whole = (found?.[1] ?? "").replace(/[.,]/g, "");
  if (whole === "" && !found?.[2]) throw notA("an amount of money");
  return parseDecimal(`${isNegative ? "-" : ""}${whole || "0"}${found?.[2] ? `.${found[2]}` : ""}`);
}

function special(): DataError {
  return new DataError(
    "VALUE_INVALID",
    "Got a special value (NaN/Infinity) for Decimal type but current mode does not handle it. If you need to support it then set decimal handling mode to 'string'.",
  );
}
