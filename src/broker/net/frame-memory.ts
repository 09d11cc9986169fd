/** Larger buffers are not kept: such frames are rare. */
const KEPT_BYTES = 4 * 1024 * 1024;

/** One buffer to join frames in, shared by all connections: only one frame is served at any moment. */
export class FrameMemory {
  #spare: Buffer | undefined;

  /** Returns a buffer of at least `length` bytes, with arbitrary content. */
  take(length: number): Buffer {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare && spare.length >= length ? spare : Buffer.allocUnsafeSlow(length);
  }

  /** Returns `memory` for reuse. The caller no longer reads or writes it. */
  give(memory: Buffer): void {
    const isLarger = memory.length > (this.#spare?.length ?? 0);
    if (isLarger && memory.length <= KEPT_BYTES) this.#spare = memory;
  }
}
