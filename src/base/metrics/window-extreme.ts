/** Half of the window: Kafka's `metrics.sample.window.ms`, of which it keeps two. */
const SAMPLE_MS = 30_000;

/** The largest value of the last 30 to 60 seconds, or the smallest. */
export class WindowExtreme {
  #sampleMs = 0;
  #present: number | undefined;
  #before: number | undefined;

  constructor(private readonly of: "max" | "min") {}

  /** @param nowMs of a monotonic clock */
  note(value: number, nowMs: number): void {
    this.#turn(nowMs);
    this.#present = this.#further(this.#present, value);
  }

  /** 0 without a value. */
  value(nowMs: number): number {
    this.#turn(nowMs);
    return this.#further(this.#present, this.#before) ?? 0;
  }

  #further(one: number | undefined, other: number | undefined): number | undefined {
    if (one === undefined || other === undefined) return one ?? other;
    return Math[this.of](one, other);
  }

  #turn(nowMs: number): void {
    const sampleMs = Math.floor(nowMs / SAMPLE_MS) * SAMPLE_MS;
    if (sampleMs === this.#sampleMs) return;
    this.#before = sampleMs - this.#sampleMs === SAMPLE_MS ? this.#present : undefined;
    this.#present = undefined;
    this.#sampleMs = sampleMs;
  }
}
