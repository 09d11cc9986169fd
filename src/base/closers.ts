/**
 * Closes resources in reverse order of opening. When closing one fails, the others are closed all the same; then all
 * failures are thrown together.
 */
export class Closers {
  readonly #closers: { name: string; close: () => void | Promise<void> }[] = [];

  /** Adds a resource that was just opened. */
  add(name: string, close: () => void | Promise<void>): void {
    this.#closers.push({ name, close });
  }

  /** Closes every resource added so far; a second call closes only those added since. */
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
