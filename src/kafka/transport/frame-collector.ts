/** Memory for a larger frame is not allocated at once: the peer may not speak Kafka's protocol at all. */
const TRUSTED_BYTES = 16 * 1024 * 1024;
const SIZE_BYTES = 4;

/**
 * Splits a broker's answers into frames (`size:i32`, then that many bytes). Each is copied once, into memory of its
 * exact size; the input may be overwritten afterwards. The broker has a cutter of its own: docs/decisions/frame-cutters.md.
 */
export class FrameCollector {
  readonly #size = Buffer.alloc(SIZE_BYTES);
  #frame: Buffer = this.#size;
  #wanted = SIZE_BYTES;
  #filled = 0;

  /** @param take receives each frame, including its size field, and owns its memory. */
  constructor(private readonly take: (frame: Buffer) => void) {}

  /** Adds the next bytes of the connection. */
  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const count = Math.min(this.#wanted - this.#filled, bytes.length - at);
      this.#reserve(this.#filled + count);
      this.#frame.set(bytes.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled === this.#wanted) this.#advance();
    }
  }

  #advance(): void {
    if (this.#frame === this.#size) {
      this.#wanted = SIZE_BYTES + Math.max(0, this.#size.readInt32BE(0));
      this.#frame = Buffer.allocUnsafe(Math.min(this.#wanted, TRUSTED_BYTES));
      this.#size.copy(this.#frame);
      if (this.#filled < this.#wanted) return;
    }
    const frame = this.#frame;
    this.#frame = this.#size;
    this.#wanted = SIZE_BYTES;
    this.#filled = 0;
    this.take(frame);
  }

  #reserve(length: number): void {
    if (length <= this.#frame.length) return;
    const larger = Buffer.allocUnsafe(Math.min(this.#wanted, this.#frame.length * 2));
    this.#frame.copy(larger, 0, 0, this.#filled);
    this.#frame = larger;
  }
}
