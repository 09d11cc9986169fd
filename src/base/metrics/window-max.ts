/** Half of the window: Kafka's `metrics.sample.window.ms`, of which it keeps two. */
const SAMPLE_MS = 30_000;

/** The largest value of the last 30 to 60 seconds. */
export class WindowMax {
  #sampleMs = 0;
  #present = 0;
  #before = 0;

  /** @param nowMs of a monotonic clock */
  note(value: number, nowMs: number): void {
    this.#turn(nowMs);
    if (value > this.#present) this.#present = value;
  }

  /** 0 without a value. */
  max(nowMs: number): number {
    this.#turn(nowMs);
    return Math.max(this.#present, this.#before);
  }

  #turn(nowMs: number): void {
    const sampleMs = Math.floor(nowMs / SAMPLE_MS) * SAMPLE_MS;
    if (sampleMs === this.#sampleMs) return;
    this.#before = sampleMs - this.#sampleMs === SAMPLE_MS ? this.#present : 0;
    this.#present = 0;
    this.#sampleMs = sampleMs;
  }
}
