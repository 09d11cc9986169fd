import { DataError } from "../errors.js";
import type { Schema } from "../schema.js";

// Converts the values of Decimals, which are unscaled numbers as bytes (see ConnectValue).

/** An exact decimal number: `unscaled` × 10^-scale. */
export interface Decimal {
  readonly unscaled: bigint;
  readonly scale: number;
}

/** The scale of a Decimal schema. @throws DataError SCHEMA_INVALID when the parameter is missing or not an integer. */
export function decimalScale(schema: Schema): number {
  const text = schema.parameters?.["scale"];
  if (text === undefined) throw new DataError("SCHEMA_INVALID", "Invalid Decimal schema: scale parameter not found.");
  if (!/^[+-]?\d{1,9}$/.test(text)) {
    throw new DataError("SCHEMA_INVALID", `Invalid Decimal schema: scale parameter ${text} is not an integer.`);
  }
  return Number(text);
}

/**
 * Reads a decimal number's text exactly: `-12.50e3` is unscaled -1250 with scale -1 (value = unscaled × 10^-scale).
 * Returns undefined if it is not a number, or if its exponent has more than five digits: such a number would be huge.
 */
export function parseDecimal(text: string): Decimal | undefined {
  const parts = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,5}))?$/.exec(text);
  if (!parts) return undefined;
  const [, sign, whole = "", fraction = "", exponent = "0"] = parts;
  if (whole === "" && fraction === "") return undefined;
  const unscaled = BigInt(whole + fraction);
  return { unscaled: sign === "-" ? -unscaled : unscaled, scale: fraction.length - Number(exponent) };
}

/** BigDecimal.toString of `unscaled` × 10^-scale: scientific notation for negative scales and below 10^-6. */
export function javaDecimal(unscaled: bigint, scale: number): string {
  const sign = unscaled < 0n ? "-" : "";
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString();
  if (scale === 0) return sign + digits;
  const exponent = digits.length - 1 - scale;
  if (scale > 0 && exponent >= -6) {
    const padded = digits.padStart(scale + 1, "0");
    return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
  }
  const mantissa = digits.length > 1 ? `${digits[0]}.${digits.slice(1)}` : digits;
  return exponent === 0 ? sign + mantissa : `${sign}${mantissa}E${exponent > 0 ? "+" : ""}${exponent}`;
}

/** Reads big-endian two's complement, as in a Decimal's bytes. Empty bytes are 0. */
export function decodeUnscaled(bytes: Buffer): bigint {
  if (bytes.length === 0) return 0n;
  if (bytes.length <= 6) return BigInt(bytes.readIntBE(0, bytes.length));
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString("hex")}`));
}

/**
 * The shortest big-endian two's complement, as in BigInteger.toByteArray: 0 is one zero byte. `unscaled` is a whole
 * number.
 */
export function encodeUnscaled(unscaled: number | bigint): Buffer {
  if (unscaled >= -(2 ** 47) && unscaled < 2 ** 47) return encodeSmall(Number(unscaled));
  const value = BigInt(unscaled);
  // One more bit for the sign; the negative range has one value more.
  const magnitude = value < 0n ? -value - 1n : value;
  const length = Math.floor(magnitude.toString(2).length / 8) + 1;
  return Buffer.from(
    BigInt.asUintN(length * 8, value)
      .toString(16)
      .padStart(length * 2, "0"),
    "hex",
  );
}

function encodeSmall(value: number): Buffer {
  let length = 1;
  for (let bound = 0x80; value < -bound || value >= bound; bound *= 0x100) length++;
  const bytes = Buffer.allocUnsafe(length);
  bytes.writeIntBE(value, 0, length);
  return bytes;
}
