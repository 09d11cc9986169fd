/** The text of a number as Avro Java prints it: integers keep their digits, all others are doubles. */
export function doubleText(literal: string): string {
  return /^-?\d+$/.test(literal) ? integerText(literal) : javaDouble(Number(literal));
}

/** Java's Double.toString. */
function javaDouble(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : value < 0 ? "-Infinity" : "NaN";
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const size = Math.abs(value);
  if (size === 0) return `${sign}0.0`;
  if (size >= 1e-3 && size < 1e7) {
    const plain = String(size);
    return sign + (plain.includes(".") ? plain : `${plain}.0`);
  }
  const [digits = "", exponent = ""] = size.toExponential().split("e");
  return `${sign}${digits.includes(".") ? digits : `${digits}.0`}E${Number(exponent)}`;
}

/** The text of a number as Java's BigDecimal prints it: `1.0` stays, `1e2` is `1E+2`. */
export function decimalText(literal: string): string {
  const [, sign = "", whole = "", fraction = "", exponent] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(literal) ?? [];
  if (fraction === "" && exponent === undefined) return integerText(literal);
  const digits = `${whole}${fraction}`.replace(/^0+(?=\d)/, "");
  const scale = fraction.length - Number(exponent ?? 0);
  const minus = sign !== "" && digits !== "0" ? "-" : "";
  const adjusted = digits.length - 1 - scale;
  if (scale >= 0 && adjusted >= -6) {
    if (scale === 0) return minus + digits;
    const padded = digits.padStart(scale + 1, "0");
    return `${minus}${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
  }
  const mantissa = digits.length > 1 ? `${digits[0]}.${digits.slice(1)}` : digits;
  return `${minus}${mantissa}E${adjusted >= 0 ? "+" : ""}${adjusted}`;
}

function integerText(literal: string): string {
  return literal === "-0" ? "0" : literal;
}
