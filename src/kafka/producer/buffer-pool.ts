/** Smaller buffers are cheaper to allocate than to keep. */
const MIN_KEPT_BYTES = 64 * 1024;

/** Reuses large buffers: allocating a megabyte costs more than filling it. */
export class BufferPool {
  readonly #free: Buffer[] = [];
  #freeBytes = 0;

  /** @param limitBytes the most bytes to keep; @param maxBufferBytes larger buffers are not kept. */
  constructor(
    private readonly limitBytes: number,
    private readonly maxBufferBytes: number,
  ) {}

  /** A buffer with arbitrary content; undefined when the pool is empty. */
  take(): Buffer | undefined {
    const buffer = this.#free.pop();
    if (buffer) this.#freeBytes -= buffer.length;
    return buffer;
  }

  /** Returns a buffer that is no longer in use. */
  give(buffer: Buffer): void {
    const isWorth = buffer.length >= MIN_KEPT_BYTES && buffer.length <= this.maxBufferBytes;
    if (!isWorth || this.#freeBytes + buffer.length > this.limitBytes) return;
    this.#free.push(buffer);
    this.#freeBytes += buffer.length;
  }
}
