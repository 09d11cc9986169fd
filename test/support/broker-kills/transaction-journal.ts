import type { KeptRecord } from "./topic-requests.js";

export type Outcome = "open" | "aborting" | "committing" | "aborted" | "committed";

/** A transaction of one producer, as far as this knows it. */
export interface JournaledTransaction {
  readonly number: number;
  outcome: Outcome;
  /** The values of its records, by partition. */
  readonly values: readonly (readonly string[])[];
}

/** The transactions of one producer, one after the other: what readers of committed records may see, and must. */
export class TransactionJournal {
  readonly #transactions: JournaledTransaction[] = [];

  get last(): JournaledTransaction | undefined {
    return this.#transactions.at(-1);
  }

  /** Whether the last one may still be open, or on its way to its end. */
  get isUndecided(): boolean {
    return this.last !== undefined && this.last.outcome !== "committed" && this.last.outcome !== "aborted";
  }

  add(transaction: JournaledTransaction): void {
    this.#transactions.push(transaction);
  }

  count(outcome: Outcome): number {
    return this.#transactions.filter((each) => each.outcome === outcome).length;
  }

  /** Whether its end is asked for, and may have come. */
  maySee(number: number): boolean {
    const outcome = this.#transactions.find((each) => each.number === number)?.outcome;
    return outcome === "committing" || outcome === "committed";
  }

  /**
   * @param content the producer's records in a partition, for readers of committed records.
   * @returns whether the last transaction, of unknown outcome, is seen.
   * @throws Error unless all committed records are there once and in order, and no others.
   */
  check(content: readonly KeptRecord[], partition: number): boolean {
    const committed = this.#transactions.filter(({ outcome }) => outcome === "committed");
    const expected = committed.flatMap(({ values }) => values[partition]!);
    const last = this.last?.outcome === "committing" ? this.last.values[partition]! : [];
    const found = content.map(({ value }) => value);
    const isSeen = last.length > 0 && found.length === expected.length + last.length;
    const whole = isSeen ? [...expected, ...last] : expected;
    for (let at = 0; at < Math.max(whole.length, found.length); at++) {
      if (whole[at] === found[at]) continue;
      throw new Error(
        `partition ${partition} has ${found[at] ?? "nothing"} where ${whole[at] ?? "nothing"} is committed`,
      );
    }
    return isSeen;
  }
}
