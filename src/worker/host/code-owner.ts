import { AsyncLocalStorage, createHook } from "node:async_hooks";

/**
 * Tracks whose code this thread runs, also in timers, promises and events that the code left behind. Each callback
 * writes the owner's number to shared memory, where other threads can read it after this one died or hung.
 */
export class CodeOwner {
  readonly #owners = new AsyncLocalStorage<number>();
  readonly #shared: Int32Array;

  /** @param shared four bytes, all zero: no owner. */
  constructor(shared: SharedArrayBuffer) {
    this.#shared = new Int32Array(shared);
    createHook({ before: () => this.#enter(this.#owners.getStore() ?? 0) }).enable();
  }

  /** Runs `work`, and everything it starts, as code of that owner. */
  run<T>(owner: number, work: () => T): T {
    return this.#owners.run(owner, () => {
      this.#enter(owner);
      return work();
    });
  }

  /** The owner of the running code, or of the code that has just thrown; 0: none. */
  get current(): number {
    return this.#owners.getStore() ?? Atomics.load(this.#shared, 0);
  }

  #enter(owner: number): void {
    Atomics.store(this.#shared, 0, owner);
  }
}
