/** One character of a pattern; a quoted one (`\Q…\E`) stands for itself, whatever it is. */
interface PatternChar {
  readonly char: string;
  readonly isQuoted: boolean;
}

/** A Java pattern by code points, its quotations resolved, and the place in it that is read next. */
export class PatternText {
  readonly #chars: readonly PatternChar[];
  #at = 0;

  constructor(source: string) {
    this.#chars = resolveQuotations(source);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#chars.length;
  }

  /** The place of the next character, for `rewind`. */
  get position(): number {
    return this.#at;
  }

  rewind(position: number): void {
    this.#at = position;
  }

  /** Whether `text` comes next, unquoted. */
  startsWith(text: string, ahead = 0): boolean {
    return [...text].every((char, index) => {
      const next = this.#chars[this.#at + ahead + index];
      return next?.char === char && !next.isQuoted;
    });
  }

  /** Steps over `text` where it comes next, unquoted. */
  take(text: string): boolean {
    if (!this.startsWith(text)) return false;
    this.#at += [...text].length;
    return true;
  }

  /** Steps over the next characters, unquoted ones, as far as each of them matches `allowed`. */
  takeWhile(allowed: RegExp, most = Number.POSITIVE_INFINITY): string {
    let taken = "";
    for (let next = this.#chars[this.#at]; next && !next.isQuoted; next = this.#chars[this.#at]) {
      if (taken.length >= most || !allowed.test(next.char)) break;
      taken += next.char;
      this.#at++;
    }
    return taken;
  }

  /** Steps over the next character, quoted or not. @throws SyntaxError at the end. */
  next(): string {
    const next = this.#chars[this.#at++];
    if (!next) throw new SyntaxError("the pattern ends too early");
    return next.char;
  }
}

/** As Java does before it parses: a backslash protects the next character, and a quotation without `\E` goes to the end. */
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
