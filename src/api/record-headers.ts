/** A header as stored in a topic's record. Keys may repeat, and order matters. */
export interface RecordHeader {
  readonly key: string;
  /** null: a header without a value. */
  readonly value: Buffer | null;
}

/** The headers of a record being written: its own, and those its converters add. */
export class RecordHeaders {
  #all: readonly RecordHeader[];

  /** @param all kept and never modified: records with the same headers share the list. */
  constructor(all: readonly RecordHeader[] = []) {
    this.#all = all;
  }

  get all(): readonly RecordHeader[] {
    return this.#all;
  }

  /** Appends a header. Headers with the same key remain, as in Kafka. */
  add(header: RecordHeader): void {
    this.#all = [...this.#all, header];
  }
}
