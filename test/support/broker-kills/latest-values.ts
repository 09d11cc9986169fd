import type { KeptRecord } from "./topic-requests.js";

/** A key's value, null once it is deleted. */
type Value = number | null;

/** The latest values of keys that one producer writes, as far as it knows them. Values of a key rise. */
export class LatestValues {
  readonly #latest = new Map<string, Value>();
  /** Of records that are not acknowledged, in order. */
  readonly #unanswered: (readonly [key: string, value: Value])[][] = [];
  #written = 0;

  /** A value that no key has had. */
  next(): number {
    return ++this.#written;
  }

  /** Notes the records of a batch that is sent. Returns what to call once they count; without it they may count. */
  sent(records: readonly (readonly [key: string, value: Value])[]): () => void {
    const batch = [...records];
    this.#unanswered.push(batch);
    return () => {
      for (const [key, value] of batch) this.#latest.set(key, value);
      this.#unanswered.splice(this.#unanswered.indexOf(batch), 1);
    };
  }

  /** Notes that of the unanswered records none counts. */
  forgetUnanswered(): void {
    this.#unanswered.length = 0;
  }

  /**
   * @param content of a compacted topic; the keys of others are ignored.
   * @param mayCount whether unanswered records may count.
   * @throws Error unless each key has its latest value, or that of an unanswered record, and its values rise.
   */
  check(content: readonly KeptRecord[], isOurs: (key: string) => boolean, mayCount = true): ReadonlyMap<string, Value> {
    const found = new Map<string, Value>();
    const highest = new Map<string, number>();
    for (const { offset, key, value } of content) {
      if (key === null || !isOurs(key)) continue;
      const number = value === null ? null : Number.parseInt(value, 10);
      if (number !== null && number <= (highest.get(key) ?? 0))
        throw new Error(`${key} has ${number} at ${offset}, after ${highest.get(key)}`);
      if (number !== null) highest.set(key, number);
      found.set(key, number);
    }
    for (const key of new Set([...found.keys(), ...this.#latest.keys()])) {
      const unanswered = (mayCount ? this.#unanswered.flat() : []).filter(([of]) => of === key);
      const allowed = [this.#latest.get(key) ?? null, ...unanswered.map(([, value]) => value)];
      const value = found.get(key) ?? null;
      if (!allowed.includes(value)) throw new Error(`${key} has ${value} instead of ${allowed.join(" or ")}`);
    }
    return found;
  }

  /** Takes what a start has left for what counts: nothing unanswered comes later. */
  adopt(found: ReadonlyMap<string, Value>): void {
    for (const key of this.#latest.keys()) if (!found.has(key)) this.#latest.set(key, null);
    for (const [key, value] of found) this.#latest.set(key, value);
    this.forgetUnanswered();
  }
}
