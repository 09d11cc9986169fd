import { crc32, deflateRawSync, constants as zlib } from "node:zlib";
import { CHUNK_BYTES, type ChunkPool, FIRST_CHUNK_BYTES } from "./chunk-pool.js";
import type { RowDigest } from "./existing-object.js";

/** Turns the rows of an open file into the bytes of its object. */
export interface Compression {
  /** Copies the row, or compresses it. */
  write(row: Buffer): void;
  /** Ends the object. Called again after a failed upload, it does nothing. */
  finish(): void;
  /** The digest of the rows; undefined where the object's bytes are the rows. */
  readonly rows: RowDigest | undefined;
  release(): void;
}

/** No compression: the rows unchanged. */
export class NoCompression implements Compression {
  readonly rows = undefined;

  constructor(private readonly output: (bytes: Buffer) => void) {}

  write(row: Buffer): void {
    this.output(row);
  }

  finish(): void {}

  release(): void {}
}

// ID, deflate, no flags, no time, no extra flags, unknown system: equal rows always compress to equal bytes.
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
/** An empty final block. */
const LAST_BLOCK = Buffer.from([3, 0]);

/**
 * One gzip member, deflated in blocks of 64 KiB that do not refer back to each other. A compressor per open file would
 * hold some 260 KiB each; this holds rows of at most one block between writes, and none of zlib's state.
 */
export class GzipCompression implements Compression {
  #staged: Buffer | undefined;
  #stagedBytes = 0;
  #rawBytes = 0;
  #crc = 0;
  #finished = false;

  constructor(
    private readonly level: number,
    private readonly pool: ChunkPool,
    private readonly output: (bytes: Buffer) => void,
  ) {}

  get rows(): RowDigest {
    return { length: this.#rawBytes, crc32: this.#crc };
  }

  write(row: Buffer): void {
    let at = 0;
    while (at < row.length) {
      const staged = this.#room(row.length - at);
      const copied = row.copy(staged, this.#stagedBytes, at);
      this.#stagedBytes += copied;
      at += copied;
      if (this.#stagedBytes === CHUNK_BYTES) this.#deflate();
    }
  }

  finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#deflate();
    if (this.#rawBytes === 0) this.output(HEADER);
    this.output(LAST_BLOCK);
    const trailer = Buffer.allocUnsafe(8);
    trailer.writeUInt32LE(this.#crc, 0);
    trailer.writeUInt32LE(this.#rawBytes % 2 ** 32, 4);
    this.output(trailer);
    this.release();
  }

  release(): void {
    if (this.#staged) this.pool.giveBack(this.#staged);
    this.#staged = undefined;
    this.#stagedBytes = 0;
  }

  #room(wanted: number): Buffer {
    const small = this.#staged;
    if (small && (small.length === CHUNK_BYTES || this.#stagedBytes + wanted <= small.length)) return small;
    this.#staged = this.pool.take(this.#stagedBytes + wanted <= FIRST_CHUNK_BYTES ? FIRST_CHUNK_BYTES : CHUNK_BYTES);
    if (small) {
      small.copy(this.#staged, 0, 0, this.#stagedBytes);
      this.pool.giveBack(small);
    }
    return this.#staged;
  }

  #deflate(): void {
    if (!this.#staged || this.#stagedBytes === 0) return;
    const raw = this.#staged.subarray(0, this.#stagedBytes);
    if (this.#rawBytes === 0) this.output(HEADER);
    this.output(deflateRawSync(raw, { level: this.level, finishFlush: zlib.Z_SYNC_FLUSH }));
    this.#crc = crc32(raw, this.#crc);
    this.#rawBytes += raw.length;
    this.#stagedBytes = 0;
  }
}
