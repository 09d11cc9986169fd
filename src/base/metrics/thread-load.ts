import { performance } from "node:perf_hooks";
import type { Clock } from "../../api/clock.js";
import { WindowExtreme } from "./window-extreme.js";

/** The work and memory of one thread. */
export interface ThreadLoad {
  /** The event loop's time since the thread's start: at work, and waiting for events. */
  readonly activeMs: number;
  readonly idleMs: number;
  /** The longest delay of a timer in the last 30 to 60 s: how long events waited. */
  readonly delayMaxMs: number;
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  /** Memory outside the heap that its objects hold, such as buffers. */
  readonly externalBytes: number;
}

const LOOK_EVERY_MS = 1_000;

/** Measures the thread that it is created in. */
export class ThreadMeter {
  readonly #delays = new WindowExtreme("max");

  constructor(private readonly clock: Clock) {
    this.#look();
  }

  load(): ThreadLoad {
    const { active, idle } = performance.eventLoopUtilization();
    const { heapUsed, heapTotal, external } = process.memoryUsage();
    return {
      activeMs: active,
      idleMs: idle,
      delayMaxMs: this.#delays.value(this.clock.monotonicMs()),
      heapUsedBytes: heapUsed,
      heapTotalBytes: heapTotal,
      externalBytes: external,
    };
  }

  #look(): void {
    const dueMs = this.clock.monotonicMs() + LOOK_EVERY_MS;
    this.clock.schedule(LOOK_EVERY_MS, () => {
      const nowMs = this.clock.monotonicMs();
      this.#delays.note(nowMs - dueMs, nowMs);
      this.#look();
    });
  }
}
