import { AsyncLocalStorage, createHook } from "node:async_hooks";

/**
 * Knows whose code this thread runs: also in the timers, promises and events that the code has left behind. The number
 * is written to shared memory whenever the thread enters a callback, so that it can be read from outside when the thread
 * is dead or hangs.
 */
export class CodeOwner {
  readonly #owners = new AsyncLocalStorage<number>();
  readonly #shared: Int32Array;

  /** @param shared four bytes, all zero: nobody. */
  constructor(shared: SharedArrayBuffer) {
    this.#shared = new Int32Array(shared);
    createHook({ before: () => this.#enter(this.#owners.getStore() ?? 0) }).enable();
  }

  /** Runs `work`, and all that follows from it, as code of that owner. */
  run<T>(owner: number, work: () => T): T {
    return this.#owners.run(owner, () => {
      this.#enter(owner);
      return work();
    });
  }

  /** Whose code is at work, or was last when an error has just come out of it; 0: nobody's. */
  get current(): number {
    return this.#owners.getStore() ?? Atomics.load(this.#shared, 0);
  }

  #enter(owner: number): void {
    Atomics.store(this.#shared, 0, owner);
  }
}
