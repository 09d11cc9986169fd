import { DataError } from "../../../src/api/index.js";
import { type Decode, notA } from "./number-text.js";

const OPEN = 0x7b;
const CLOSE = 0x7d;
const COMMA = 0x2c;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Reads a one-dimensional array's text, `{1,NULL,"a \"b\""}`, and drops a lower bound in front (`[0:1]=`).
 *
 * @throws DataError for more dimensions: Connect's array of the column's schema cannot hold them.
 */
export function readArray<T>(bytes: Buffer, start: number, end: number, item: Decode<T>): (T | null)[] {
  let at = start;
  if (bytes[at] === 0x5b) at = bytes.indexOf(OPEN, at);
  if (at < 0 || at >= end || bytes[at] !== OPEN) throw notA("an array");
  at++;
  const items: (T | null)[] = [];
  if (bytes[at] === CLOSE) return items;
  while (at < end) {
    if (bytes[at] === OPEN)
      throw new DataError("VALUE_INVALID", "An array of more than one dimension has no form in Connect's data model");
    if (bytes[at] === QUOTE) {
      const plain = Buffer.allocUnsafe(end - at);
      let length = 0;
      for (at++; at < end && bytes[at] !== QUOTE; at++) {
        if (bytes[at] === BACKSLASH) at++;
        plain[length++] = bytes[at]!;
      }
      at++;
      items.push(item(plain, 0, length));
    } else {
      const from = at;
      while (at < end && bytes[at] !== COMMA && bytes[at] !== CLOSE) at++;
      items.push(isNull(bytes, from, at) ? null : item(bytes, from, at));
    }
    if (bytes[at] === CLOSE) return items;
    if (bytes[at] !== COMMA) break;
    at++;
  }
  throw notA("an array");
}

/** Postgres quotes the text "NULL", so the unquoted word means null. */
function isNull(bytes: Buffer, start: number, end: number): boolean {
  return end - start === 4 && bytes.toString("latin1", start, end).toUpperCase() === "NULL";
}
