/** A batch that is appended and not readable yet. */
interface HeldBatch {
  readonly endOffset: number;
  readonly bytes: number;
}

/**
 * The ends of one log. `appended`: the offset of the next record. `durable`: everything before it is on disk.
 * `highWatermark`: everything before it may be read and is acknowledged; always the end of a batch.
 */
export class LogEnds {
  #appended: number;
  #durable: number;
  #highWatermark: number;
  /** The batches from the high watermark on. */
  readonly #held: HeldBatch[] = [];

  /** @param end the end of a log that is on disk as a whole. */
  constructor(end: number) {
    this.#appended = end;
    this.#durable = end;
    this.#highWatermark = end;
  }

  get durable(): number {
    return this.#durable;
  }

  get highWatermark(): number {
    return this.#highWatermark;
  }

  /** Records that are not known to be on disk. */
  get undurable(): number {
    return this.#appended - this.#durable;
  }

  append(endOffset: number, bytes: number): void {
    this.#appended = endOffset;
    this.#held.push({ endOffset, bytes });
  }

  /** Everything before `offset` is on disk. */
  markDurable(offset: number): void {
    this.#durable = Math.max(this.#durable, offset);
  }

  /**
   * Moves the high watermark over the batches behind which fewer than `flushMessages` records are not durable: with 1,
   * to the durable end; with Kafka's default, over everything. Never back, whatever `flushMessages` was before.
   *
   * @returns the bytes that became readable.
   */
  advance(flushMessages: number): number {
    let bytes = 0;
    let count = 0;
    for (; count < this.#held.length; count++) {
      const batch = this.#held[count]!;
      if (batch.endOffset - this.#durable >= flushMessages) break;
      bytes += batch.bytes;
      this.#highWatermark = batch.endOffset;
    }
    if (count > 0) this.#held.splice(0, count);
    return bytes;
  }
}
