/** Where the copy of a record is. */
export interface OffsetPair {
  readonly source: number;
  readonly target: number;
}

/**
 * Translates the offsets that groups have committed in one partition, while its records are copied. It keeps these
 * offsets and no others: its memory does not grow with the partition, however many gaps that has.
 */
export class OffsetTranslation {
  readonly #waiting: readonly number[];
  readonly #translated = new Map<number, number>();
  #at = 0;
  #firstShift: OffsetPair | undefined;

  /** @param offsets at the source, in any order. */
  constructor(offsets: Iterable<number>) {
    this.#waiting = [...new Set(offsets)].sort((a, b) => a - b);
  }

  /**
   * `count` records with consecutive offsets, from `source` on, have been written from `target` on. Calls come in the
   * order of offsets. A committed offset in a gap is that of the next record.
   */
  copied(source: number, count: number, target: number): void {
    if (source !== target) this.#firstShift ??= { source, target };
    for (; this.#at < this.#waiting.length; this.#at++) {
      const offset = this.#waiting[this.#at]!;
      if (offset >= source + count) return;
      this.#translated.set(offset, target + Math.max(0, offset - source));
    }
  }

  /** No record follows: the offsets that are left stand at the target's end. */
  finish(end: number): void {
    for (const offset of this.#waiting.slice(this.#at)) this.#translated.set(offset, end);
    this.#at = this.#waiting.length;
  }

  /** The offset at the target; undefined for one that was not to be translated, or is not copied yet. */
  translate(offset: number): number | undefined {
    return this.#translated.get(offset);
  }

  /** The first record whose offset is another one at the target; undefined: all are the same. */
  get firstShift(): OffsetPair | undefined {
    return this.#firstShift;
  }
}
