import type { FrameMemory } from "./frame-memory.js";

/** A frame whose size is negative or above the limit: the client does not speak Kafka's protocol. */
export class FrameSizeError extends Error {
  override readonly name = "FrameSizeError";
}

/**
 * Cuts a byte stream into frames (`size:i32`, then so many bytes). Keeps the chunks as received and joins them only for
 * a frame that spans several. Memory is never allocated for announced bytes, only for received ones.
 */
export class FrameReader {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  /** The shared memory that holds the last frame, if it was joined there. */
  #joined: Buffer | undefined;

  /**
   * @param isReleased whether the caller will release a frame that begins with this int16 (a request's API key). Only
   * such a frame is joined in shared memory; a parked one would occupy it for minutes.
   */
  constructor(
    private readonly maxFrameBytes: number,
    private readonly memory: FrameMemory,
    private readonly isReleased: (key: number) => boolean = () => true,
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
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** The next whole frame, without its size; undefined until all of it has arrived. @throws FrameSizeError */
  next(): Buffer | undefined {
    if (this.#bytes < 4) return undefined;
    const size = this.#peek(4).readInt32BE(0);
    if (size < 0 || size > this.maxFrameBytes) {
      throw new FrameSizeError(
        `A frame of ${size} bytes; at most ${this.maxFrameBytes} are allowed (socket.request.max.bytes)`,
      );
    }
    if (this.#bytes < 4 + size) return undefined;
    return this.#take(4 + size).subarray(4);
  }

  /** The caller is done with the last frame: its memory may be reused. */
  release(): void {
    if (this.#joined) this.memory.give(this.#joined);
    this.#joined = undefined;
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
