const SMALLEST_SLAB = 16 * 1024;
const LARGEST_SLAB = 256 * 1024;

/**
 * A buffer from which finished records are returned as slices. Their bytes are not overwritten before `release`: when a
 * slab is full, a new one is allocated and only the unfinished record moves. Slabs grow with use, so that a quiet task
 * costs little; a slab that is released after each record stays small.
 *
 * `bytes`, `view` and `position` are public for the writers of formats, which call `reserve` and then write
 * directly.
 */
export class ByteSlab {
  bytes: Buffer = Buffer.allocUnsafeSlow(SMALLEST_SLAB);
  /** The same bytes, for writes of several bytes at unaligned positions. */
  view: DataView = viewOf(this.bytes);
  position = 0;
  #start = 0;

  /** Begins a record and drops an unfinished one. */
  begin(): void {
    this.position = this.#start;
  }

  /** Makes room for `count` bytes at `position`. This may replace `bytes` and `view`. */
  reserve(count: number): void {
    if (this.position + count > this.bytes.length) this.#move(count);
  }

  /** Ends the record and returns its bytes. */
  finish(): Buffer {
    const record = this.bytes.subarray(this.#start, this.position);
    this.#start = this.position;
    return record;
  }

  /** Allows the memory of all finished records to be reused. */
  release(): void {
    this.#start = 0;
    if (this.bytes.length <= LARGEST_SLAB) return;
    // A slab that grew for one large record is not kept.
    this.bytes = Buffer.allocUnsafeSlow(LARGEST_SLAB);
    this.view = viewOf(this.bytes);
  }

  /** The number of bytes written of the record so far. */
  begun(): number {
    return this.position - this.#start;
  }

  /** The bytes of the record after its first `begun`. Copy them before the next write. */
  since(begun: number): Buffer {
    return this.bytes.subarray(this.#start + begun, this.position);
  }

  #move(count: number): void {
    const unfinished = this.position - this.#start;
    const grown = Math.min(this.bytes.length * 2, LARGEST_SLAB);
    const next = Buffer.allocUnsafeSlow(Math.max(grown, 2 * unfinished + count));
    this.bytes.copy(next, 0, this.#start, this.position);
    this.bytes = next;
    this.view = viewOf(next);
    this.position = unfinished;
    this.#start = 0;
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
