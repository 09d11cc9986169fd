import { type BatchHeader, isTransactional } from "../../../protocol/records/record-batch.js";
import { lastAtMost } from "../segments/index-lookup.js";
import type { AbortedTransaction } from "../segments/transaction-index.js";

/**
 * The transactions of the part of a log that is being cleaned; all of them have ended. Batches and markers are passed in
 * the order of their offsets, from the log's start on.
 */
export class CleanedTransactions {
  /** By producer, in the order of their offsets. */
  readonly #aborted = new Map<number, AbortedTransaction[]>();
  /** Producers with a batch that was kept since their last marker. */
  readonly #kept = new Set<number>();
  /** Offsets of the markers that were dropped. */
  readonly #dropped = new Set<number>();

  /** @param aborted those with a batch in the part, in the order of their markers. */
  constructor(aborted: readonly AbortedTransaction[]) {
    for (const each of aborted) {
      const known = this.#aborted.get(each.producerId);
      if (known) known.push(each);
      else this.#aborted.set(each.producerId, [each]);
    }
  }

  /** Whether a batch of records belongs to an aborted transaction. */
  isAborted(header: BatchHeader): boolean {
    if (!isTransactional(header)) return false;
    const aborted = this.#aborted.get(header.producerId) ?? [];
    const last = aborted[lastAtMost(aborted.length, header.baseOffset, (at) => aborted[at]!.firstOffset)];
    return last !== undefined && last.lastOffset > header.baseOffset;
  }

  /** Notes that a batch of records stays, if only its header. */
  keep(header: BatchHeader): void {
    if (isTransactional(header)) this.#kept.add(header.producerId);
  }

  /** Whether a marker must stay, because a batch of its transaction does. Asked once for each. */
  needsMarker({ producerId }: BatchHeader): boolean {
    return this.#kept.delete(producerId);
  }

  /** Notes that a marker was dropped. */
  drop({ baseOffset }: BatchHeader): void {
    this.#dropped.add(baseOffset);
  }

  /**
   * Those of `aborted` that keep their markers. Without its marker a transaction must leave the index: readers would take
   * the producer's next one for aborted, too.
   */
  left(aborted: readonly AbortedTransaction[]): AbortedTransaction[] {
    return aborted.filter(({ lastOffset }) => !this.#dropped.has(lastOffset));
  }
}
