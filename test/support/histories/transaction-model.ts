/** A record or marker at one offset of a log, as it was appended. */
export type ModelEntry = {
  readonly offset: number;
  /** -1: none. */
  readonly producerId: number;
  readonly epoch: number;
} & (
  | { readonly kind: "record"; readonly key: string; readonly value: string; readonly isTransactional: boolean }
  | { readonly kind: "marker"; readonly isCommit: boolean }
);

/** A batch as its producer knows it. */
export interface ModelBatch {
  readonly producerId: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly baseOffset: number;
  readonly records: readonly { readonly key: string; readonly value: string }[];
  readonly isTransactional: boolean;
}

/** What follows from the entries for one producer. */
export interface ModelProducer {
  readonly epoch: number;
  readonly nextSequence: number;
  /** -1: no transaction is open. */
  readonly firstOffset: number;
}

/**
 * What a log must hold, worked out from a plain list of everything that was appended to it: the slow way, from the
 * start each time.
 */
export class TransactionModel {
  #entries: ModelEntry[] = [];
  #batches: ModelBatch[] = [];

  get end(): number {
    return (this.#entries.at(-1)?.offset ?? -1) + 1;
  }

  add(entries: readonly ModelEntry[], batch?: ModelBatch): void {
    this.#entries.push(...entries);
    if (batch) this.#batches.push(batch);
  }

  /** A crash has taken what was appended from `end` on. */
  truncate(end: number): void {
    this.#entries = this.#entries.filter(({ offset }) => offset < end);
    this.#batches = this.#batches.filter(({ baseOffset }) => baseOffset < end);
  }

  producer(producerId: number): ModelProducer {
    let [epoch, nextSequence, firstOffset] = [0, 0, -1];
    for (const entry of this.#entries) {
      if (entry.producerId !== producerId) continue;
      if (entry.epoch !== epoch) nextSequence = 0;
      epoch = entry.epoch;
      if (entry.kind === "marker") firstOffset = -1;
      else {
        nextSequence++;
        if (entry.isTransactional && firstOffset < 0) firstOffset = entry.offset;
      }
    }
    return { epoch, nextSequence, firstOffset };
  }

  /** The newest batches of a producer's epoch, oldest first. */
  batches(producerId: number, epoch: number): ModelBatch[] {
    return this.#batches.filter((batch) => batch.producerId === producerId && batch.epoch === epoch);
  }

  /** Producers with an open transaction, by its first offset. */
  open(): { producerId: number; firstOffset: number }[] {
    const ids = new Set(this.#entries.map(({ producerId }) => producerId));
    return [...ids]
      .map((producerId) => ({ producerId, firstOffset: this.producer(producerId).firstOffset }))
      .filter(({ firstOffset }) => firstOffset >= 0)
      .sort((a, b) => a.firstOffset - b.firstOffset);
  }

  /** The last stable offset of a log that has these ends. */
  stable(highWatermark: number, logStartOffset: number): number {
    const readable = new TransactionModel();
    readable.add(this.#entries.filter(({ offset }) => offset < highWatermark));
    const first = readable.open()[0]?.firstOffset ?? highWatermark;
    return Math.min(highWatermark, Math.max(first, logStartOffset));
  }

  /** The records in `[from, to)` that are in no transaction, or in one that was committed. */
  committed(from: number, to: number): Extract<ModelEntry, { kind: "record" }>[] {
    return this.#entries
      .filter((entry) => entry.kind === "record")
      .filter((entry) => entry.offset >= from && entry.offset < to && this.#isCommitted(entry));
  }

  #isCommitted(record: Extract<ModelEntry, { kind: "record" }>): boolean {
    if (!record.isTransactional) return true;
    const marker = this.#entries.find(
      (entry) => entry.kind === "marker" && entry.producerId === record.producerId && entry.offset > record.offset,
    );
    return marker?.kind === "marker" && marker.isCommit;
  }
}
