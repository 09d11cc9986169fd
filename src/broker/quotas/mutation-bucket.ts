/**
 * The partitions that one client may create and delete: a bucket of tokens that fills again with time (KIP-599). A change
 * may take more tokens than there are; the client then waits until none are missing.
 */
export class MutationBucket {
  #tokens: number;
  #filledMs: number;
  #fullMs: number;

  /** @param burst the most tokens that it holds, and has at first. */
  constructor(burst: number, nowMs: number) {
    this.#tokens = burst;
    this.#filledMs = nowMs;
    this.#fullMs = nowMs;
  }

  /** How long the client has to wait; 0: it may go on. @param perSecond the tokens that come back each second. */
  throttleMs(perSecond: number, burst: number, nowMs: number): number {
    this.#tokens = Math.min(burst, this.#tokens + ((nowMs - this.#filledMs) / 1000) * perSecond);
    this.#filledMs = nowMs;
    this.#fullMs = nowMs + ((burst - this.#tokens) / perSecond) * 1000;
    return this.#tokens < 0 ? Math.ceil((-this.#tokens / perSecond) * 1000) : 0;
  }

  take(partitions: number): void {
    this.#tokens -= partitions;
  }

  /** Whether it is as at first. */
  isFull(nowMs: number): boolean {
    // A quota near the largest number makes it NaN.
    return !(this.#fullMs > nowMs);
  }
}
