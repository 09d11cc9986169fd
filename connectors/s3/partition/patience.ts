import type { Clock } from "../../../src/api/index.js";

/** The work goes on, but the caller waits no longer. */
export const LATE = Symbol("late");

/**
 * Bounds how long `put` and `preCommit` wait for the store: the worker calls nothing else meanwhile, so a store that
 * hangs would keep the whole group from rebalancing.
 */
export class Patience {
  constructor(
    private readonly clock: Pick<Clock, "schedule">,
    private readonly limitMs: number,
  ) {}

  /** The work's own result or rejection, unless it takes longer than the limit. */
  async within<T>(work: Promise<T>): Promise<T | typeof LATE> {
    let expire: () => void = () => undefined;
    const late = new Promise<typeof LATE>((resolve) => {
      expire = () => resolve(LATE);
    });
    const timer = this.clock.schedule(this.limitMs, () => expire());
    try {
      return await Promise.race([work, late]);
    } finally {
      timer.cancel();
    }
  }
}
