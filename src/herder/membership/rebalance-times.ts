import { WindowExtreme } from "../../base/metrics/window-extreme.js";

/** The rebalances of this worker's group, as far as this worker took part. */
export interface RebalanceReport {
  readonly rebalancing: boolean;
  readonly completed: number;
  /** Their time in all, and the longest of the last 30 to 60 s. */
  readonly timeMs: number;
  readonly maxMs: number;
  /** Since the end of the last one; infinite before the first. */
  readonly sinceMs: number;
}

/** Measures rebalances: each from the loss of this worker's place until the next. All times are monotonic. */
export class RebalanceTimes {
  #startedMs: number | undefined;
  #endedMs: number | undefined;
  #completed = 0;
  #timeMs = 0;
  readonly #max = new WindowExtreme("max");

  /** Does nothing while a rebalance is in progress. */
  begin(nowMs: number): void {
    this.#startedMs ??= nowMs;
  }

  end(nowMs: number): void {
    const tookMs = nowMs - (this.#startedMs ?? nowMs);
    this.#startedMs = undefined;
    this.#endedMs = nowMs;
    this.#completed++;
    this.#timeMs += tookMs;
    this.#max.note(tookMs, nowMs);
  }

  report(nowMs: number): RebalanceReport {
    return {
      rebalancing: this.#startedMs !== undefined,
      completed: this.#completed,
      timeMs: this.#timeMs,
      maxMs: this.#max.value(nowMs),
      sinceMs: this.#endedMs === undefined ? Number.POSITIVE_INFINITY : nowMs - this.#endedMs,
    };
  }
}
