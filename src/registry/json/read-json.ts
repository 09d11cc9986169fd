import { type Json, JsonNumber } from "./json-value.js";

/** A text is no JSON. */
export class JsonFault extends Error {}

/** Deeper values are refused, as in Jackson, so that none can exhaust the stack. */
const MOST_DEPTH = 1000;

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they have to be escaped
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/**
 * Parses a whole JSON text. Of keys that occur twice the last value counts, at the place of the first.
 *
 * @throws JsonFault with the line and column of the fault
 */
export function readJson(text: string): Json {
  const reader = new JsonReader(text);
  const value = reader.value(0);
  reader.end();
  return value;
}

class JsonReader {
  #at = 0;

  constructor(private readonly text: string) {}

  value(depth: number): Json {
    this.#blanks();
    const char = this.text[this.#at];
    if (depth > MOST_DEPTH) {
      throw this.#fault(`Document nesting depth (${depth}) exceeds the maximum allowed (${MOST_DEPTH})`);
    }
    switch (char) {
      case "{":
        return this.#object(depth);
      case "[":
        return this.#array(depth);
      case '"':
        return this.#string();
      case "t":
        return this.#word("true", true);
      case "f":
        return this.#word("false", false);
      case "n":
        return this.#word("null", null);
      default:
        return this.#number(char);
    }
  }

  end(): void {
    this.#blanks();
    if (this.#at < this.text.length) throw this.#unexpected("expected the end of the text");
  }

  #object(depth: number): Json {
    const found = new Map<string, Json>();
    this.#at++;
    this.#blanks();
    if (this.#take("}")) return found;
    for (;;) {
      this.#blanks();
      if (this.text[this.#at] !== '"') throw this.#unexpected("was expecting double-quote to start field name");
      const key = this.#string();
      this.#blanks();
      if (!this.#take(":")) throw this.#unexpected("was expecting a colon to separate field name and value");
      found.set(key, this.value(depth + 1));
      this.#blanks();
      if (this.#take("}")) return found;
      if (!this.#take(",")) throw this.#unexpected("was expecting comma to separate Object entries");
    }
  }

  #array(depth: number): Json {
    const found: Json[] = [];
    this.#at++;
    this.#blanks();
    if (this.#take("]")) return found;
    for (;;) {
      found.push(this.value(depth + 1));
      this.#blanks();
      if (this.#take("]")) return found;
      if (!this.#take(",")) throw this.#unexpected("was expecting comma to separate Array entries");
    }
  }

  #string(): string {
    this.#at++;
    let found = "";
    for (;;) {
      PLAIN.lastIndex = this.#at;
      const plain = PLAIN.exec(this.text)![0];
      found += plain;
      this.#at += plain.length;
      const char = this.text[this.#at];
      if (char === '"') {
        this.#at++;
        return found;
      }
      if (char !== "\\") throw this.#unexpected("has to be escaped using backslash to be included in string value");
      found += this.#escape();
    }
  }

  #escape(): string {
    const char = this.text[this.#at + 1] ?? "";
    if (char === "u") {
      const digits = this.text.slice(this.#at + 2, this.#at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.#fault("expected a hex-digit for character escape sequence");
      this.#at += 6;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const plain = ESCAPES[char];
    if (plain === undefined) throw this.#fault(`Unrecognized character escape '${char}'`);
    this.#at += 2;
    return plain;
  }

  #word<T extends Json>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.#at) || /\w/.test(this.text[this.#at + word.length] ?? "")) {
      throw this.#unrecognized();
    }
    this.#at += word.length;
    return value;
  }

  #number(char: string | undefined): Json {
    if (char === undefined) throw this.#fault("Unexpected end-of-input");
    NUMBER.lastIndex = this.#at;
    const literal = NUMBER.exec(this.text)?.[0];
    if (literal === undefined || /[\w.+-]/.test(this.text[this.#at + literal.length] ?? "")) throw this.#unrecognized();
    this.#at += literal.length;
    return new JsonNumber(literal);
  }

  #blanks(): void {
    while (" \t\r\n".includes(this.text[this.#at] ?? "x")) this.#at++;
  }

  #take(char: string): boolean {
    if (this.text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #unrecognized(): JsonFault {
    const token = /^[\w.+-]+/.exec(this.text.slice(this.#at, this.#at + 256))?.[0];
    if (token === undefined) return this.#unexpected("expected a valid value");
    return this.#fault(`Unrecognized token '${token}': was expecting (JSON String, Number, Array, Object or token)`);
  }

  #unexpected(why: string): JsonFault {
    const char = this.text[this.#at];
    if (char === undefined) return this.#fault(`Unexpected end-of-input: ${why}`);
    return this.#fault(`Unexpected character ('${char}' (code ${char.charCodeAt(0)})): ${why}`);
  }

  #fault(what: string): JsonFault {
    const before = this.text.slice(0, this.#at);
    const line = before.split("\n").length;
    return new JsonFault(`${what} at line: ${line}, column: ${this.#at - before.lastIndexOf("\n")}`);
  }
}
