import type { FrameMemory } from "./frame-memory.js";

/** A frame whose size is negative or beyond the limit: whoever sends that does not speak Kafka. */
export class FrameSizeError extends Error {
  override readonly name = "FrameSizeError";
}

/**
 * Cuts a byte stream into frames (`size:i32`, then so many bytes). Holds the chunks as they came and joins them only
 * for a frame that spans several; memory is never set aside for bytes that have only been announced.
 */
export class FrameReader {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  /** The memory of the last frame, if it was joined. */
  #joined: Buffer | undefined;

  constructor(
    private readonly maxFrameBytes: number,
    private readonly memory: FrameMemory,
  ) {}

  /** Bytes that came and were not taken yet. */
  get bufferedBytes(): number {
    return this.#bytes;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** The next whole frame, without its size; undefined until it is all there. @throws FrameSizeError */
  next(): Buffer | undefined {
    if (this.#bytes < 4) return undefined;
    const size = this.#peekSize();
    if (size < 0 || size > this.maxFrameBytes) {
      throw new FrameSizeError(
        `A frame of ${size} bytes; at most ${this.maxFrameBytes} are allowed (socket.request.max.bytes)`,
      );
    }
    if (this.#bytes < 4 + size) return undefined;
    return this.#take(4 + size).subarray(4);
  }

  /** Nobody reads the last frame any more: the next one that is joined may take its memory. */
  release(): void {
    if (this.#joined) this.memory.give(this.#joined);
    this.#joined = undefined;
  }

  #peekSize(): number {
    const first = this.#chunks[0]!;
    if (first.length >= 4) return first.readInt32BE(0);
    const head = Buffer.concat(this.#chunks.slice(0, 4)).subarray(0, 4);
    return head.readInt32BE(0);
  }

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
    const memory = this.memory.take(length);
    const joined = memory.subarray(0, length);
    this.#joined = memory;
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
