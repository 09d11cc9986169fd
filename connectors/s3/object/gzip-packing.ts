import { promisify } from "node:util";
import { crc32, deflateRaw, constants as zlib } from "node:zlib";
import type { BufferedBytes } from "./buffered-bytes.js";
import { CHUNK_BYTES, type ChunkPool } from "./chunk-pool.js";
import type { RowDigest } from "./existing-object.js";

const deflate = promisify(deflateRaw) as (
  bytes: Buffer,
  options: { readonly level: number; readonly finishFlush: number },
) => Promise<Buffer>;

// ID, deflate, no flags, no time, no extra flags, unknown system: equal rows always compress to equal bytes.
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
/** An empty final block. */
const LAST_BLOCK = Buffer.from([3, 0]);

/**
 * Turns the rows of an open file into one gzip member, only when they are about to be uploaded: until then they can move
 * to disk, and there is no compressor per open file. Blocks of 64 KiB are deflated beside the task's thread and do not
 * refer back to each other. After an error the same method can be called again.
 */
export class GzipPacking {
  #rawBytes = 0;
  #crc = 0;
  #isFinished = false;

  /** @param spill moves the output to disk if memory is short. */
  constructor(
    private readonly level: number,
    private readonly pool: ChunkPool,
    private readonly rows: BufferedBytes,
    private readonly output: BufferedBytes,
    private readonly spill: () => Promise<void>,
  ) {}

  /** The digest of the rows packed so far. */
  get digest(): RowDigest {
    return { length: this.#rawBytes, crc32: this.#crc };
  }

  /** Packs the rows that fill whole blocks. */
  async packBlocks(): Promise<void> {
    while (this.rows.length >= CHUNK_BYTES) await this.#packBlock(CHUNK_BYTES);
  }

  /** Packs the rest and ends the member. */
  async finish(): Promise<void> {
    await this.packBlocks();
    if (this.rows.length > 0) await this.#packBlock(this.rows.length);
    if (this.#isFinished) return;
    this.#isFinished = true;
    if (this.#rawBytes === 0) this.output.append(HEADER);
    this.output.append(LAST_BLOCK);
    const trailer = Buffer.allocUnsafe(8);
    trailer.writeUInt32LE(this.#crc, 0);
    trailer.writeUInt32LE(this.#rawBytes % 2 ** 32, 4);
    this.output.append(trailer);
  }

  async #packBlock(length: number): Promise<void> {
    const chunk = this.pool.take(CHUNK_BYTES);
    try {
      let filled = 0;
      for await (const piece of this.rows.scan(length)) filled += piece.copy(chunk, filled);
      const block = chunk.subarray(0, length);
      const packed = await deflate(block, { level: this.level, finishFlush: zlib.Z_SYNC_FLUSH });
      // Together: a block that failed before is packed again, one that is packed is gone.
      if (this.#rawBytes === 0) this.output.append(HEADER);
      this.output.append(packed);
      this.#crc = crc32(block, this.#crc);
      this.#rawBytes += length;
      this.rows.drop(length);
    } finally {
      this.pool.giveBack(chunk);
    }
    await this.spill();
  }
}
