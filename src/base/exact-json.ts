import type { SourceMap } from "../api/index.js";

/** A JSON value, with integers beyond 2^53 as bigint. */
export type ExactJson = null | boolean | string | number | bigint | readonly ExactJson[] | ExactJsonObject;
export interface ExactJsonObject {
  readonly [key: string]: ExactJson;
}

const TOKEN = /"(?:[^"\\]|\\.)*"(\s*:)?|-?\d[\w.+-]*/gs;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
/** First character of the strings that stand for number literals while JSON.parse runs. */
const MARK = "\u0000";
const ESCAPED_MARK = "\\u0000";

/**
 * Parses JSON and passes every number literal to `number` as text: JSON.parse alone rounds 64-bit integers and does not
 * distinguish 1 from 1.0 or 1e3 from 1000.
 *
 * @throws SyntaxError as JSON.parse does.
 */
export function parseJsonNumbers<T>(text: string, number: (literal: string) => T): unknown {
  const marked = text.replace(TOKEN, (token, colon: string | undefined) => {
    if (!token.startsWith('"')) return NUMBER.test(token) ? `"${ESCAPED_MARK}${token}"` : token;
    // A string that itself begins with the mark gets a second one. Keys are not revived, so they need none.
    return colon === undefined && token.startsWith(`"${ESCAPED_MARK}`) ? `"${ESCAPED_MARK}${token.slice(1)}` : token;
  });
  try {
    return JSON.parse(marked, (_key, value: unknown) => {
      if (typeof value !== "string" || !value.startsWith(MARK)) return value;
      return value.startsWith(MARK + MARK) ? value.slice(1) : number(value.slice(1));
    });
  } catch (error) {
    // Throws with positions of the caller's text: marking never makes invalid JSON valid.
    JSON.parse(text);
    throw error;
  }
}

/** Parses JSON. Integers beyond 2^53 become bigint, all other numbers stay numbers. @throws SyntaxError */
export function parseExactJson(text: string): ExactJson {
  return parseJsonNumbers(text, (literal) => {
    const value = Number(literal);
    return Number.isSafeInteger(value) || /[.eE]/.test(literal) ? value : BigInt(literal);
  }) as ExactJson;
}

/**
 * Writes JSON without spaces, as Jackson does for Kafka Connect: bigint as an integer, and characters outside the basic
 * plane as a pair of `\uXXXX` in upper-case hex. Keys with undefined values are left out.
 */
export function writeExactJson(value: unknown): string {
  return escapeAstral(writePlain(value) ?? write(value));
}

/** A key that is equal for maps with the same entries, in any order. 1 and 1n are equal; "1" differs. */
export function sourceMapKey(map: SourceMap): string {
  return writeExactJson(Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** Several times faster; undefined if the value contains a bigint, which JSON.stringify refuses. */
function writePlain(value: unknown): string | undefined {
  try {
    return JSON.stringify(value ?? null);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function write(value: unknown): string {
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return `[${value.map(write).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const members: string[] = [];
    for (const [key, member] of Object.entries(value)) {
      if (member !== undefined) members.push(`${JSON.stringify(key)}:${write(member)}`);
    }
    return `{${members.join(",")}}`;
  }
  return JSON.stringify(value ?? null);
}

/** `text` with both halves of each surrogate pair as `\uXXXX`, in upper-case hex as in Jackson. */
function escapeAstral(text: string): string {
  return text.replace(/[\ud800-\udbff][\udc00-\udfff]/g, (pair) => {
    const hex = (at: number) => `\\u${pair.charCodeAt(at).toString(16).toUpperCase()}`;
    return hex(0) + hex(1);
  });
}
