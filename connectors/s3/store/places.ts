import { setMaxListeners } from "node:events";

/** Bounds how many of something run at once. Those that wait their turn give up when their signal aborts. */
export class Places {
  #taken = 0;
  readonly #queue: (() => void)[] = [];

  constructor(private readonly limit: number) {}

  /** Resolves with true once there is a place, which `leave` gives back, or with false once the signal aborts. */
  async enter(ending: AbortSignal): Promise<boolean> {
    if (ending.aborted) return false;
    if (this.#taken < this.limit) {
      this.#taken++;
      return true;
    }
    setMaxListeners(0, ending); // of as many as wait
    return new Promise<boolean>((resolve) => {
      const giveUp = () => {
        this.#queue.splice(this.#queue.indexOf(enter), 1);
        resolve(false);
      };
      const enter = () => {
        ending.removeEventListener("abort", giveUp);
        resolve(true);
      };
      this.#queue.push(enter);
      ending.addEventListener("abort", giveUp, { once: true });
    });
  }

  leave(): void {
    // Passed to the next in line directly: no other can take it in between.
    const next = this.#queue.shift();
    if (next) next();
    else this.#taken--;
  }
}
