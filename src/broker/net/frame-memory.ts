/** Larger frames are rare, and their memory is let go. */
const KEPT_BYTES = 4 * 1024 * 1024;

/** Memory to join frames in, used again by all connections: only one of them is served at any moment. */
export class FrameMemory {
  #spare: Buffer | undefined;

  /** At least `length` bytes, with any content. */
  take(length: number): Buffer {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare && spare.length >= length ? spare : Buffer.allocUnsafeSlow(length);
  }

  /** Nobody reads or writes `memory` any more. */
  give(memory: Buffer): void {
    const isLarger = memory.length > (this.#spare?.length ?? 0);
    if (isLarger && memory.length <= KEPT_BYTES) this.#spare = memory;
  }
}
