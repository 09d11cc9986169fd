import { isUtf8 } from "node:buffer";
import { DataError } from "../../errors.js";

const SIXTY_FOUR = new BigInt64Array(1);
const HALVES = new Int32Array(SIXTY_FOUR.buffer);
const TWO_28 = 2 ** 28;
/** Below it, all 53 bits of an unsigned number are exact, with the 28 lower ones apart. */
const SAFE_UPPER = 2 ** 25;
const SHORT_TEXT = 24;

/**
 * Reads Avro's binary encoding. All methods throw DataError RECORD_MALFORMED at bytes that end too early, or are not in
 * this encoding.
 */
export class AvroCursor {
  at = 0;

  constructor(readonly bytes: Buffer) {}

  get remaining(): number {
    return this.bytes.length - this.at;
  }

  /** An int. */
  int(): number {
    const value = this.long();
    if (typeof value === "number" && (value | 0) === value) return value;
    throw malformed("an int has more than 32 bits");
  }

  /** A long: a number when safe, otherwise a bigint. */
  long(): number | bigint {
    const bytes = this.bytes;
    let byte = this.#octet();
    if (byte < 128) return (byte >>> 1) ^ -(byte & 1);
    let lower = byte & 127;
    for (let shift = 7; shift < 28; shift += 7) {
      byte = bytes[this.at++]!;
      lower |= (byte & 127) << shift;
      if (byte < 128) return (lower >>> 1) ^ -(lower & 1);
    }
    return this.#longer(lower);
  }

  /** @param lower the first 28 bits, which are not all. */
  #longer(lower: number): number | bigint {
    let upper = 0;
    let highest = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#octet();
      if (shift < 28) upper |= (byte & 127) << shift;
      else highest |= (byte & 127) << (shift - 28);
      if (byte < 128) break;
      if (shift === 35) throw malformed("a number has more than ten bytes");
    }
    if (highest > 255) throw malformed("a long has more than 64 bits");
    if (highest === 0 && upper < SAFE_UPPER) {
      const unsigned = upper * TWO_28 + lower;
      return (lower & 1) === 0 ? unsigned / 2 : -(unsigned + 1) / 2;
    }
    const low = lower | (upper << 28);
    const high = (upper >>> 4) | (highest << 24);
    const sign = -(low & 1);
    HALVES[0] = ((low >>> 1) | (high << 31)) ^ sign;
    HALVES[1] = (high >>> 1) ^ sign;
    const value = SIXTY_FOUR[0]!;
    return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value;
  }

  /** The length of a text, of bytes, or the index of a branch or symbol. */
  count(): number {
    const count = this.long();
    if (typeof count === "number" && count >= 0) return count;
    throw malformed("a length or index is negative");
  }

  boolean(): boolean {
    const byte = this.#octet();
    if (byte > 1) throw malformed("a boolean is neither 0 nor 1");
    return byte === 1;
  }

  float(): number {
    const at = this.#take(4);
    return this.bytes.readFloatLE(at);
  }

  double(): number {
    const at = this.#take(8);
    return this.bytes.readDoubleLE(at);
  }

  text(): string {
    const length = this.count();
    const start = this.#take(length);
    const bytes = this.bytes;
    if (length <= SHORT_TEXT) {
      let text = "";
      let at = start;
      for (; at < start + length; at++) {
        const byte = bytes[at]!;
        if (byte > 127) break;
        text += String.fromCharCode(byte);
      }
      if (at === start + length) return text;
    }
    const text = bytes.toString("utf8", start, start + length);
    if (text.includes("\ufffd") && !isUtf8(bytes.subarray(start, start + length))) {
      throw malformed("a text is not UTF-8");
    }
    return text;
  }

  /** Bytes after their length, copied: the cursor's own may be reused. */
  blob(): Buffer {
    return this.raw(this.count());
  }

  /** `length` bytes, copied. */
  raw(length: number): Buffer {
    const at = this.#take(length);
    return Buffer.from(this.bytes.subarray(at, at + length));
  }

  /** The size of the next block of an array or map; 0 at its end. */
  block(): number {
    let count = this.long();
    if (typeof count === "number" && count < 0) {
      count = -count;
      this.long(); // Its size in bytes, for readers that skip it.
    }
    if (typeof count === "number" && (count <= this.remaining || count <= MOST_EMPTY_ITEMS)) return count;
    throw malformed("a block has more items than bytes");
  }

  /** The record must be over. */
  end(): void {
    if (this.at > this.bytes.length) throw tooShort();
    if (this.at < this.bytes.length) throw malformed(`${this.remaining} bytes follow the value`);
  }

  #octet(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) throw tooShort();
    return byte;
  }

  #take(length: number): number {
    const at = this.at;
    if (at + length > this.bytes.length) throw tooShort();
    this.at = at + length;
    return at;
  }
}

/** Items that take no bytes (of nulls, or records without fields) are limited by this alone. */
const MOST_EMPTY_ITEMS = 100_000;

function tooShort(): DataError {
  return malformed("it ends within a value");
}

export function malformed(what: string): DataError {
  return new DataError("RECORD_MALFORMED", `The bytes are no Avro of the writer's schema: ${what}`);
}
