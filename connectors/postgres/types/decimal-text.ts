import { DataError, type Decimal, encodeUnscaled, parseDecimal } from "../../../src/api/index.js";
import { notA } from "./number-text.js";

/** A double holds this many digits exactly. */
const EXACT_DIGITS = 15;

/**
 * Reads a numeric's text at a fixed scale. Postgres prints numeric(p,s) with exactly s fraction digits; fewer are
 * padded, more are rounded half away from zero.
 *
 * @returns the unscaled value as big-endian two's complement, the form of Connect's Decimal.
 * @throws DataError for NaN and infinities, which Decimal cannot represent.
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
    return encodeUnscaled(isNegative ? -value : value);
  return encodeUnscaled(atScale(parseNumeric(bytes.toString("latin1", start, end)), scale));
}

/** Parses a numeric's text; the scale is never negative. @throws DataError for anything but a finite decimal number. */
export function parseNumeric(text: string): Decimal {
  const found = parseDecimal(text);
  if (!found) throw special();
  const { unscaled, scale } = found;
  return scale >= 0 ? found : { unscaled: unscaled * 10n ** BigInt(-scale), scale: 0 };
}

/** The unscaled value at another scale; lost digits round half away from zero. */
export function atScale(decimal: Decimal, scale: number): bigint {
  const { unscaled } = decimal;
  if (scale >= decimal.scale) return unscaled * 10n ** BigInt(scale - decimal.scale);
  const divisor = 10n ** BigInt(decimal.scale - scale);
  const half = divisor / 2n;
  return (unscaled + (unscaled < 0n ? -half : half)) / divisor;
}

/** Removes trailing zeros without making the scale negative, the form of VariableScaleDecimal. */
export function stripZeros(decimal: Decimal): Decimal {
  let { unscaled, scale } = decimal;
  while (scale > 0 && unscaled % 10n === 0n) {
    unscaled /= 10n;
    scale--;
  }
  return { unscaled, scale };
}

/**
 * A numeric's text in plain notation with its declared scale; special values become the names of Java's constants.
 */
export function readDecimalText(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString("latin1", start, end);
  if (text === "NaN") return "NAN";
  if (text === "Infinity") return "POSITIVE_INFINITY";
  if (text === "-Infinity") return "NEGATIVE_INFINITY";
  return text;
}

/** Parses money's text: currency sign, groups, and a minus or parentheses, in the style of lc_monetary. */
export function parseMoney(text: string): Decimal {
  const isNegative = /^\(.*\)$/.test(text) || text.includes("-");
  const digits = text.replace(/[^0-9.,]/g, "");
  // The last separator is the decimal one if one or two digits follow; all others group digits.
  const found = /^(.*?)(?:[.,](\d{1,2}))?$/.exec(digits);
  const whole = (found?.[1] ?? "").replace(/[.,]/g, "");
  if (whole === "" && !found?.[2]) throw notA("an amount of money");
  return parseNumeric(`${isNegative ? "-" : ""}${whole || "0"}${found?.[2] ? `.${found[2]}` : ""}`);
}

function special(): DataError {
  return new DataError(
    "VALUE_INVALID",
    "Got a special value (NaN/Infinity) for Decimal type but current mode does not handle it. If you need to support it then set decimal handling mode to 'string'.",
  );
}
