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
