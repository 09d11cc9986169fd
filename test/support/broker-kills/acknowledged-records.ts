import type { KeptRecord } from "./topic-requests.js";

/** The records of one partition that one or several producers number in the order in which they send them. */
export class AcknowledgedRecords {
  readonly #byOffset = new Map<number, number>();
  #sent = 0;

  /** The numbers of the next `count` records. */
  take(count: number): readonly number[] {
    return Array.from({ length: count }, () => this.#sent++);
  }

  acknowledged(baseOffset: number, numbers: readonly number[]): void {
    for (const [at, number] of numbers.entries()) this.#byOffset.set(baseOffset + at, number);
  }

  /** @throws Error unless the acknowledged are there once, where they were acknowledged, and all are in order. */
  check(content: readonly KeptRecord[]): void {
    let last = -1;
    for (const [at, { offset, value }] of content.entries()) {
      const number = Number.parseInt(value ?? "", 10);
      if (offset !== at) throw new Error(`offset ${at} is missing, ${offset} follows`);
      if (!(number > last && number < this.#sent)) throw new Error(`record ${number} at ${offset} follows ${last}`);
      last = number;
    }
    for (const [offset, number] of this.#byOffset) {
      const found = content[offset]?.value ?? "nothing";
      if (Number.parseInt(found, 10) !== number)
        throw new Error(`${number} was acknowledged at ${offset}, which holds ${found}`);
    }
  }
}
