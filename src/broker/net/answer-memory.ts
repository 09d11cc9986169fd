/** Smaller answers are copied on their way to the socket, and cost little; larger buffers are rare. */
const SMALLEST_BYTES = 64 * 1024;
const LARGEST_BYTES = 4 * 1024 * 1024;
/** Kept for the next answers, over all connections. */
const KEPT_BYTES = 8 * 1024 * 1024;

/**
 * Buffers for the records of answers, used again once a client has taken them. To allocate a megabyte for each partition
 * of each Fetch took almost half the CPU of fetching: in page faults, and in collecting it.
 *
 * A buffer that is not given back is garbage like any other. So an answer whose connection breaks, or that nobody sends,
 * needs no care.
 */
export class AnswerMemory {
  /** Spare buffers by their size, a power of two. */
  readonly #spare = new Map<number, ArrayBuffer[]>();
  readonly #lent = new WeakSet<ArrayBufferLike>();
  #keptBytes = 0;

  /** Bytes of the buffers that are kept. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** A buffer of `length` bytes, with arbitrary content. */
  readonly take = (length: number): Buffer => {
    if (length < SMALLEST_BYTES || length > LARGEST_BYTES) return Buffer.allocUnsafeSlow(length);
    const size = 2 ** Math.ceil(Math.log2(length));
    const spare = this.#spare.get(size)?.pop();
    if (spare) this.#keptBytes -= size;
    const memory = spare ?? Buffer.allocUnsafeSlow(size).buffer;
    this.#lent.add(memory);
    return Buffer.from(memory, 0, length);
  };

  /**
   * Takes back the buffer of which `chunk` is a part; nothing reads it any more. Does nothing with a chunk that is not
   * from here, or was given before.
   */
  give(chunk: Buffer): void {
    const memory = chunk.buffer as ArrayBuffer;
    if (!this.#lent.delete(memory)) return;
    while (this.#keptBytes + memory.byteLength > KEPT_BYTES) if (!this.#dropOther(memory.byteLength)) return;
    this.#keptBytes += memory.byteLength;
    const spare = this.#spare.get(memory.byteLength);
    if (spare) spare.push(memory);
    else this.#spare.set(memory.byteLength, [memory]);
  }

  /** Drops a spare buffer of another size: perhaps nobody asks for it any more. Returns whether there was one. */
  #dropOther(size: number): boolean {
    for (const [other, spare] of this.#spare) {
      if (other === size || !spare.pop()) continue;
      this.#keptBytes -= other;
      return true;
    }
    return false;
  }
}
