/** A header as it stands in a record of a topic: keys may repeat, order counts. */
export interface RecordHeader {
  readonly key: string;
  /** null: a header without a value. */
  readonly value: Buffer | null;
}

/** The headers of a record that is being written: those of the record itself, and what its converters add. */
export class RecordHeaders {
  #all: readonly RecordHeader[];

  /** @param all kept, never changed: records that share their headers share the list. */
  constructor(all: readonly RecordHeader[] = []) {
    this.#all = all;
  }

  get all(): readonly RecordHeader[] {
    return this.#all;
  }

  /** Appends a header; one with the same key stays, as in Kafka. */
  add(header: RecordHeader): void {
    this.#all = [...this.#all, header];
  }
}
