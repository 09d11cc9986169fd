/** Runs steps with the same key one at a time, in the order of their calls. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `step` after all earlier ones of `key`, whatever their outcome. */
  take<T>(key: string, step: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(key) ?? Promise.resolve()).then(step);
    const ended: Promise<void> = turn.then(
      () => this.#end(key, ended),
      () => this.#end(key, ended),
    );
    this.#last.set(key, ended);
    return turn;
  }

  #end(key: string, ended: Promise<void>): void {
    if (this.#last.get(key) === ended) this.#last.delete(key);
  }
}
