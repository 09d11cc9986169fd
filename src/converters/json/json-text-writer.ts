import type { ByteSlab } from "../../api/values/byte-slab.js";
import { javaDouble, javaFloat } from "../../api/values/java-number.js";

/*
 * Writes JSON's scalars as Jackson does: characters beyond U+FFFF (and lone surrogates) as \uXXXX in upper-case hex,
 * all others above U+007F as UTF-8, control characters in JSON's short form where there is one.
 *
 * Short texts and integers are written byte by byte: at these lengths a call into Node's native writers costs more than
 * the loop.
 */

const SHORT_STRING = 48;
const LONG_FIXED = 128;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const HEX = Buffer.from("0123456789ABCDEF", "latin1");
/** A character that is not ASCII, or not in the BMP, or needs an escape. */
const NOT_PLAIN_ASCII = /[^ !#-[\]-\x7f]/;
const NOT_PLAIN = /[^ !#-[\]-\ud7ff\ue000-\uffff]/;

/** 1 for the ASCII characters that need no escape. */
const PLAIN = new Uint8Array(128);
for (let c = 0x20; c < 128; c++) PLAIN[c] = c === QUOTE || c === BACKSLASH ? 0 : 1;

/** The letter after the backslash of a character's short escape; 0 if it has none. */
const SHORT_ESCAPES = new Uint8Array(128);
for (const [c, letter] of ['""', "\\\\", "\bb", "\tt", "\nn", "\ff", "\rr"]) {
  SHORT_ESCAPES[c!.charCodeAt(0)] = letter!.charCodeAt(0);
}

/** The ASCII bytes of "0000" to "9999", for writing four digits at once. */
const FOUR_DIGITS = new Int32Array(10000);
for (let i = 0; i < 10000; i++) FOUR_DIGITS[i] = Buffer.from(String(i).padStart(4, "0"), "latin1").readInt32LE();

/** A text that is written often. */
export class FixedText {
  readonly bytes: Buffer;
  readonly length: number;
  /** The bytes in groups of four, padded with zeros: written four at a time; the next write overwrites the padding. */
  readonly words: Int32Array;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.length = bytes.length;
    const padded = Buffer.alloc(Math.ceil(bytes.length / 4) * 4);
    bytes.copy(padded);
    this.words = Int32Array.from({ length: padded.length / 4 }, (_, i) => padded.readInt32LE(4 * i));
  }

  static of(text: string): FixedText {
    return new FixedText(Buffer.from(text));
  }
}

/** Writes a JSON string. */
export function writeString(slab: ByteSlab, text: string): void {
  const length = text.length;
  if (length > SHORT_STRING && writeLongString(slab, text)) return;
  slab.reserve(length * 6 + 2);
  const { bytes, view } = slab;
  let at = slab.position;
  bytes[at++] = QUOTE;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    const one = text.charCodeAt(i);
    const two = text.charCodeAt(i + 1);
    const three = text.charCodeAt(i + 2);
    const four = text.charCodeAt(i + 3);
    if ((one | two | three | four) > 127) break;
    if ((PLAIN[one]! & PLAIN[two]! & PLAIN[three]! & PLAIN[four]!) === 0) break;
    view.setInt32(at, one | (two << 8) | (three << 16) | (four << 24), true);
    at += 4;
  }
  for (; i < length; i++) {
    const c = text.charCodeAt(i);
    if (c < 128 && PLAIN[c] === 1) bytes[at++] = c;
    else at = writeUnusual(bytes, at, c);
  }
  bytes[at++] = QUOTE;
  slab.position = at;
}

/** Uses Node's own writers. Returns false, having written nothing, if a character needs an escape. */
function writeLongString(slab: ByteSlab, text: string): boolean {
  const ascii = !NOT_PLAIN_ASCII.test(text);
  if (!ascii && NOT_PLAIN.test(text)) return false;
  slab.reserve((ascii ? text.length : text.length * 3) + 2);
  const bytes = slab.bytes;
  bytes[slab.position++] = QUOTE;
  slab.position += bytes.write(text, slab.position, ascii ? "latin1" : "utf8");
  bytes[slab.position++] = QUOTE;
  return true;
}

function writeUnusual(bytes: Buffer, position: number, c: number): number {
  let at = position;
  const letter = c < 128 ? SHORT_ESCAPES[c]! : 0;
  if (letter !== 0) {
    bytes[at++] = BACKSLASH;
    bytes[at++] = letter;
  } else if (c < 0x20 || (c >= 0xd800 && c <= 0xdfff)) {
    bytes[at++] = BACKSLASH;
    bytes[at++] = 0x75;
    for (let shift = 12; shift >= 0; shift -= 4) bytes[at++] = HEX[(c >> shift) & 15]!;
  } else if (c < 0x800) {
    bytes[at++] = 0xc0 | (c >> 6);
    bytes[at++] = 0x80 | (c & 63);
  } else {
    bytes[at++] = 0xe0 | (c >> 12);
    bytes[at++] = 0x80 | ((c >> 6) & 63);
    bytes[at++] = 0x80 | (c & 63);
  }
  return at;
}

/** Writes ASCII text of our own, which needs no escapes. */
export function writeAscii(slab: ByteSlab, text: string): void {
  const length = text.length;
  slab.reserve(length);
  if (length > SHORT_STRING) {
    slab.position += slab.bytes.write(text, slab.position, "latin1");
    return;
  }
  const bytes = slab.bytes;
  let at = slab.position;
  for (let i = 0; i < length; i++) bytes[at++] = text.charCodeAt(i);
  slab.position = at;
}

/** Writes one ASCII character. */
export function writeByte(slab: ByteSlab, c: number): void {
  slab.reserve(1);
  slab.bytes[slab.position++] = c;
}

export function writeFixed(slab: ByteSlab, text: FixedText): void {
  const length = text.length;
  slab.reserve(length + 3);
  const at = slab.position;
  slab.position = at + length;
  if (length > LONG_FIXED) {
    slab.bytes.set(text.bytes, at);
    return;
  }
  const { words } = text;
  const { view } = slab;
  for (let i = 0; i < words.length; i++) view.setInt32(at + 4 * i, words[i]!, true);
}

/** Writes a safe integer. */
export function writeInteger(slab: ByteSlab, value: number): void {
  slab.reserve(24);
  let rest = value;
  if (rest < 0) {
    slab.bytes[slab.position++] = 0x2d;
    rest = -rest;
  }
  if (rest < 1e9) {
    writeUpTo1e9(slab, rest);
    return;
  }
  const high = Math.floor(rest / 1e9);
  if (high < 1e9) writeUpTo1e9(slab, high);
  writeNineDigits(slab, rest - high * 1e9);
}

const int64 = new BigInt64Array(1);
const words = new Uint16Array(int64.buffer);

/** Writes a 64-bit bigint, divided as 16-bit words: dividing numbers is an order of magnitude cheaper than bigints. */
export function writeInt64(slab: ByteSlab, value: bigint): void {
  slab.reserve(24);
  const negative = value < 0n;
  int64[0] = negative ? -value : value;
  if (negative) slab.bytes[slab.position++] = 0x2d;
  // -2^63 negates to itself, and its words read as unsigned are 2^63, which is correct.
  const low9 = divideWordsBy1e9();
  const middle9 = divideWordsBy1e9();
  const high = words[0]!;
  if (high > 0) {
    writeUpTo1e9(slab, high);
    writeNineDigits(slab, middle9);
    writeNineDigits(slab, low9);
  } else if (middle9 > 0) {
    writeUpTo1e9(slab, middle9);
    writeNineDigits(slab, low9);
  } else {
    writeUpTo1e9(slab, low9);
  }
}

/** Leaves the quotient in `words` (least significant first) and returns the remainder. */
function divideWordsBy1e9(): number {
  let remainder = 0;
  for (let i = 3; i >= 0; i--) {
    const dividend = remainder * 65536 + words[i]!;
    const quotient = Math.floor(dividend / 1e9);
    words[i] = quotient;
    remainder = dividend - quotient * 1e9;
  }
  return remainder;
}

function writeUpTo1e9(slab: ByteSlab, value: number): void {
  const whole = value | 0;
  if (whole >= 100_000_000) {
    writeNineDigits(slab, whole);
    return;
  }
  const high = (whole / 10_000) | 0;
  if (high === 0) {
    writeUpTo1e4(slab, whole);
    return;
  }
  writeUpTo1e4(slab, high);
  slab.view.setInt32(slab.position, FOUR_DIGITS[whole - high * 10_000]!, true);
  slab.position += 4;
}

/** Shifts leading zeros out of the four digits; the next write overwrites the bytes after the last digit. */
function writeUpTo1e4(slab: ByteSlab, value: number): void {
  const length = value < 100 ? (value < 10 ? 1 : 2) : value < 1000 ? 3 : 4;
  slab.view.setInt32(slab.position, FOUR_DIGITS[value]! >>> (32 - 8 * length), true);
  slab.position += length;
}

function writeNineDigits(slab: ByteSlab, value: number): void {
  const whole = value | 0;
  const first = (whole / 100_000_000) | 0;
  const rest = whole - first * 100_000_000;
  const middle = (rest / 10_000) | 0;
  const at = slab.position;
  slab.bytes[at] = 0x30 + first;
  slab.view.setInt32(at + 1, FOUR_DIGITS[middle]!, true);
  slab.view.setInt32(at + 5, FOUR_DIGITS[rest - middle * 10_000]!, true);
  slab.position = at + 9;
}

/** Writes a double in Java's notation; NaN and the infinities as strings. */
export function writeDouble(slab: ByteSlab, value: number): void {
  if (Number.isFinite(value)) writeAscii(slab, javaDouble(value));
  else writeAscii(slab, `"${value}"`);
}

/** Writes a 32-bit float in Java's notation; NaN and the infinities as strings. */
export function writeFloat(slab: ByteSlab, value: number): void {
  const text = javaFloat(value);
  writeAscii(slab, Number.isFinite(Math.fround(value)) ? text : `"${text}"`);
}

const BASE64 = Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", "latin1");
const PADDING = 0x3d;

/** Writes bytes as a string of standard base64 with padding. */
export function writeBase64(slab: ByteSlab, value: Buffer): void {
  const length = value.length;
  slab.reserve(Math.ceil(length / 3) * 4 + 2);
  slab.bytes[slab.position++] = QUOTE;
  if (length > SHORT_STRING) writeAscii(slab, value.toString("base64"));
  else writeShortBase64(slab, value);
  slab.bytes[slab.position++] = QUOTE;
}

function writeShortBase64(slab: ByteSlab, value: Buffer): void {
  const { bytes } = slab;
  const length = value.length;
  let at = slab.position;
  for (let i = 0; i < length; i += 3) {
    const left = length - i;
    const second = left > 1 ? value[i + 1]! : 0;
    const bits = (value[i]! << 16) | (second << 8) | (left > 2 ? value[i + 2]! : 0);
    bytes[at++] = BASE64[bits >> 18]!;
    bytes[at++] = BASE64[(bits >> 12) & 63]!;
    bytes[at++] = left > 1 ? BASE64[(bits >> 6) & 63]! : PADDING;
    bytes[at++] = left > 2 ? BASE64[bits & 63]! : PADDING;
  }
  slab.position = at;
}
