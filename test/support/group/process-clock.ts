import type { Clock, Timer } from "../../../src/api/clock.js";
import type { SimClock } from "../../../src/base/clock.js";

/**
 * The time of one simulated process. While the process is frozen (SIGSTOP), its timers and the messages that reach it
 * wait; once it is dead (SIGKILL), nothing reaches it any more.
 */
export class ProcessClock implements Clock {
  #state: "running" | "frozen" | "dead" = "running";
  readonly #waiting: (() => void)[] = [];
  /** When the process was last continued. */
  thawedAtMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly world: SimClock) {}

  get isRunning(): boolean {
    return this.#state === "running";
  }

  get isDead(): boolean {
    return this.#state === "dead";
  }

  nowMs(): number {
    return this.world.nowMs();
  }

  monotonicMs(): number {
    return this.world.monotonicMs();
  }

  schedule(delayMs: number, fire: () => void): Timer {
    let isCancelled = false;
    const timer = this.world.schedule(delayMs, () =>
      this.enter(() => {
        if (!isCancelled) fire();
      }),
    );
    return {
      cancel: () => {
        isCancelled = true;
        timer.cancel();
      },
    };
  }

  delay(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        timer.cancel();
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = this.schedule(delayMs, done);
      signal?.addEventListener("abort", done, { once: true });
    });
  }

  turn(): Promise<void> {
    return this.world.turn();
  }

  /** The outcome of something outside the process, when the process can hear of it. */
  hears<T>(outcome: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      outcome.then(
        (value) => this.enter(() => resolve(value)),
        (error: unknown) => this.enter(() => reject(error)),
      );
    });
  }

  freeze(): void {
    if (this.#state === "running") this.#state = "frozen";
  }

  thaw(): void {
    if (this.#state !== "frozen") return;
    this.#state = "running";
    this.thawedAtMs = this.world.monotonicMs();
    for (const step of this.#waiting.splice(0)) step();
  }

  kill(): void {
    this.#state = "dead";
    this.#waiting.length = 0;
  }

  private enter(step: () => void): void {
    if (this.#state === "running") step();
    else if (this.#state === "frozen") this.#waiting.push(step);
  }
}
