import type { FrameMemory } from "./frame-memory.js";

/** A frame whose size is negative or above the limit: the client does not speak Kafka's protocol. */
export class FrameSizeError extends Error {
  override readonly name = "FrameSizeError";
}

/** Smaller chunks of a frame are copied into blocks: each has some hundred bytes of its own. */
const SMALL_CHUNK_BYTES = 4 * 1024;
const BLOCK_BYTES = 16 * 1024;

/**
 * Cuts a byte stream into frames (`size:i32`, then so many bytes). Keeps the chunks as received and joins them only for
 * a frame that spans several. Memory is never allocated for announced bytes, only for received ones. The client has a
 * cutter of its own: docs/decisions/frame-cutters.md.
 */
export class FrameReader {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  /** The shared memory that holds the last frame, if it was joined there. */
  #joined: Buffer | undefined;
  /** The block at the end of the chunks, filled up to `#blockUsed`. */
  #block: Buffer | undefined;
  #blockUsed = 0;

  /**
   * @param isReleased whether the caller will release a frame that begins with this int16 (a request's API key). Only
   * such a frame is joined in shared memory; a parked one would occupy it for minutes.
   * @param limitOf the largest frame that begins with these two int16 (a request's API key and version).
   */
  constructor(
    private readonly maxFrameBytes: number,
    private readonly memory: FrameMemory,
    private readonly isReleased: (key: number) => boolean = () => true,
    private readonly limitOf: (key: number, version: number) => number = () => maxFrameBytes,
  ) {}

  /** Bytes received and not yet returned by `next`. */
  get bufferedBytes(): number {
    return this.#bytes;
  }

  /** The int16 with which the next frame begins, a request's API key; undefined until it has arrived. */
  get nextKey(): number | undefined {
    return this.#bytes < 6 ? undefined : this.#peek(6).readInt16BE(4);
  }

  push(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (chunk.length >= SMALL_CHUNK_BYTES || this.#chunks.length === 0) this.#chunks.push(chunk);
    else this.#append(chunk);
  }

  /** The next whole frame, without its size; undefined until all of it has arrived. @throws FrameSizeError */
  next(): Buffer | undefined {
    if (this.#bytes < 4) return undefined;
    const size = this.#peek(4).readInt32BE(0);
    requireSize(size, this.maxFrameBytes);
    // As soon as the request is known, before the rest of a frame that is too large for it arrives.
    if (size >= 4 && this.#bytes >= 8) {
      const head = this.#peek(8);
      requireSize(size, this.limitOf(head.readInt16BE(4), head.readInt16BE(6)));
    }
    if (this.#bytes < 4 + size) return undefined;
    return this.#take(4 + size).subarray(4);
  }

  /** The caller is done with the last frame: its memory may be reused. */
  release(): void {
    if (this.#joined) this.memory.give(this.#joined);
    this.#joined = undefined;
  }

  /** Copies a small chunk to the end of the last one, if there is room, or into a block of its own. */
  #append(chunk: Buffer): void {
    const last = this.#chunks.at(-1)!;
    const block = this.#block;
    const isOpen = block !== undefined && last.buffer === block.buffer;
    if (isOpen && this.#blockUsed + chunk.length <= block.length) {
      chunk.copy(block, this.#blockUsed);
      this.#blockUsed += chunk.length;
      const start = last.byteOffset - block.byteOffset;
      this.#chunks[this.#chunks.length - 1] = block.subarray(start, this.#blockUsed);
      return;
    }
    this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    chunk.copy(this.#block, 0);
    this.#blockUsed = chunk.length;
    this.#chunks.push(this.#block.subarray(0, this.#blockUsed));
  }

  /** At least the next `length` bytes, which have arrived, without consuming them. No chunk is empty. */
  #peek(length: number): Buffer {
    const first = this.#chunks[0]!;
    return first.length >= length ? first : Buffer.concat(this.#chunks.slice(0, length), length);
  }

  /** Consumes a frame. @param length including its size field. */
  #take(length: number): Buffer {
    this.#bytes -= length;
    this.#joined = undefined;
    const first = this.#chunks[0]!;
    if (first.length === length) {
      this.#chunks.shift();
      return first;
    }
    if (first.length > length) {
      this.#chunks[0] = first.subarray(length);
      return first.subarray(0, length);
    }
    const shares = length >= 6 && this.isReleased(this.#peek(6).readInt16BE(4));
    if (shares) this.#joined = this.memory.take(length);
    const joined = this.#joined?.subarray(0, length) ?? Buffer.allocUnsafeSlow(length);
    let filled = 0;
    let used = 0;
    for (const chunk of this.#chunks) {
      const wanted = Math.min(chunk.length, length - filled);
      chunk.copy(joined, filled, 0, wanted);
      filled += wanted;
      if (wanted < chunk.length) {
        this.#chunks[used] = chunk.subarray(wanted);
        break;
      }
      used++;
      if (filled === length) break;
    }
    this.#chunks.splice(0, used);
    return joined;
  }
}

function requireSize(size: number, limit: number): void {
  if (size >= 0 && size <= limit) return;
  throw new FrameSizeError(`A frame of ${size} bytes; at most ${limit} are allowed for it (socket.request.max.bytes)`);
}
