/**
 * Which records a reader sees: all that are acknowledged, or those outside of aborted and open transactions (Kafka's
 * isolation.level).
 */
export type Isolation = "read_uncommitted" | "read_committed";

/** Called with the number of bytes that became readable. */
export type Readable = (bytes: number) => void;

/** The readers that wait for records of one log. */
export class WaitingReaders {
  readonly #readers: Readonly<Record<Isolation, Set<Readable>>> = {
    read_uncommitted: new Set(),
    read_committed: new Set(),
  };
  /** The last stable offset that the readers of committed records know. */
  #stable = 0;

  /** Calls `readable` for the records of `isolation`, until the returned function is called. */
  add(isolation: Isolation, readable: Readable): () => void {
    const readers = this.#readers[isolation];
    readers.add(readable);
    return () => readers.delete(readable);
  }

  wake(isolation: Isolation, bytes: number): void {
    for (const readable of this.#readers[isolation]) readable(bytes);
  }

  /**
   * Wakes the readers of committed records if there are more of these than before.
   *
   * @param bytesBetween the bytes between two offsets; called only if a reader waits.
   */
  announceStable(lastStableOffset: number, bytesBetween: (fromOffset: number, toOffset: number) => number): void {
    const before = this.#stable;
    this.#stable = lastStableOffset;
    if (lastStableOffset <= before || this.#readers.read_committed.size === 0) return;
    this.wake("read_committed", bytesBetween(before, lastStableOffset));
  }

  /** The log is gone or failed: all of them look again. */
  wakeAll(): void {
    for (const isolation of ["read_uncommitted", "read_committed"] as const)
      this.wake(isolation, Number.MAX_SAFE_INTEGER);
  }
}
