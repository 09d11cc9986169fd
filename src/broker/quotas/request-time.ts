import type { Clock } from "../../base/clock.js";

/** The time for which one request keeps the broker's event loop busy: in its first step, and in those after a wait. */
export class RequestTime {
  #usedMs = 0;
  #beganMs = 0;

  constructor(private readonly clock: Clock) {}

  begin(): void {
    this.#beganMs = this.clock.monotonicMs();
  }

  end(): void {
    this.#usedMs += this.clock.monotonicMs() - this.#beganMs;
  }

  /** The time since the last call, which is counted now. */
  takeMs(): number {
    const usedMs = this.#usedMs;
    this.#usedMs = 0;
    return usedMs;
  }
}

/** Runs a step of a request and counts its time. @param time undefined: no client has a quota. */
export function timed<T>(time: RequestTime | undefined, step: () => T): T {
  time?.begin();
  try {
    return step();
  } finally {
    time?.end();
  }
}
