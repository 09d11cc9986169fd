import { sequenceAfter } from "../../protocol/records/sequence.js";

/** The sequence numbers of one producer id's batches, by partition. */
export class BatchSequences {
  readonly #next = new Map<string, number>();

  /** Takes the numbers of `count` records; returns the first. */
  take(topic: string, partition: number, count: number): number {
    const key = `${topic}-${partition}`;
    const base = this.#next.get(key) ?? 0;
    this.#next.set(key, sequenceAfter(base, count));
    return base;
  }
}
