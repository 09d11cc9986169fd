/** How long something has been in each of its states. */
export class StateTimes<S extends string> {
  readonly #timesMs = new Map<S, number>();
  readonly #bornMs: number;
  #sinceMs: number;

  /** @param nowMs of a monotonic clock, as in all methods */
  constructor(
    private state: S,
    nowMs: number,
  ) {
    this.#bornMs = nowMs;
    this.#sinceMs = nowMs;
  }

  enter(state: S, nowMs: number): void {
    this.#timesMs.set(this.state, this.#timeMs(this.state, nowMs));
    this.state = state;
    this.#sinceMs = nowMs;
  }

  /** The state's share of the whole time, 0 to 1. */
  ratio(state: S, nowMs: number): number {
    const wholeMs = nowMs - this.#bornMs;
    return wholeMs > 0 ? this.#timeMs(state, nowMs) / wholeMs : 0;
  }

  #timeMs(state: S, nowMs: number): number {
    return (this.#timesMs.get(state) ?? 0) + (state === this.state ? nowMs - this.#sinceMs : 0);
  }
}
