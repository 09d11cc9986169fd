/**
 * Lookups in the sparse indexes of one segment, in memory (`SegmentIndex`) or in its files (`IndexFiles`). Offsets are
 * relative to the segment's base offset, and rise like the timestamps. An offset entry holds the last offset of a batch
 * and the batch's position; a time entry the largest timestamp so far, and the last offset of its batch.
 */
export abstract class IndexLookup {
  protected abstract get offsetCount(): number;
  protected abstract get timeCount(): number;
  protected abstract offsetAt(index: number): number;
  protected abstract positionAt(index: number): number;
  protected abstract timeAt(index: number): number;
  protected abstract timeOffsetAt(index: number): number;

  /** A position at or before the batch that holds `relativeOffset`, to scan forward from. */
  positionBefore(relativeOffset: number): number {
    // An entry holds the last offset of its batch, so an entry equal to the target is the batch itself.
    const at = this.#offsetAtMost(relativeOffset);
    return at < 0 ? 0 : this.positionAt(at);
  }

  /** A relative offset at or before the first batch with a timestamp of at least `timestamp`, to scan forward from. */
  offsetBeforeTime(timestamp: number): number {
    // Strictly below: of equal timestamps only the first batch is in the index, and it must not be skipped.
    const at = lastAtMost(this.timeCount, timestamp - 1, (i) => this.timeAt(i));
    return at < 0 ? 0 : this.timeOffsetAt(at);
  }

  /**
   * The last entry for a batch that ends at or before `relativeOffset`: its position, and the largest timestamp of the
   * batches up to it, -1 when they have none. To scan forward from.
   */
  maxTimeBefore(relativeOffset: number): { readonly position: number; readonly timestamp: number } {
    const at = this.#offsetAtMost(relativeOffset);
    if (at < 0) return { position: 0, timestamp: -1 };
    // Both get an entry for the same batch, so no later batch up to this one is missing in the time index.
    const time = lastAtMost(this.timeCount, this.offsetAt(at), (i) => this.timeOffsetAt(i));
    return { position: this.positionAt(at), timestamp: time < 0 ? -1 : this.timeAt(time) };
  }

  #offsetAtMost(relativeOffset: number): number {
    return lastAtMost(this.offsetCount, relativeOffset, (i) => this.offsetAt(i));
  }
}

/** Index of the last of `count` rising values that is at most `target`; -1 when all are larger. */
export function lastAtMost(count: number, target: number, valueAt: (index: number) => number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (valueAt(middle) <= target) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
