import type { Writable } from "node:stream";
import type { Clock } from "../api/clock.js";

/** How often progress is printed where lines cannot be written over. */
const PLAIN_INTERVAL_MS = 2000;

/** Prints the demo: lines that stay, and below them one that shows progress. */
export class DemoScreen {
  readonly #out: Writable;
  readonly #isTerminal: boolean;
  readonly #clock: Clock;
  readonly #startMs: number;
  #progress = "";
  #plainMs = Number.NEGATIVE_INFINITY;

  constructor(out: Writable, isTerminal: boolean, clock: Clock) {
    this.#out = out;
    this.#isTerminal = isTerminal;
    this.#clock = clock;
    this.#startMs = clock.monotonicMs();
  }

  /** Prints a line that stays. */
  line(text = ""): void {
    this.#clear();
    this.#out.write(`${text}\n`);
  }

  /** Prints a line that stays, with the time since the start before it. */
  step(text: string): void {
    this.line(`${this.#elapsed()}  ${text}`);
  }

  /** Shows progress; on a terminal each call replaces the last. */
  progress(text: string): void {
    if (this.#isTerminal) {
      this.#clear();
      this.#progress = `${this.#elapsed()}  ${text}`;
      this.#out.write(this.#progress);
      return;
    }
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#plainMs < PLAIN_INTERVAL_MS) return;
    this.#plainMs = nowMs;
    this.step(text);
  }

  #clear(): void {
    if (this.#progress !== "") this.#out.write("\r\u001b[2K");
    this.#progress = "";
  }

  #elapsed(): string {
    return `${((this.#clock.monotonicMs() - this.#startMs) / 1000).toFixed(1).padStart(5)} s`;
  }
}
