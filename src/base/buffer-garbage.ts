import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Clock } from "./clock.js";

const CHECK_EVERY_MS = 50;
/** A collection is worth its cost after this much growth. */
const WORTH_BYTES = 4 * 1024 * 1024;

/** The part of V8's heap interface that BufferGarbage uses. */
export interface BufferHeap {
  /** Bytes of all buffers of this thread, including uncollected garbage. */
  externalBytes(): number;
  /** Collects young garbage. The bytes of a freed buffer may still be counted until the next call. */
  collectYoung(): void;
}

/**
 * Collects the buffers that a thread has dropped before they pile up. V8 schedules collections by the size of objects,
 * and lets 32 MiB of young and 64 MiB of old buffers accumulate before it checks whether they are still in use. A
 * thread that moves records drops that much in half a second, and malloc then keeps the peak. There are few young
 * objects besides the buffers, so a collection takes less than a millisecond.
 */
export class BufferGarbage {
  /** The lowest size since the last collection. */
  #floorBytes: number;

  constructor(
    private readonly clock: Clock,
    private readonly heap: BufferHeap = thisThread(),
  ) {
    this.#floorBytes = heap.externalBytes();
  }

  /** Checks every 50 ms for as long as the thread lives. Called once by each thread that moves records. */
  start(): void {
    this.clock.schedule(CHECK_EVERY_MS, () => {
      this.#collectIfGrown();
      this.start();
    });
  }

  #collectIfGrown(): void {
    const bytes = this.heap.externalBytes();
    if (bytes - this.#floorBytes > WORTH_BYTES) {
      this.heap.collectYoung();
      this.#floorBytes = this.heap.externalBytes();
    } else if (bytes < this.#floorBytes) this.#floorBytes = bytes;
  }
}

function thisThread(): BufferHeap {
  // V8 exposes `gc` to contexts created while the flag is set: only to this one.
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as (options: { readonly type: "minor" }) => void;
  setFlagsFromString("--no-expose-gc");
  return {
    externalBytes: () => getHeapStatistics().external_memory,
    collectYoung: () => gc({ type: "minor" }),
  };
}
