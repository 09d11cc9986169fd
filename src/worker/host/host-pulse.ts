import type { Clock, Timer } from "../../api/index.js";
import { judgeHost } from "./host-watch.js";

export interface HostPulseParts {
  readonly clock: Clock;
  /** `task.host.timeout.ms` */
  readonly timeoutMs: number;
  /** Sends the host a message that it answers at once. */
  readonly ask: () => void;
  /** The host has not answered for too long; called once. */
  readonly silent: (reason: string) => void;
}

const LOOK_EVERY_MS = 2000;
/**
 * The limit for a host that still loads our own modules. No plugin's code runs there yet, so it does not hang: it is
 * slow, because the machine is busy, possibly with as many hosts as there are dedicated tasks.
 */
const START_MS = 300_000;

/** Checks every two seconds, from its creation until `stop`, that one host answers. */
export class HostPulse {
  #lastHeardMs: number;
  #lastLookMs: number;
  #hasStarted = false;
  #timer: Timer;

  constructor(private readonly parts: HostPulseParts) {
    const nowMs = parts.clock.monotonicMs();
    this.#lastHeardMs = nowMs;
    this.#lastLookMs = nowMs;
    this.#timer = parts.clock.schedule(LOOK_EVERY_MS, () => this.#look());
  }

  /** The host has sent a message. */
  heard(): void {
    this.#lastHeardMs = this.parts.clock.monotonicMs();
  }

  /** The host has loaded our own modules: from now on it may be silent for `timeoutMs` only, no longer five minutes. */
  started(): void {
    this.#hasStarted = true;
  }

  /** Since the last message. */
  get silentMs(): number {
    return this.parts.clock.monotonicMs() - this.#lastHeardMs;
  }

  stop(): void {
    this.#timer.cancel();
  }

  #look(): void {
    const { clock, timeoutMs, ask, silent } = this.parts;
    const nowMs = clock.monotonicMs();
    const signs = { nowMs, lastHeardMs: this.#lastHeardMs, lastLookMs: this.#lastLookMs };
    this.#lastLookMs = nowMs;
    const limitMs = this.#hasStarted ? timeoutMs : Math.max(timeoutMs, START_MS);
    const verdict = judgeHost(signs, LOOK_EVERY_MS, limitMs);
    if (verdict.kind === "silent") {
      silent(`it has not answered for ${Math.round(verdict.silentMs / 1000)} s`);
      return;
    }
    this.#timer = clock.schedule(LOOK_EVERY_MS, () => this.#look());
    ask();
  }
}
