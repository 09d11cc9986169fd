import { MalformedError } from "./malformed-error.js";

/** Zero, as Kafka prints a uuid: 22 characters of base64url. Stands for "no topic id". */
export const ZERO_UUID = "AAAAAAAAAAAAAAAAAAAAAA";

/**
 * Longest string of the protocol, in bytes of UTF-8. Classic lengths have 16 bits. Compact lengths can be larger, and
 * Kafka refuses those when it reads and when it writes.
 */
export const MAX_STRING_BYTES = 0x7fff;

/** The most elements that all arrays of a message may have: decoded, each takes a hundred times its bytes. */
const MAX_ELEMENTS = 1_000_000;

const MAX_SAFE_HIGH = 0x1fffff;

/**
 * Reads Kafka's primitive types from a Buffer, front to back. Every read is checked against the end. A length or count
 * is checked against the remaining bytes before anything is allocated for it, so hostile input costs no memory.
 *
 * 64-bit integers are read as numbers. Values beyond 2^53 become the nearest safe integer, which is still "after the
 * end of the log" or "later than every record".
 *
 * @throws MalformedError from every method when the bytes end early or contradict themselves.
 */
export class ByteReader {
  readonly buffer: Buffer;
  /** Index of the next byte. */
  position: number;
  readonly end: number;
  #elements = 0;

  constructor(buffer: Buffer, start = 0, end = buffer.length) {
    this.buffer = buffer;
    this.position = start;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  i8(): number {
    return this.buffer.readInt8(this.#advance(1));
  }

  i16(): number {
    return this.buffer.readInt16BE(this.#advance(2));
  }

  i32(): number {
    return this.buffer.readInt32BE(this.#advance(4));
  }

  u32(): number {
    return this.buffer.readUInt32BE(this.#advance(4));
  }

  i64(): number {
    const at = this.#advance(8);
    return safeInt64(this.buffer.readInt32BE(at), this.buffer.readUInt32BE(at + 4));
  }

  f64(): number {
    return this.buffer.readDoubleBE(this.#advance(8));
  }

  bool(): boolean {
    return this.buffer[this.#advance(1)] !== 0;
  }

  uuid(): string {
    const at = this.#advance(16);
    return this.buffer.toString("base64url", at, at + 16);
  }

  /** Base-128, low bits first, at most 32 bits. */
  uvarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer[this.#advance(1)]!;
      if (shift === 28 && byte > 0x0f) break;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new MalformedError(`A varint ending at byte ${this.position} is longer than 32 bits`);
  }

  /** Zigzag, 32 bits. */
  varint(): number {
    const raw = this.uvarint();
    return (raw >>> 1) ^ -(raw & 1);
  }

  /** Zigzag, 64 bits. */
  varlong(): number {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.buffer[this.#advance(1)]!;
      const bits = byte & 0x7f;
      if (shift < 28) low += bits * 2 ** shift;
      else if (shift === 63 && bits > 1) break;
      else high += bits * 2 ** (shift - 28);
      if (byte < 0x80) return zigzagDecode(low, high);
    }
    throw new MalformedError(`A varlong ending at byte ${this.position} is longer than 64 bits`);
  }

  /** `length` bytes as a slice of the buffer. */
  slice(length: number): Buffer {
    const at = this.#advance(length);
    return this.buffer.subarray(at, at + length);
  }

  /** A reader of the next `length` bytes; this reader continues after them. */
  sub(length: number): ByteReader {
    const at = this.#advance(length);
    return new ByteReader(this.buffer, at, at + length);
  }

  utf8(length: number): string {
    const at = this.#advance(length);
    return this.buffer.toString("utf8", at, at + length);
  }

  /**
   * A string of the protocol. A string that could not be written again is refused here, while its sender still waits
   * for an answer; once stored, it would fail each answer that includes it. Invalid UTF-8 can grow: each bad byte
   * becomes the three bytes of U+FFFD.
   */
  string(length: number): string {
    const text = length > MAX_STRING_BYTES ? undefined : this.utf8(length);
    const grows = text !== undefined && length * 3 > MAX_STRING_BYTES;
    if (text === undefined || (grows && Buffer.byteLength(text) > MAX_STRING_BYTES)) {
      throw new MalformedError(`A string of ${length} bytes is longer than ${MAX_STRING_BYTES} in UTF-8`);
    }
    return text;
  }

  /** Returns `count` if that many elements of at least `minimumBytes` fit in the remaining bytes. */
  count(count: number, minimumBytes: number): number {
    if (count < 0 || count * minimumBytes > this.remaining) {
      throw new MalformedError(`${count} elements cannot stand in the ${this.remaining} bytes left`);
    }
    return count;
  }

  /** The same for the elements of an array, of which each becomes a value of its own. */
  elements(count: number, minimumBytes: number): number {
    this.#elements += this.count(count, minimumBytes);
    if (this.#elements > MAX_ELEMENTS) {
      throw new MalformedError(`More than ${MAX_ELEMENTS} elements of arrays in one message`);
    }
    return count;
  }

  /** Skips a section of tagged fields. */
  skipTags(): void {
    for (let left = this.count(this.uvarint(), 2); left > 0; left--) {
      this.uvarint();
      this.#advance(this.uvarint());
    }
  }

  #advance(bytes: number): number {
    const at = this.position;
    if (bytes < 0 || bytes > this.end - at) {
      throw new MalformedError(`${bytes} bytes wanted at byte ${at}, but the data ends at byte ${this.end}`);
    }
    this.position = at + bytes;
    return at;
  }
}

/** A 64-bit integer from its signed high and unsigned low word, clamped to the safe integers. */
export function safeInt64(high: number, low: number): number {
  if (high > MAX_SAFE_HIGH) return Number.MAX_SAFE_INTEGER;
  if (high < -MAX_SAFE_HIGH - 1) return Number.MIN_SAFE_INTEGER;
  return high * 2 ** 32 + low;
}

/** @param low the low 28 bits; @param high the bits above them. */
function zigzagDecode(low: number, high: number): number {
  const negative = (low & 1) === 1;
  const half = high * 2 ** 27 + (low >>> 1);
  const magnitude = half > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : half;
  return negative ? Math.max(Number.MIN_SAFE_INTEGER, -magnitude - 1) : magnitude;
}
