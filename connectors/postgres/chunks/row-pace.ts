/** Spreads rows over time. */
export class RowPace {
  #freeAtMs = Number.NEGATIVE_INFINITY;

  /** @param perSecond 0: no limit. */
  constructor(private readonly perSecond: number) {}

  /** The most rows to take at once, so that they come evenly. */
  most(rows: number): number {
    return this.perSecond === 0 ? rows : Math.max(1, Math.min(rows, Math.floor(this.perSecond / 10)));
  }

  /** How long to wait before the next rows. @param nowMs monotonic, here and below. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#freeAtMs - nowMs);
  }

  /** Rows were taken. */
  take(rows: number, nowMs: number): void {
    if (this.perSecond > 0) this.#freeAtMs = Math.max(this.#freeAtMs, nowMs) + (rows * 1000) / this.perSecond;
  }
}
