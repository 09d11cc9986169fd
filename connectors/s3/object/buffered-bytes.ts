import { CHUNK_BYTES, type ChunkPool, FIRST_CHUNK_BYTES } from "./chunk-pool.js";
import type { SpillFile } from "./spill-file.js";

interface Link {
  readonly chunk: Buffer;
  /** The bytes not dropped yet and written: chunk[start, end). */
  start: number;
  end: number;
}

/**
 * The bytes of an open file that are not uploaded yet, in chained chunks, so memory grows with the content. Under
 * memory pressure the chain moves to a temporary file (`spill`), and later bytes start a new chain in memory. Retries
 * read the bytes from the front as often as needed; then they are dropped.
 */
export class BufferedBytes {
  readonly #links: Link[] = [];
  #length = 0;
  #memoryBytes = 0;
  #spilled: SpillFile | undefined;

  constructor(
    private readonly pool: ChunkPool,
    private readonly openSpillFile: () => SpillFile,
  ) {}

  /** Bytes held, in memory and on disk. */
  get length(): number {
    return this.#length;
  }

  /** Bytes of memory that `spill` would free. */
  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /** Copies the bytes in. */
  append(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      let last = this.#links.at(-1);
      if (last === undefined || last.end === last.chunk.length) {
        // Small again once the rest is on disk: with many slow files, each would hold a large chunk.
        const wanted = last === undefined ? FIRST_CHUNK_BYTES : last.chunk.length * 2;
        const chunk = this.pool.take(Math.min(CHUNK_BYTES, wanted));
        last = { chunk, start: 0, end: 0 };
        this.#links.push(last);
        this.#memoryBytes += chunk.length;
      }
      const copied = bytes.copy(last.chunk, last.end, at);
      last.end += copied;
      at += copied;
      this.#length += copied;
    }
  }

  /** The first `count` bytes, in pieces that stay valid until they are dropped. */
  read(count: number): AsyncGenerator<Buffer> {
    return this.#read(count, undefined);
  }

  /** The first `count` bytes, in pieces valid only until the next one, so bytes on disk need no extra memory. */
  async *scan(count: number): AsyncGenerator<Buffer> {
    const chunk = this.#spilled && this.pool.take(CHUNK_BYTES);
    try {
      yield* this.#read(count, chunk);
    } finally {
      if (chunk) this.pool.giveBack(chunk);
    }
  }

  async *#read(count: number, into: Buffer | undefined): AsyncGenerator<Buffer> {
    let left = count;
    if (this.#spilled) {
      const fromDisk = Math.min(left, this.#spilled.length);
      yield* this.#spilled.read(fromDisk, into);
      left -= fromDisk;
    }
    for (const { chunk, start, end } of this.#links) {
      if (left <= 0) return;
      const piece = chunk.subarray(start, Math.min(end, start + left));
      left -= piece.length;
      yield piece;
    }
  }

  /** Drops the first `count` bytes. */
  drop(count: number): void {
    let left = count;
    this.#length -= count;
    if (this.#spilled) {
      const fromDisk = Math.min(left, this.#spilled.length);
      this.#spilled.drop(fromDisk);
      left -= fromDisk;
    }
    let link = this.#links[0];
    while (link && left > 0) {
      const dropped = Math.min(left, link.end - link.start);
      link.start += dropped;
      left -= dropped;
      if (link.start < link.end) return;
      this.#links.shift();
      this.#giveBack(link.chunk);
      link = this.#links[0];
    }
  }

  /** Moves the bytes in memory to the temporary file. Not while a read is running. */
  async spill(): Promise<void> {
    if (this.#links.length === 0) return;
    this.#spilled ??= this.openSpillFile();
    await this.#spilled.append(this.#links.map(({ chunk, start, end }) => chunk.subarray(start, end)));
    for (const { chunk } of this.#links.splice(0)) this.#giveBack(chunk);
  }

  /** Drops all bytes and closes the temporary file. */
  async release(): Promise<void> {
    for (const { chunk } of this.#links.splice(0)) this.#giveBack(chunk);
    this.#length = 0;
    const spilled = this.#spilled;
    this.#spilled = undefined;
    await spilled?.close();
  }

  #giveBack(chunk: Buffer): void {
    this.#memoryBytes -= chunk.length;
    this.pool.giveBack(chunk);
  }
}
