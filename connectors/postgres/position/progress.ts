import type { SourceMap } from "../../../src/api/index.js";
import { idleConfirmation, type Lsn, NO_LSN } from "../wal/lsn.js";
import { readOffset } from "./source-offset.js";

/** How far a task has come: what it handed over, and what of it is stored. Outlives every connection. */
export class Progress {
  #offset: SourceMap | null;
  #handedOver: SourceMap | null = null;
  #stored: SourceMap | null;
  /** This task has taken its snapshot. */
  hasSnapshot = false;

  /** @param stored the offset that the task was started with. */
  constructor(stored: SourceMap | null) {
    this.#offset = stored;
    this.#stored = stored;
  }

  /** Where to go on after a lost connection; null: from scratch. */
  get offset(): SourceMap | null {
    return this.#offset;
  }

  /** Records up to this offset were made, and will be handed to the worker before any later ones. */
  handOver(offset: SourceMap): void {
    this.#offset = offset;
    this.#handedOver = offset;
  }

  /** A snapshot begins: nothing handed over or stored before it counts. */
  discard(): void {
    this.#offset = null;
    this.#handedOver = null;
    this.#stored = null;
  }

  /** A snapshot ended without a row, at `offset`. */
  goOnFrom(offset: SourceMap): void {
    this.#offset = offset;
  }

  /** The worker has stored this offset. */
  store(offset: SourceMap): void {
    this.#stored = offset;
  }

  get stored(): SourceMap | null {
    return this.#stored;
  }

  /** Nothing is on its way: all that was made is stored. */
  get isSettled(): boolean {
    return this.#handedOver === null || sameOffset(this.#handedOver, this.#stored);
  }
}

/**
 * The position that may be confirmed to Postgres, 0 for none. (I3) A stored offset covers the transactions that ended
 * before its own; all that was walked is covered only when nothing is on its way.
 *
 * @param walked outside a transaction: everything before it was walked; within one: 0.
 */
export function planConfirmation(stored: SourceMap | null, isSettled: boolean, walked: Lsn): Lsn {
  const offset = stored === null ? null : readOffset(stored);
  const committed = offset?.lsnCommit ?? NO_LSN;
  if (!isSettled || offset?.isSnapshotRunning) return committed;
  return Math.max(committed, idleConfirmation(walked)) as Lsn;
}

function sameOffset(left: SourceMap, right: SourceMap | null): boolean {
  if (left === right) return true;
  if (right === null) return false;
  const keys = Object.keys(left);
  // The store gives back numbers where we gave numbers, but a bigint may have become one.
  return keys.length === Object.keys(right).length && keys.every((key) => String(left[key]) === String(right[key]));
}
