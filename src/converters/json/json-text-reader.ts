import { isUtf8 } from "node:buffer";
import { DataError } from "../../api/index.js";

/** A number with a fraction or exponent, as text: a double would lose a Decimal's digits and the fraction of `1.0`. */
export class JsonNumber {
  constructor(readonly text: string) {}
}

/**
 * A JSON value. Integers beyond 2^53 are bigints. Numbers with a fraction or exponent are JsonNumbers where the text
 * was read exactly, otherwise numbers.
 */
export type Json = null | boolean | number | bigint | string | JsonNumber | Json[] | { readonly [name: string]: Json };

/**
 * How exactly numbers are read: only integers ("integers"), integers and the difference between `1` and `1.0`
 * ("kinds"), or every digit of every number ("digits").
 */
export type Exactness = "integers" | "kinds" | "digits";

/** Deeper nesting is refused, as in Jackson. */
const DEEPEST = 1000;

/** A number that may exceed 2^53: sixteen digits beginning with 9, or seventeen digits. */
const LONG_INTEGER = /9\d{15}|\d{17}/;
/** An integer too long for a double, or a non-integer literal that JSON.parse may turn into a whole number. */
const LONG_OR_WHOLE = /9\d{15}|\d{17}|(?:^|[:,[\s-])\d+(?:\.0+(?![\d.])|(?:\.\d+)?[eE])/;

/**
 * Reads the first JSON value of `bytes`. Like Connect's reader it ignores any text after the value and allows leading
 * zeros. Returns undefined if there is only white space.
 *
 * @throws DataError RECORD_MALFORMED, whose message has the position of the fault but never quotes the text.
 */
export function readJson(bytes: Buffer, exactness: Exactness): Json | undefined {
  if (!isUtf8(bytes)) throw malformed("it is not UTF-8");
  return readJsonText(bytes.toString("utf8"), exactness);
}

/**
 * Reads bytes that are one JSON value and nothing else; undefined if they are not. Then `readJson` finds the fault, or
 * accepts them.
 */
export function readWholeJson(bytes: Buffer, exactness: Exactness): Json | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString("utf8");
  try {
    return needsExact(text, exactness) ? new ExactReader(text).readWhole() : (JSON.parse(text) as Json);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof DataError) return undefined;
    throw error;
  }
}

/** `readJson` for a text. */
export function readJsonText(text: string, exactness: Exactness): Json | undefined {
  if (!needsExact(text, exactness)) {
    try {
      return JSON.parse(text) as Json;
    } catch (error) {
      // Its message quotes the text, which must not reach a log. The reader below finds the fault again, or accepts it.
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  return new ExactReader(text).read();
}

function needsExact(text: string, exactness: Exactness): boolean {
  if (exactness === "digits") return true;
  return (exactness === "kinds" ? LONG_OR_WHOLE : LONG_INTEGER).test(text);
}

/**
 * A recursive descent parser with exact numbers. JSON.parse is twice as fast, so this reads only texts that need it.
 */
class ExactReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): Json | undefined {
    this.#skipBlanks();
    return this.#at === this.#text.length ? undefined : this.#value(0);
  }

  readWhole(): Json | undefined {
    const value = this.read();
    this.#skipBlanks();
    return this.#at === this.#text.length ? value : undefined;
  }

  #value(depth: number): Json {
    switch (this.#text.charCodeAt(this.#at)) {
      case 0x22:
        return this.#string();
      case 0x7b:
        return this.#object(depth + 1);
      case 0x5b:
        return this.#array(depth + 1);
      case 0x74:
        return this.#word("true", true);
      case 0x66:
        return this.#word("false", false);
      case 0x6e:
        return this.#word("null", null);
      default:
        return this.#number();
    }
  }

  #object(depth: number): Json {
    this.#checkDepth(depth);
    const members: Record<string, Json> = {};
    this.#at++;
    this.#skipBlanks();
    if (this.#take(0x7d)) return members;
    do {
      this.#skipBlanks();
      if (this.#text.charCodeAt(this.#at) !== 0x22) throw this.#fault("a name in quotes");
      const name = this.#string();
      this.#skipBlanks();
      if (!this.#take(0x3a)) throw this.#fault("a colon");
      this.#skipBlanks();
      const value = this.#value(depth);
      if (name === "__proto__") {
        Object.defineProperty(members, name, { value, enumerable: true, configurable: true, writable: true });
      } else members[name] = value;
      this.#skipBlanks();
    } while (this.#take(0x2c));
    if (!this.#take(0x7d)) throw this.#fault("a comma or the end of the object");
    return members;
  }

  #array(depth: number): Json {
    this.#checkDepth(depth);
    const items: Json[] = [];
    this.#at++;
    this.#skipBlanks();
    if (this.#take(0x5d)) return items;
    do {
      this.#skipBlanks();
      items.push(this.#value(depth));
      this.#skipBlanks();
    } while (this.#take(0x2c));
    if (!this.#take(0x5d)) throw this.#fault("a comma or the end of the array");
    return items;
  }

  #string(): string {
    const text = this.#text;
    const start = this.#at + 1;
    let at = start;
    let escaped = false;
    for (; ; at++) {
      const c = text.charCodeAt(at);
      if (c === 0x22) break;
      if (c === 0x5c) {
        escaped = true;
        at++;
      } else if (!(c >= 0x20)) {
        this.#at = at;
        throw this.#fault("the rest of a string");
      }
    }
    this.#at = at + 1;
    if (!escaped) return text.slice(start, at);
    try {
      return JSON.parse(text.slice(start - 1, at + 1)) as string;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      this.#at = start - 1;
      throw this.#fault("a string with known escapes only");
    }
  }

  #number(): Json {
    const text = this.#text;
    const start = this.#at;
    let at = start;
    if (text.charCodeAt(at) === 0x2d) at++;
    const digits = at;
    while (isDigit(text.charCodeAt(at))) at++;
    const integerEnd = at;
    if (integerEnd === digits) throw this.#fault("a value");
    if (text.charCodeAt(at) === 0x2e) {
      const fraction = ++at;
      while (isDigit(text.charCodeAt(at))) at++;
      this.#at = at;
      if (at === fraction) throw this.#fault("a digit");
    }
    const e = text.charCodeAt(at);
    if (e === 0x65 || e === 0x45) {
      at++;
      const sign = text.charCodeAt(at);
      if (sign === 0x2b || sign === 0x2d) at++;
      const exponent = at;
      while (isDigit(text.charCodeAt(at))) at++;
      this.#at = at;
      if (at === exponent) throw this.#fault("a digit");
    }
    this.#at = at;
    if (at > integerEnd) return new JsonNumber(text.slice(start, at));
    const length = at - digits;
    if (length < 16 || (length === 16 && text.charCodeAt(digits) < 0x39)) return Number(text.slice(start, at)) + 0;
    const exact = BigInt(text.slice(start, at));
    return BigInt.asIntN(54, exact) === exact ? safeOr(exact) : exact;
  }

  #word<T extends Json>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#fault("a value");
    this.#at += word.length;
    return value;
  }

  #skipBlanks(): void {
    for (; ; this.#at++) {
      const c = this.#text.charCodeAt(this.#at);
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return;
    }
  }

  #take(c: number): boolean {
    if (this.#text.charCodeAt(this.#at) !== c) return false;
    this.#at++;
    return true;
  }

  #checkDepth(depth: number): void {
    if (depth > DEEPEST) throw malformed(`it nests deeper than ${DEEPEST} levels`);
  }

  #fault(expected: string): DataError {
    const where = this.#at < this.#text.length ? `at character ${this.#at + 1}` : "where it ends";
    return malformed(`${expected} was expected ${where}`);
  }
}

function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39;
}

function safeOr(exact: bigint): number | bigint {
  const value = Number(exact);
  return Number.isSafeInteger(value) ? value : exact;
}

function malformed(what: string): DataError {
  return new DataError(
    "RECORD_MALFORMED",
    `Converting byte[] to Kafka Connect data failed due to serialization error: the record is not JSON: ${what}`,
  );
}
