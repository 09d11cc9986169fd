/** One character of a pattern. A quoted one (`\Q…\E`) is literal. */
interface PatternChar {
  readonly char: string;
  readonly isQuoted: boolean;
}

/** Reads a Java pattern by code points, with its quotations resolved. */
export class PatternText {
  readonly #chars: readonly PatternChar[];
  #at = 0;

  constructor(source: string) {
    this.#chars = resolveQuotations(source);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#chars.length;
  }

  /** Index of the next character, for `rewind`. */
  get position(): number {
    return this.#at;
  }

  rewind(position: number): void {
    this.#at = position;
  }

  /** Whether `text` is next, unquoted, `ahead` characters from here. */
  startsWith(text: string, ahead = 0): boolean {
    return [...text].every((char, index) => {
      const next = this.#chars[this.#at + ahead + index];
      return next?.char === char && !next.isQuoted;
    });
  }

  /** Consumes `text` if it is next, unquoted. */
  take(text: string): boolean {
    if (!this.startsWith(text)) return false;
    this.#at += [...text].length;
    return true;
  }

  /** Consumes up to `most` unquoted characters that each match `allowed`. */
  takeWhile(allowed: RegExp, most = Number.POSITIVE_INFINITY): string {
    let taken = "";
    for (let next = this.#chars[this.#at]; next && !next.isQuoted; next = this.#chars[this.#at]) {
      if (taken.length >= most || !allowed.test(next.char)) break;
      taken += next.char;
      this.#at++;
    }
    return taken;
  }

  /** Consumes one character, quoted or not. @throws SyntaxError at the end. */
  next(): string {
    const next = this.#chars[this.#at++];
    if (!next) throw new SyntaxError("the pattern ends too early");
    return next.char;
  }
}

/** Java does this before it parses: a backslash protects the next character, a quotation without `\E` runs to the end. */
function resolveQuotations(source: string): PatternChar[] {
  const chars = [...source];
  const resolved: PatternChar[] = [];
  for (let at = 0; at < chars.length; at++) {
    const isEscape = chars[at] === "\\" && at + 1 < chars.length;
    if (isEscape && chars[at + 1] === "Q") {
      for (at += 2; at < chars.length && !(chars[at] === "\\" && chars[at + 1] === "E"); at++)
        resolved.push({ char: chars[at]!, isQuoted: true });
      at++;
    } else {
      resolved.push({ char: chars[at]!, isQuoted: false });
      if (isEscape) resolved.push({ char: chars[++at]!, isQuoted: false });
    }
  }
  return resolved;
}
