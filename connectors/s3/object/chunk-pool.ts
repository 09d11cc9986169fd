/** Chunk sizes in bytes. The first is small, so that a file of a few records costs little; each next one is twice it. */
export const FIRST_CHUNK_BYTES = 1024;
export const CHUNK_BYTES = 64 * 1024;

/** Freed chunks to keep: those left to the garbage collector would stay in memory for a while anyway. */
const KEPT_FREE_BYTES = 16 * 1024 * 1024;

/** Memory for all open files of a task: counts what is held and keeps a few freed chunks for the next file. */
export class ChunkPool {
  #heldBytes = 0;
  #peakBytes = 0;
  /** By size. */
  readonly #free = new Map<number, Buffer[]>();
  #freeBytes = 0;

  /** Bytes of all chunks that are in use. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** The most that was ever in use. */
  get peakBytes(): number {
    return this.#peakBytes;
  }

  take(bytes: number): Buffer {
    this.#heldBytes += bytes;
    if (this.#heldBytes > this.#peakBytes) this.#peakBytes = this.#heldBytes;
    const free = this.#free.get(bytes)?.pop();
    if (free) this.#freeBytes -= bytes;
    return free ?? Buffer.allocUnsafeSlow(bytes);
  }

  /** Nothing may use the chunk any more, a running request included. */
  giveBack(chunk: Buffer): void {
    const { length } = chunk;
    this.#heldBytes -= length;
    if (this.#freeBytes + length > KEPT_FREE_BYTES) return;
    this.#freeBytes += length;
    const free = this.#free.get(length);
    if (free) free.push(chunk);
    else this.#free.set(length, [chunk]);
  }
}
