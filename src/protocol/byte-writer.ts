/** Smaller buffers are copied; others become chunks of their own. */
const COPY_BELOW = 1024;

/**
 * Writes Kafka's primitive types. The result is a list of chunks. Large buffers of the caller become chunks without a
 * copy, so they must not change until the chunks are sent.
 */
export class ByteWriter {
  #buffer: Buffer;
  #start = 0;
  #position = 0;
  #chunks: Buffer[] = [];
  #chunkBytes = 0;

  constructor(initialBytes = 256) {
    this.#buffer = Buffer.allocUnsafe(initialBytes);
  }

  /** Bytes written so far, including buffers that were not copied. */
  get length(): number {
    return this.#chunkBytes + this.#position - this.#start;
  }

  i8(value: number): void {
    const at = this.#reserve(1);
    this.#buffer[at] = value;
  }

  i16(value: number): void {
    const at = this.#reserve(2);
    this.#buffer.writeInt16BE(value, at);
  }

  i32(value: number): void {
    const at = this.#reserve(4);
    this.#buffer.writeInt32BE(value, at);
  }

  u32(value: number): void {
    const at = this.#reserve(4);
    this.#buffer.writeUInt32BE(value, at);
  }

  i64(value: number): void {
    const at = this.#reserve(8);
    writeInt64(this.#buffer, value, at);
  }

  f64(value: number): void {
    const at = this.#reserve(8);
    this.#buffer.writeDoubleBE(value, at);
  }

  bool(value: boolean): void {
    this.i8(value ? 1 : 0);
  }

  uuid(value: string): void {
    const at = this.#reserve(16);
    this.#buffer.write(value, at, 16, "base64url");
  }

  uvarint(value: number): void {
    let rest = value;
    let at = this.#reserve(5);
    for (; rest > 0x7f; rest >>>= 7) this.#buffer[at++] = (rest & 0x7f) | 0x80;
    this.#buffer[at++] = rest;
    this.#position = at;
  }

  utf8(value: string, byteLength: number): void {
    const at = this.#reserve(byteLength);
    this.#buffer.write(value, at, byteLength, "utf8");
  }

  /** Copies a small buffer; keeps a reference to a large one. */
  bytes(value: Buffer): void {
    if (value.length < COPY_BELOW) {
      const at = this.#reserve(value.length);
      this.#buffer.set(value, at);
      return;
    }
    this.#seal();
    this.#chunks.push(value);
    this.#chunkBytes += value.length;
  }

  /** Everything written, in order. The writer must not be used afterwards. */
  finish(): Buffer[] {
    this.#seal();
    return this.#chunks;
  }

  #seal(): void {
    if (this.#position === this.#start) return;
    this.#chunks.push(this.#buffer.subarray(this.#start, this.#position));
    this.#chunkBytes += this.#position - this.#start;
    this.#start = this.#position;
  }

  #reserve(bytes: number): number {
    const at = this.#position;
    if (at + bytes <= this.#buffer.length) {
      this.#position = at + bytes;
      return at;
    }
    const pending = this.#position - this.#start;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, pending + bytes));
    grown.set(this.#buffer.subarray(this.#start, this.#position));
    this.#buffer = grown;
    this.#start = 0;
    this.#position = pending + bytes;
    return pending;
  }
}

/** Writes a safe integer as 64 bits, big endian. */
export function writeInt64(buffer: Buffer, value: number, at: number): void {
  const high = Math.floor(value / 2 ** 32);
  buffer.writeInt32BE(high, at);
  buffer.writeUInt32BE(value - high * 2 ** 32, at + 4);
}
