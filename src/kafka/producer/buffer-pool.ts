/** Smaller buffers are cheaper to make than to keep. */
const MIN_KEPT_BYTES = 64 * 1024;

/** Large buffers that are used again: making one of a megabyte costs more than filling it. */
export class BufferPool {
  readonly #free: Buffer[] = [];

  /** @param maxKept how many are kept at most; @param maxKeptBytes larger ones are let go. */
  constructor(
    private readonly maxKept: number,
    private readonly maxKeptBytes: number,
  ) {}

  /** A buffer with any content, or undefined when none is kept. */
  take(): Buffer | undefined {
    return this.#free.pop();
  }

  /** Nobody reads or writes `buffer` any more. */
  give(buffer: Buffer): void {
    const isWorth = buffer.length >= MIN_KEPT_BYTES && buffer.length <= this.maxKeptBytes;
    if (isWorth && this.#free.length < this.maxKept) this.#free.push(buffer);
  }
}
