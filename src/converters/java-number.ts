/**
 * Numbers as Java prints them. Double.toString and Float.toString follow JDK 19 and later: the fewest digits that read
 * back as the same number. (Older JDKs sometimes print one digit more, which also reads back as the same number.)
 */

/** Double.toString, for any number: `1.0`, `1.0E10`, `-0.0`, `NaN`, `-Infinity`. */
export function javaDouble(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude >= 1e-3 && magnitude < 1e7) return Number.isInteger(value) ? `${value}.0` : String(value);
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  return Number.isFinite(value) ? scientific(value) : String(value);
}

/** Float.toString of the 32-bit float nearest to `value`. */
export function javaFloat(value: number): string {
  return javaDouble(shortestFloat(Math.fround(value)));
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

/** The shortest big-endian two's complement, as in BigInteger.toByteArray: 0 is one zero byte. */
export function encodeUnscaled(unscaled: bigint): Buffer {
  const magnitude = unscaled < 0n ? -unscaled - 1n : unscaled;
  const bits = magnitude === 0n ? 1 : magnitude.toString(2).length + 1;
  const length = Math.ceil(bits / 8);
  const hex = BigInt.asUintN(length * 8, unscaled).toString(16);
  return Buffer.from(hex.padStart(length * 2, "0"), "hex");
}

/**
 * Reads a decimal number's text exactly: `-12.50e3` is unscaled -1250 with scale -1 (value = unscaled × 10^-scale).
 * Returns undefined if it is not a number, or if its exponent has more than five digits: such a number would be huge.
 */
export function parseDecimal(text: string): { readonly unscaled: bigint; readonly scale: number } | undefined {
  const parts = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,5}))?$/.exec(text);
  if (!parts) return undefined;
  const [, sign, whole = "", fraction = "", exponent = "0"] = parts;
  if (whole === "" && fraction === "") return undefined;
  const unscaled = BigInt(whole + fraction);
  return { unscaled: sign === "-" ? -unscaled : unscaled, scale: fraction.length - Number(exponent) };
}

/** Java always prints a second digit, the closest one: 0 except for the smallest numbers (`4.9E-324`). */
function scientific(value: number): string {
  const shortest = value.toExponential();
  const [mantissa = "", exponent = ""] = (shortest.includes(".") ? shortest : value.toExponential(1)).split("e");
  return `${mantissa}E${exponent.replace("+", "")}`;
}

/**
 * The number with the fewest digits (at least two) that rounds to this float. Rounding to p digits does so for every p
 * from some p of at most 9 on, so a binary search finds it.
 */
function shortestFloat(float: number): number {
  if (!Number.isFinite(float) || (Number.isInteger(float) && Math.abs(float) < 1e7)) return float;
  let fails = 1;
  let works = 9;
  while (works - fails > 1) {
    const digits = (fails + works) >> 1;
    if (Math.fround(Number(float.toPrecision(digits))) === float) works = digits;
    else fails = digits;
  }
  return Number(float.toPrecision(works));
}
