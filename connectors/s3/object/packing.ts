import type { ObjectFacts, Packer } from "../formats/format.js";
import { NO_ROWS, type RowDigest, withRow } from "../formats/row-digest.js";
import type { BufferedBytes } from "./buffered-bytes.js";
import { CHUNK_BYTES, type ChunkPool } from "./chunk-pool.js";

interface Block {
  readonly bytes: number;
  readonly count: number;
}

/**
 * Turns the rows of an open file into its object's bytes, only when they are about to be uploaded: until then they can
 * move to disk. After an error the same method can be called again.
 */
export class Packing {
  /** Full blocks of whole rows, not packed yet. */
  readonly #full: Block[] = [];
  /** The block being filled. */
  #bytes = 0;
  #count = 0;
  #digest = NO_ROWS;
  #hasBegun = false;
  #isFinished = false;

  /** @param spill moves the output to disk if memory is short. */
  constructor(
    private readonly packer: Packer,
    private readonly pool: ChunkPool,
    private readonly rows: BufferedBytes,
    private readonly output: BufferedBytes,
    private readonly spill: () => Promise<void>,
  ) {}

  /** The digest of the rows packed so far. */
  get digest(): RowDigest {
    return this.#digest;
  }

  /** Bytes of rows that can be packed at once. */
  get blockBytes(): number {
    return this.packer.blockBytes;
  }

  /** A row was written to the rows. */
  note(bytes: number): void {
    this.#bytes += bytes;
    this.#count++;
    if (this.#bytes >= this.packer.blockBytes) this.#endBlock();
  }

  #endBlock(): void {
    if (this.packer.hasWholeRows && this.#count > 0) this.#full.push({ bytes: this.#bytes, count: this.#count });
    this.#bytes = 0;
    this.#count = 0;
  }

  /** Packs the rows that fill whole blocks. */
  async packBlocks(): Promise<void> {
    for (let next = this.#nextFull(); next; next = this.#nextFull()) await this.#pack(next);
  }

  /** Packs the rest and ends the object. */
  async finish(facts: ObjectFacts, first: RowDigest): Promise<void> {
    this.#endBlock();
    await this.packBlocks();
    if (this.rows.length > 0) await this.#pack({ bytes: this.rows.length, count: 0 });
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#begin();
    this.output.append(this.packer.end({ facts, all: this.#digest, first }));
  }

  #nextFull(): Block | undefined {
    const { blockBytes, hasWholeRows } = this.packer;
    if (hasWholeRows) return this.#full[0];
    return this.rows.length >= blockBytes ? { bytes: blockBytes, count: 0 } : undefined;
  }

  async #pack({ bytes, count }: Block): Promise<void> {
    const chunk = bytes <= CHUNK_BYTES ? this.pool.take(CHUNK_BYTES) : undefined;
    let block: Buffer = chunk?.subarray(0, bytes) ?? Buffer.alloc(0);
    const read = async () => {
      if (!chunk) block = Buffer.allocUnsafeSlow(bytes);
      let filled = 0;
      for await (const piece of this.rows.scan(bytes)) filled += piece.copy(block, filled);
      return block;
    };
    try {
      const packed = await this.packer.block(read, count);
      // Together: a block that failed before is packed again, one that is packed is gone.
      this.#begin();
      this.output.append(packed);
      this.#digest = withRow(this.#digest, block);
      this.rows.drop(bytes);
      this.#full.shift();
    } finally {
      if (chunk) this.pool.giveBack(chunk);
    }
    await this.spill();
  }

  #begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.output.append(this.packer.begin());
  }
}
