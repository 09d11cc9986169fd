import type { Random } from "../api/random.js";

/**
 * Delays in milliseconds. `jitter` (0 to 1) is the largest fraction by which a delay is randomly shortened or
 * lengthened.
 */
export interface BackoffPlan {
  readonly initialMs: number;
  readonly maxMs: number;
  readonly factor?: number;
  readonly jitter?: number;
}

/** A delay that grows with each attempt: initial, initial x factor, … up to max. */
export class Backoff {
  #attempts = 0;

  constructor(
    private readonly plan: BackoffPlan,
    private readonly random: Random,
  ) {}

  /** Attempts since the last reset. */
  get attempts(): number {
    return this.#attempts;
  }

  /** The delay before the next attempt, in milliseconds. */
  nextMs(): number {
    const { initialMs, maxMs, factor = 2, jitter = 0.2 } = this.plan;
    const plainMs = Math.min(maxMs, initialMs * factor ** this.#attempts++);
    return Math.min(maxMs, plainMs * (1 + jitter * (2 * this.random.next() - 1)));
  }

  /** Starts over; called when an attempt succeeds. */
  reset(): void {
    this.#attempts = 0;
  }
}
