/**
 * A character as JavaScript (flag `v`), valid inside a class and outside. CASE_INSENSITIVE covers ASCII letters only.
 *
 * @throws SyntaxError for half a surrogate pair.
 */
export function literal(codePoint: number, ignoresCase: boolean): string {
  if (codePoint >= 0xd800 && codePoint <= 0xdfff)
    throw new SyntaxError("half a surrogate pair is not supported: write the whole character");
  const char = String.fromCodePoint(codePoint);
  if (!/^[A-Za-z]$/.test(char)) return /^[0-9_]$/.test(char) ? char : `\\u{${codePoint.toString(16)}}`;
  return ignoresCase ? `[${char.toUpperCase()}${char.toLowerCase()}]` : char;
}

/** A range for a class, plus the other case of its ASCII letters when case is ignored. */
export function range(from: number, to: number, ignoresCase: boolean): string {
  const parts = [`${literal(from, false)}-${literal(to, false)}`];
  if (!ignoresCase) return parts[0]!;
  for (const [low, high, shift] of [
    [0x41, 0x5a, 32],
    [0x61, 0x7a, -32],
  ] as const) {
    const first = Math.max(from, low);
    const last = Math.min(to, high);
    if (first <= last) parts.push(`${literal(first + shift, false)}-${literal(last + shift, false)}`);
  }
  return parts.join("");
}

/**
 * The class of all characters but those of `body`. The inner brackets are for V8 before 12: it negates a plain `[^…]`
 * twice under the flag `v` where it unrolls a repetition, so that `/(?:[^c]d)+/v` does not match "kd".
 */
export function negated(body: string): string {
  return `[[^${body}]]`;
}
