import type { Clock } from "../api/index.js";
import type { Stage } from "./herder.js";

/** Remembers what the herder is doing, or did last, for the message of a request that it kept waiting too long. */
export class StageTracker {
  #stage: Stage | undefined;

  constructor(private readonly clock: Clock) {}

  get current(): Stage | undefined {
    return this.#stage;
  }

  /** Notes that a stage begins; the returned function notes its end. Within a longer stage, the shorter one shows while it lasts. */
  enter(description: string): () => void {
    const outer = this.#stage;
    this.#stage = { description, startedMs: this.clock.nowMs(), completedMs: undefined };
    const entered = this.#stage;
    return () => {
      if (this.#stage !== entered) return;
      this.#stage = outer && outer.completedMs === undefined ? outer : { ...entered, completedMs: this.clock.nowMs() };
    };
  }

  /** Runs `step` as a stage. */
  async during<T>(description: string, step: () => T | Promise<T>): Promise<T> {
    const leave = this.enter(description);
    try {
      return await step();
    } finally {
      leave();
    }
  }
}
