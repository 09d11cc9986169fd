/** A pending timer. `cancel` after it fired does nothing. */
export interface Timer {
  cancel(): void;
}

/**
 * Time, handed to connectors and tasks in their contexts so that tests can own it. Nothing outside `base/clock` reads
 * the system's clock, sets a timer of the system or lets its event loop turn.
 */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970-01-01T00:00Z. It can jump; never subtract two of them to time something. */
  nowMs(): number;
  /** A monotonic reading in milliseconds with a fraction, for durations and deadlines. Its zero means nothing. */
  monotonicMs(): number;
  /** Runs `fire` once, `delayMs` from now. A pending timer does not keep the process alive by itself. */
  schedule(delayMs: number, fire: () => void): Timer;
  /** Resolves `delayMs` from now, or as soon as `signal` aborts: the caller looks at the signal, nothing is thrown. */
  delay(delayMs: number, signal?: AbortSignal): Promise<void>;
  /**
   * Resolves once the event loop has turned: sockets and timers got theirs. For loops whose awaited promises may all be
   * resolved already, which would otherwise run on without any other task, heartbeat or message being served.
   */
  turn(): Promise<void>;
}
