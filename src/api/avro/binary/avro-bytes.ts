import type { ByteSlab } from "../../values/byte-slab.js";

// Writes Avro's binary encoding: numbers as zig-zag varints, texts and bytes after their length.

const SHORT_TEXT = 64;
const SIXTY_FOUR = new BigInt64Array(1);
const HALVES = new Int32Array(SIXTY_FOUR.buffer);
const TWO_32 = 2 ** 32;

/** Writes an int, or a long within 32 bits. */
export function writeInt(slab: ByteSlab, value: number): void {
  slab.reserve(5);
  const bytes = slab.bytes;
  let at = slab.position;
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  while (rest > 127) {
    bytes[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  slab.position = at;
}

/** Writes a long. `value` is a safe integer, or a bigint of at most 64 bits. */
export function writeLong(slab: ByteSlab, value: number | bigint): void {
  if (typeof value === "number") {
    if ((value | 0) === value) writeInt(slab, value);
    else writeHalves(slab, Math.floor(value / TWO_32) | 0, value | 0);
    return;
  }
  SIXTY_FOUR[0] = value;
  writeHalves(slab, HALVES[1]!, HALVES[0]!);
}

function writeHalves(slab: ByteSlab, high: number, low: number): void {
  const sign = high >> 31;
  let upper = (((high << 1) | (low >>> 31)) ^ sign) >>> 0;
  let lower = ((low << 1) ^ sign) >>> 0;
  slab.reserve(10);
  const bytes = slab.bytes;
  let at = slab.position;
  while (upper !== 0) {
    bytes[at++] = (lower & 127) | 128;
    lower = ((lower >>> 7) | (upper << 25)) >>> 0;
    upper >>>= 7;
  }
  while (lower > 127) {
    bytes[at++] = (lower & 127) | 128;
    lower >>>= 7;
  }
  bytes[at++] = lower;
  slab.position = at;
}

/** Writes a text in UTF-8 after its length in bytes. */
export function writeText(slab: ByteSlab, text: string): void {
  const length = text.length;
  if (length >= SHORT_TEXT) {
    writeLongText(slab, text);
    return;
  }
  // A short text's length takes one byte if all its characters do.
  slab.reserve(length + 1);
  const bytes = slab.bytes;
  const start = slab.position;
  let at = start + 1;
  for (let i = 0; i < length; i++) {
    const c = text.charCodeAt(i);
    if (c > 127) {
      writeLongText(slab, text);
      return;
    }
    bytes[at++] = c;
  }
  bytes[start] = length << 1;
  slab.position = at;
}

function writeLongText(slab: ByteSlab, text: string): void {
  slab.reserve(text.length * 3 + 5);
  const start = slab.position;
  // The length in bytes is known afterwards; until then, as many bytes are left for it as ASCII would need.
  const guessed = start + lengthOfInt(text.length);
  const size = slab.bytes.write(text, guessed, "utf8");
  const begin = start + lengthOfInt(size);
  if (begin !== guessed) slab.bytes.copyWithin(begin, guessed, guessed + size);
  writeInt(slab, size);
  slab.position = begin + size;
}

/** The bytes that a count takes. */
function lengthOfInt(count: number): number {
  let length = 1;
  for (let rest = count >>> 6; rest > 0; rest >>>= 7) length++;
  return length;
}

/** Writes bytes after their length. */
export function writeBytes(slab: ByteSlab, value: Buffer): void {
  slab.reserve(value.length + 5);
  writeInt(slab, value.length);
  writeRaw(slab, value);
}

/** Writes bytes as they are. */
export function writeRaw(slab: ByteSlab, value: Buffer): void {
  slab.reserve(value.length);
  value.copy(slab.bytes, slab.position);
  slab.position += value.length;
}

export function writeFloat32(slab: ByteSlab, value: number): void {
  slab.reserve(4);
  slab.view.setFloat32(slab.position, value, true);
  slab.position += 4;
}

export function writeFloat64(slab: ByteSlab, value: number): void {
  slab.reserve(8);
  slab.view.setFloat64(slab.position, value, true);
  slab.position += 8;
}

/** Writes one byte: a boolean, or the index of a union's branch below 64, doubled. */
export function writeOctet(slab: ByteSlab, value: number): void {
  slab.reserve(1);
  slab.bytes[slab.position++] = value;
}
