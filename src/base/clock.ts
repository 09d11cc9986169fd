import type { Clock, Timer } from "../api/clock.js";
import { InvariantError } from "./invariant-error.js";

/** For the layers that may import base but not api. */
export type { Clock, Timer };

/**
 * The system's clock. No code outside this file reads the time, sets timers or yields to the event loop in `src` and
 * `connectors`.
 */
export class SystemClock implements Clock {
  nowMs(): number {
    return Date.now();
  }

  monotonicMs(): number {
    return performance.now();
  }

  schedule(delayMs: number, fire: () => void): Timer {
    // Longer delays overflow Node's 32-bit timer and would fire at once.
    const timer = setTimeout(fire, Math.min(Math.max(0, delayMs), 2 ** 31 - 1));
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  }

  delay(delayMs: number, signal?: AbortSignal): Promise<void> {
    return delayBy(this, delayMs, signal);
  }

  turn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }
}

/** After this many turns without waiting for time, the work is considered endless. */
const MOST_TURNS = 100_000;

/**
 * A clock that stands still until a test advances it. Timers fire in order of time, then of scheduling. Turns resolve
 * one at a time, in the order of the calls, each after every promise callback that the previous one triggered has run.
 */
export class SimClock implements Clock {
  /**
   * Relative to the start: wall-clock milliseconds are too large to hold fractions, and a wait for one would never end.
   */
  #elapsedMs = 0;
  readonly #timers = new TimerHeap();
  readonly #turns: (() => void)[] = [];

  /** @param startMs wall-clock start, in ms since 1970. */
  constructor(private readonly startMs = 1_700_000_000_000) {}

  nowMs(): number {
    return Math.floor(this.startMs + this.#elapsedMs);
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  schedule(delayMs: number, fire: () => void): Timer {
    return this.#timers.add(this.#elapsedMs + Math.max(0, delayMs), fire);
  }

  delay(delayMs: number, signal?: AbortSignal): Promise<void> {
    return delayBy(this, delayMs, signal);
  }

  turn(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#turns.push(resolve) === 1) setImmediate(() => this.#endTurn());
    });
  }

  /**
   * Resolves once nothing more happens until time moves or the caller acts: all promise callbacks have run and every
   * turn has resolved. It does not see work that waits for a socket, a file or a thread.
   *
   * @throws InvariantError when code calls `turn` forever without waiting for time.
   */
  async settled(): Promise<void> {
    for (let turns = 0; turns < MOST_TURNS; turns++) {
      await callbacksRun();
      if (this.#turns.length === 0) return;
    }
    throw new InvariantError("Code calls Clock.turn forever without time passing: it must wait for a time or an event");
  }

  /** Moves time forward and fires the timers due on the way. Everything settles before each step and at the end. */
  async advance(byMs: number): Promise<void> {
    if (byMs < 0) throw new InvariantError(`A clock cannot go back by ${byMs} ms`);
    const untilMs = this.#elapsedMs + byMs;
    for (;;) {
      await this.settled();
      const nextMs = this.#timers.nextMs;
      if (nextMs === undefined || nextMs > untilMs) break;
      this.#elapsedMs = Math.max(this.#elapsedMs, nextMs);
      this.#timers.take()?.();
    }
    this.#elapsedMs = untilMs;
  }

  /** Pending timers, for a test's leak check. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  #endTurn(): void {
    this.#turns.shift()?.();
    if (this.#turns.length > 0) setImmediate(() => this.#endTurn());
  }
}

function delayBy(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      timer.cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = clock.schedule(delayMs, done);
    signal?.addEventListener("abort", done, { once: true });
  });
}

/** Resolves once all queued promise callbacks have run, including those they queue in turn. */
function callbacksRun(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

interface HeapTimer {
  readonly atMs: number;
  readonly sequence: number;
  readonly fire: () => void;
  /** Its position in the heap; -1 once removed. */
  index: number;
}

/** Timers in order of time, then of adding. A binary heap, because a simulation can hold many. */
class TimerHeap {
  readonly #timers: HeapTimer[] = [];
  #sequence = 0;

  get size(): number {
    return this.#timers.length;
  }

  /** The due time of the first timer; undefined when there is none. */
  get nextMs(): number | undefined {
    return this.#timers[0]?.atMs;
  }

  /** Adds a timer; its `cancel` removes it. */
  add(atMs: number, fire: () => void): Timer {
    const timer: HeapTimer = { atMs, sequence: this.#sequence++, fire, index: this.#timers.length };
    this.#timers.push(timer);
    this.#rise(timer);
    return { cancel: () => this.#remove(timer) };
  }

  /** Removes the first timer and returns its `fire`. */
  take(): (() => void) | undefined {
    const first = this.#timers[0];
    if (first) this.#remove(first);
    return first?.fire;
  }

  #remove(timer: HeapTimer): void {
    const { index } = timer;
    if (index < 0) return;
    timer.index = -1;
    const last = this.#timers.pop()!;
    if (last === timer) return;
    this.#put(last, index);
    this.#rise(last);
    this.#sink(last);
  }

  #rise(timer: HeapTimer): void {
    while (timer.index > 0) {
      const parent = this.#timers[(timer.index - 1) >> 1]!;
      if (!isBefore(timer, parent)) return;
      this.#swap(timer, parent);
    }
  }

  #sink(timer: HeapTimer): void {
    for (;;) {
      const left = this.#timers[2 * timer.index + 1];
      const right = this.#timers[2 * timer.index + 2];
      const child = left && right && isBefore(right, left) ? right : left;
      if (!child || !isBefore(child, timer)) return;
      this.#swap(child, timer);
    }
  }

  #swap(a: HeapTimer, b: HeapTimer): void {
    const { index } = a;
    this.#put(a, b.index);
    this.#put(b, index);
  }

  #put(timer: HeapTimer, index: number): void {
    this.#timers[index] = timer;
    timer.index = index;
  }
}

function isBefore(a: HeapTimer, b: HeapTimer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
}
