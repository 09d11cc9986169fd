/** A pending timer. Once it has fired, `cancel` does nothing. */
export interface Timer {
  cancel(): void;
}

/**
 * The clock. Connectors and tasks receive it in their contexts: tests pass one that they control. Only `base/clock`
 * reads the system's clock, sets system timers or yields to the event loop.
 */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970-01-01T00:00Z. It can jump: do not measure durations with it. */
  nowMs(): number;
  /** A monotonic reading in fractional milliseconds, for durations and deadlines. Its zero is arbitrary. */
  monotonicMs(): number;
  /** Runs `fire` once, `delayMs` from now. A pending timer does not keep the process alive. */
  schedule(delayMs: number, fire: () => void): Timer;
  /** Resolves `delayMs` from now, or when `signal` aborts. It never rejects: the caller checks the signal. */
  delay(delayMs: number, signal?: AbortSignal): Promise<void>;
  /**
   * Resolves after one turn of the event loop, which serves sockets and timers. For loops whose awaited promises may
   * all be resolved already: without it they would starve every other task, heartbeat and message.
   */
  turn(): Promise<void>;
}
