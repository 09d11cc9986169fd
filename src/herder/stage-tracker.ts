import type { Clock } from "../api/index.js";
import type { Stage } from "./herder.js";

/** Tracks the herder's current or last operation, for the message of a request that timed out. */
export class StageTracker {
  /** Open stages, the newest last. Requests run beside the herder's loop, so stages need not nest. */
  readonly #open: Stage[] = [];
  #last: Stage | undefined;

  constructor(private readonly clock: Clock) {}

  /** The newest open stage, or else the one that ended last. */
  get current(): Stage | undefined {
    return this.#open.at(-1) ?? this.#last;
  }

  /** Notes the begin of a stage; the returned function notes its end. */
  enter(description: string): () => void {
    const stage = { description, startedMs: this.clock.nowMs(), completedMs: undefined };
    this.#open.push(stage);
    return () => {
      const at = this.#open.indexOf(stage);
      if (at < 0) return;
      this.#open.splice(at, 1);
      this.#last = { ...stage, completedMs: this.clock.nowMs() };
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
