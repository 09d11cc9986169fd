import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Clock } from "./clock.js";

const LOOK_EVERY_MS = 50;
/** Growth that is worth a collection. */
const WORTH_BYTES = 4 * 1024 * 1024;

/** What is looked at and asked of V8. */
export interface BufferHeap {
  /** Bytes of all buffers of this thread, garbage that was not collected included. */
  externalBytes(): number;
  /** Frees young garbage; what a buffer held may be counted until the next call. */
  collectYoung(): void;
}

/**
 * Keeps the buffers that a thread has dropped from piling up. V8 weighs objects, and lets 32 MiB of young buffers come
 * together, and 64 MiB of old ones, before it looks whether anybody still holds them; a thread that moves bytes makes
 * that much in half a second, and malloc then keeps the peak. The young objects beside them are few, so that looking
 * takes less than a millisecond.
 */
export class BufferGarbage {
  /** The least seen since the last collection. */
  #floorBytes: number;

  constructor(
    private readonly clock: Clock,
    private readonly heap: BufferHeap = thisThread(),
  ) {
    this.#floorBytes = heap.externalBytes();
  }

  /** Looks from now on, for as long as the thread lives. Called once by each thread that moves records. */
  start(): void {
    this.clock.schedule(LOOK_EVERY_MS, () => {
      this.#look();
      this.start();
    });
  }

  #look(): void {
    const bytes = this.heap.externalBytes();
    if (bytes - this.#floorBytes > WORTH_BYTES) {
      this.heap.collectYoung();
      this.#floorBytes = this.heap.externalBytes();
    } else if (bytes < this.#floorBytes) this.#floorBytes = bytes;
  }
}

function thisThread(): BufferHeap {
  // V8 tells `gc` to contexts that are made while the flag is set: to this one alone.
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as (options: { readonly type: "minor" }) => void;
  setFlagsFromString("--no-expose-gc");
  return {
    externalBytes: () => getHeapStatistics().external_memory,
    collectYoung: () => gc({ type: "minor" }),
  };
}
