const SMALLEST_SLAB = 16 * 1024;
const LARGEST_SLAB = 256 * 1024;

/**
 * Room for records, handed out as slices. Bytes once handed out are not written again before `release`: when a slab is
 * full a new one is allocated and only the unfinished record moves over. Slabs grow with use, so that a quiet task costs
 * little; one that is released after each record stays small.
 *
 * `bytes` and `position` are open to the writers beside it, which reserve first and then write on their own.
 */
export class ByteSlab {
  bytes: Buffer = Buffer.allocUnsafeSlow(SMALLEST_SLAB);
  /** The same bytes, for writing several at once at any position. */
  view: DataView = viewOf(this.bytes);
  position = 0;
  #start = 0;

  /** Begins a record; what an earlier one that was not finished had written is dropped. */
  begin(): void {
    this.position = this.#start;
  }

  /** Makes sure that `count` bytes can be written at `position`. `bytes` and `view` may be others afterwards. */
  reserve(count: number): void {
    if (this.position + count > this.bytes.length) this.#move(count);
  }

  /** Ends the record: its bytes, which stay as they are. */
  finish(): Buffer {
    const record = this.bytes.subarray(this.#start, this.position);
    this.#start = this.position;
    return record;
  }

  /** Nobody reads any more what was handed out. */
  release(): void {
    this.#start = 0;
    if (this.bytes.length <= LARGEST_SLAB) return;
    // One that a large record has made is not kept for those after it.
    this.bytes = Buffer.allocUnsafeSlow(LARGEST_SLAB);
    this.view = viewOf(this.bytes);
  }

  /** How many bytes of the record are written. */
  begun(): number {
    return this.position - this.#start;
  }

  /** What was written after the first `begun` bytes of the record; to be copied at once. */
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
