import type { Clock, Timer } from "../../base/clock.js";

/** Delay before a failed timer of a group runs again. */
const RETRY_MS = 1000;

/** What a group needs done in time. */
export interface TimedGroup {
  /** In monotonic ms; infinity: nothing is due. */
  nextDeadlineMs(): number;
}

/**
 * The one timer of a group. A heartbeat only moves a deadline back: the timer may then fire early, and sets itself again.
 */
export class GroupTimer {
  #timer: Timer | undefined;
  #atMs = Number.POSITIVE_INFINITY;
  #isStopped = false;

  /**
   * @param tick does what is due.
   * @param onFault called with what `tick` has thrown: rethrown, it would end the process, and stop the other groups.
   */
  constructor(
    private readonly clock: Clock,
    private readonly group: TimedGroup,
    private readonly tick: (nowMs: number) => void,
    private readonly onFault: (cause: unknown) => void,
  ) {}

  /** Called after each change of the group's deadlines. */
  set(): void {
    const nextMs = this.group.nextDeadlineMs();
    if (!this.#isStopped && nextMs < this.#atMs) this.#schedule(nextMs);
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #schedule(atMs: number): void {
    this.#timer?.cancel();
    this.#atMs = atMs;
    this.#timer = this.clock.schedule(atMs - this.clock.monotonicMs(), () => this.#fire());
  }

  #fire(): void {
    const nowMs = this.clock.monotonicMs();
    this.#timer = undefined;
    this.#atMs = Number.POSITIVE_INFINITY;
    try {
      this.tick(nowMs);
      this.set();
    } catch (cause) {
      this.onFault(cause);
      if (!this.#isStopped) this.#schedule(nowMs + RETRY_MS);
    }
  }
}
