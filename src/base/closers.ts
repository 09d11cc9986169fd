/**
 * Things to close, in reverse order of opening. One that fails does not keep the others open: all are tried, then the
 * failures are thrown together.
 */
export class Closers {
  readonly #closers: { name: string; close: () => void | Promise<void> }[] = [];

  /** Notes how to close what was just opened. */
  add(name: string, close: () => void | Promise<void>): void {
    this.#closers.push({ name, close });
  }

  /** Closes everything noted so far; calling it again closes only what was added since. */
  async close(): Promise<void> {
    const failures: Error[] = [];
    for (let closer = this.#closers.pop(); closer; closer = this.#closers.pop()) {
      try {
        await closer.close();
      } catch (cause) {
        failures.push(new Error(`Closing ${closer.name} failed`, { cause }));
      }
    }
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, `Closing ${failures.length} parts failed`);
  }
}
