import type { SourceMap } from "../../../src/api/index.js";
import { idleConfirmation, type Lsn, NO_LSN } from "../wal/lsn.js";
import { readOffset } from "./source-offset.js";

/** A task's progress: the offset handed over to the worker, and the offset stored. Outlives every connection. */
export class Progress {
  #offset: SourceMap | null;
  #handedOver: SourceMap | null = null;
  #stored: SourceMap | null;
  /** This task has taken its snapshot. */
  hasSnapshot = false;

  /** @param stored the task's offset at its start. */
  constructor(stored: SourceMap | null) {
    this.#offset = stored;
    this.#stored = stored;
  }

  /** Where to resume after a lost connection; null: from scratch. */
  get offset(): SourceMap | null {
    return this.#offset;
  }

  /** Records up to this offset are made, and reach the worker before any later ones. */
  handOver(offset: SourceMap): void {
    this.#offset = offset;
    this.#handedOver = offset;
  }

  /**
   * The offset now in the store, read again.
   *
   * @returns false, and changes nothing, if it is the one known, or this task has gone on from that one.
   */
  renew(stored: SourceMap | null): boolean {
    if (stored === null || this.#handedOver !== null || this.#offset !== this.#stored) return false;
    if (this.#stored !== null && sameOffset(this.#stored, stored)) return false;
    this.#offset = stored;
    this.#stored = stored;
    return true;
  }

  /** A snapshot starts: discards every earlier offset. */
  discard(): void {
    this.#offset = null;
    this.#handedOver = null;
    this.#stored = null;
  }

  /** A snapshot without a row ended at `offset`. */
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

  /** Everything handed over is stored. */
  get isSettled(): boolean {
    return this.#handedOver === null || sameOffset(this.#handedOver, this.#stored);
  }
}

/**
 * The position to confirm to Postgres, 0 for none. (I3) A stored offset covers the transactions that ended before its
 * own. The walked position is covered only if everything handed over is stored.
 *
 * @param walked the position up to which all WAL was walked; 0 within a transaction.
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
  // The store may return a number for a bigint.
  return keys.length === Object.keys(right).length && keys.every((key) => String(left[key]) === String(right[key]));
}
