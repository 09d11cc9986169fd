import { SchemaFault } from "../schema/schema-text.js";

interface Token {
  readonly kind: "word" | "text" | "symbol" | "end";
  readonly text: string;
  readonly line: number;
}

const SKIP = /(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y;
const WORD =
  /[+-]?(?:\d[\w.]*(?:[eE][+-]?\d+)?|\.\d\w*|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*|\.[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)/y;
const TEXT = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/y;

/** The words, texts and symbols of a `.proto` file, one after the other. */
export class ProtoTokens {
  readonly #tokens: Token[] = [];
  #at = 0;

  /** @throws SchemaFault */
  constructor(source: string) {
    let line = 1;
    for (let at = 0; ; ) {
      const skipped = match(SKIP, source, at);
      line += skipped.split("\n").length - 1;
      at += skipped.length;
      if (at >= source.length) break;
      const text = match(TEXT, source, at);
      const word = text === "" ? match(WORD, source, at) : "";
      if (text !== "") this.#tokens.push({ kind: "text", text: unquoted(text), line });
      else if (word !== "") this.#tokens.push({ kind: "word", text: word, line });
      else this.#tokens.push({ kind: "symbol", text: source[at]!, line });
      at += (text || word || source[at]!).length;
    }
    this.#tokens.push({ kind: "end", text: "", line });
  }

  get isAtEnd(): boolean {
    return this.#tokens[this.#at]!.kind === "end";
  }

  /** The next word or symbol, which stays. */
  get next(): string {
    const { kind, text } = this.#tokens[this.#at]!;
    return kind === "text" ? '"' : text;
  }

  get isText(): boolean {
    return this.#tokens[this.#at]!.kind === "text";
  }

  word(what = "a word"): string {
    const { kind, text } = this.#tokens[this.#at]!;
    if (kind !== "word") throw this.fault(`expected ${what}`);
    this.#at++;
    return text;
  }

  /** A text, or several that follow each other. */
  text(): string {
    if (!this.isText) throw this.fault("expected a string");
    let found = "";
    while (this.isText) found += this.#tokens[this.#at++]!.text;
    return found;
  }

  integer(): number {
    const text = this.word("a number");
    const number = /^[+-]?0[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number(text);
    if (!Number.isInteger(number)) throw this.fault(`expected an integer but was ${text}`);
    return number;
  }

  /** Takes the next word or symbol if it is this one. */
  takes(expected: string): boolean {
    if (this.isText || this.next !== expected) return false;
    this.#at++;
    return true;
  }

  expect(expected: string): void {
    if (!this.takes(expected)) throw this.fault(`expected '${expected}'`);
  }

  fault(what: string): SchemaFault {
    const { line, text } = this.#tokens[this.#at]!;
    return new SchemaFault(`Syntax error in line ${line}: ${what}${text === "" ? "" : ` near '${text}'`}`);
  }
}

function match(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? "";
}

const ESCAPES: Readonly<Record<string, string>> = { a: "\u0007", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

function unquoted(text: string): string {
  return text
    .slice(1, -1)
    .replace(/\\(?:[xX]([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))/gs, (_, hex?: string, octal?: string, other = "") => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
      return ESCAPES[other] ?? other;
    });
}
