/** The window of a rate: so many samples of so long, the last of which is being filled. */
export interface QuotaWindow {
  readonly samples: number;
  readonly sampleMs: number;
}

interface Sample {
  readonly startMs: number;
  amount: number;
}

/** What one client has used of a quota lately, measured as Kafka does: over all samples, and at least all but one. */
export class QuotaRate {
  #samples: Sample[] = [];

  /** Counts an amount that is used now. A negative one takes back what was counted in this step. */
  record(amount: number, nowMs: number, { sampleMs }: QuotaWindow): void {
    const last = this.#samples.at(-1);
    if (last && nowMs - last.startMs < sampleMs) last.amount += amount;
    else this.#samples.push({ startMs: nowMs, amount });
  }

  /** How long the client has to wait until its rate is `limit` per second again; 0: it has not passed it. */
  throttleMs(limit: number, nowMs: number, window: QuotaWindow): number {
    this.#forget(nowMs, window);
    const [oldest] = this.#samples;
    if (!oldest) return 0;
    const { samples, sampleMs } = window;
    const full = Math.floor((nowMs - oldest.startMs) / sampleMs);
    const windowMs = nowMs - oldest.startMs + Math.max(0, samples - 1 - full) * sampleMs;
    const used = this.#samples.reduce((sum, { amount }) => sum + amount, 0);
    return Math.max(0, Math.round((used / limit) * 1000 - windowMs));
  }

  /** Whether nothing was used in the whole window. */
  isIdle(nowMs: number, window: QuotaWindow): boolean {
    this.#forget(nowMs, window);
    return this.#samples.length === 0;
  }

  #forget(nowMs: number, { samples, sampleMs }: QuotaWindow): void {
    while (this.#samples.length > 0 && nowMs - this.#samples[0]!.startMs >= samples * sampleMs) this.#samples.shift();
  }
}
