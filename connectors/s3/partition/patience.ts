import { type Clock, RetriableError } from "../../../src/api/index.js";

/** The work goes on, but the caller waits no longer. */
export const LATE = Symbol("late");

/** The batch waits for work that goes on: it is delivered again soon, not after the pause that follows a failure. */
export class LateError extends RetriableError {
  constructor(message: string) {
    super("S3_UNAVAILABLE", message);
  }
}

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
