import type { Clock, Timer } from "../api/clock.js";
import { InvariantError } from "./invariant-error.js";

/** For the floors that may import base but not api. */
export type { Clock, Timer };

/** The system's clock. The only place in `src` and `connectors` that reads time or sets timers. */
export class SystemClock implements Clock {
  nowMs(): number {
    return Date.now();
  }

  monotonicMs(): number {
    return performance.now();
  }

  schedule(delayMs: number, fire: () => void): Timer {
    // Longer delays overflow Node's 32-bit timer and would fire at once.
    const timer = setTimeout(fire, Math.min(Math.max(0, delayMs), 2 ** 31 - 1));
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  }

  delay(delayMs: number, signal?: AbortSignal): Promise<void> {
    return delayBy(this, delayMs, signal);
  }
}

/** A clock that stands still until a test advances it. Timers fire in order of time, then of setting. */
export class SimClock implements Clock {
  #nowMs: number;
  #startMs: number;
  #sequence = 0;
  readonly #timers = new Set<{ atMs: number; sequence: number; fire: () => void }>();

  /** @param startMs wall-clock start, in ms since 1970. */
  constructor(startMs = 1_700_000_000_000) {
    this.#nowMs = startMs;
    this.#startMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs - this.#startMs;
  }

  schedule(delayMs: number, fire: () => void): Timer {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), sequence: this.#sequence++, fire };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  delay(delayMs: number, signal?: AbortSignal): Promise<void> {
    return delayBy(this, delayMs, signal);
  }

  /** Moves time forward, firing what falls due on the way; promises settled by a timer run before the next one fires. */
  async advance(byMs: number): Promise<void> {
    if (byMs < 0) throw new InvariantError(`A clock cannot go back by ${byMs} ms`);
    const untilMs = this.#nowMs + byMs;
    for (;;) {
      await settle();
      let next: { atMs: number; sequence: number; fire: () => void } | undefined;
      for (const timer of this.#timers) {
        if (timer.atMs > untilMs) continue;
        if (!next || timer.atMs < next.atMs || (timer.atMs === next.atMs && timer.sequence < next.sequence))
          next = timer;
      }
      if (!next) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.fire();
    }
    this.#nowMs = untilMs;
    await settle();
  }

  /** Timers that are set and have not fired: a test's leak check. */
  get pendingTimers(): number {
    return this.#timers.size;
  }
}

function delayBy(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      timer.cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = clock.schedule(delayMs, done);
    signal?.addEventListener("abort", done, { once: true });
  });
}

/** Lets every promise callback that is already queued, and those they queue, run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
