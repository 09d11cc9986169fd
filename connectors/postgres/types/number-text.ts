import { DataError } from "../../../src/api/index.js";

/** Reads the value whose text is `bytes[start, end)`. */
export type Decode<T> = (bytes: Buffer, start: number, end: number) => T;

/** Parses an optional minus and at most 15 digits without making a string first. */
export function readInteger(bytes: Buffer, start: number, end: number): number {
  let at = start;
  const isNegative = bytes[at] === 0x2d;
  if (isNegative) at++;
  if (at === end) throw notA("an integer");
  let value = 0;
  for (; at < end; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) throw notA("an integer");
    value = value * 10 + digit;
  }
  // Never -0, which some consumers distinguish from 0.
  return isNegative && value !== 0 ? -value : value;
}

export function readInt64(bytes: Buffer, start: number, end: number): number | bigint {
  if (end - start <= 15) return readInteger(bytes, start, end);
  const value = BigInt(bytes.toString("latin1", start, end));
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Postgres and JavaScript spell NaN and Infinity alike. */
export function readFloat64(bytes: Buffer, start: number, end: number): number {
  return Number(bytes.toString("latin1", start, end));
}

export function readFloat32(bytes: Buffer, start: number, end: number): number {
  return Math.fround(Number(bytes.toString("latin1", start, end)));
}

export function readBoolean(bytes: Buffer, start: number): boolean {
  return bytes[start] === 0x74;
}

/** No ASCII fast path of our own: Node's decoder has one. */
export function readText(bytes: Buffer, start: number, end: number): string {
  return bytes.toString("utf8", start, end);
}

/** Reads bytea in hex form, `\x0123`, and in escape form, for servers that do not let us set bytea_output. */
export function readBytea(bytes: Buffer, start: number, end: number): Buffer {
  if (bytes[start] === 0x5c && bytes[start + 1] === 0x78)
    return Buffer.from(bytes.toString("latin1", start + 2, end), "hex");
  const plain: number[] = [];
  for (let at = start; at < end; at++) {
    if (bytes[at] !== 0x5c) plain.push(bytes[at]!);
    else if (bytes[at + 1] === 0x5c) plain.push(bytes[++at]!);
    else {
      plain.push(Number.parseInt(bytes.toString("latin1", at + 1, at + 4), 8));
      at += 3;
    }
  }
  return Buffer.from(plain);
}

/** The bits as a little-endian number without its high zero bytes; the rightmost bit is bit 0. */
export function readBits(bytes: Buffer, start: number, end: number): Buffer {
  const bits = Buffer.alloc(Math.ceil((end - start) / 8));
  let used = 0;
  for (let bit = 0; bit < end - start; bit++) {
    if (bytes[end - 1 - bit] !== 0x31) continue;
    bits[bit >> 3]! |= 1 << (bit & 7);
    used = (bit >> 3) + 1;
  }
  return bits.subarray(0, used);
}

export function notA(what: string): DataError {
  return new DataError("VALUE_INVALID", `A column's text is not ${what}`);
}
