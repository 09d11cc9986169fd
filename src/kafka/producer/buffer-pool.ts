/** Smaller buffers are cheaper to allocate than to keep. */
const MIN_KEPT_BYTES = 64 * 1024;

/** Reuses large buffers: allocating a megabyte costs more than filling it. */
export class BufferPool {
  readonly #free: Buffer[] = [];

  /** @param maxKept the most buffers to keep; @param maxKeptBytes larger buffers are not kept. */
  constructor(
    private readonly maxKept: number,
    private readonly maxKeptBytes: number,
  ) {}

  /** A buffer with arbitrary content; undefined when the pool is empty. */
  take(): Buffer | undefined {
    return this.#free.pop();
  }

  /** Returns a buffer that is no longer in use. */
  give(buffer: Buffer): void {
    const isWorth = buffer.length >= MIN_KEPT_BYTES && buffer.length <= this.maxKeptBytes;
    if (isWorth && this.#free.length < this.maxKept) this.#free.push(buffer);
  }
}
