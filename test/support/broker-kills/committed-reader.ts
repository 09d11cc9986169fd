import type { BrokerClient } from "../broker-client.js";
import type { KillLoad } from "./kill-load.js";
import { committedContentOf, fetchFrom, type KeptRecord } from "./topic-requests.js";
import { PARTITIONS, TRANSACTIONAL, type TransactionalLoad } from "./transactional-load.js";

/** A reader of committed records that reads on through all kills, and never twice. */
export class CommittedReader implements KillLoad {
  readonly name = "reader";
  readonly #read: { position: number; readonly records: KeptRecord[] }[] = Array.from({ length: PARTITIONS }, () => ({
    position: 0,
    records: [],
  }));

  constructor(private readonly producers: readonly TransactionalLoad[]) {}

  async prepare(): Promise<void> {}

  async work(client: BrokerClient): Promise<never> {
    for (;;) for (const partition of this.#read.keys()) await this.#fetch(client, partition, 20);
  }

  async #fetch(client: BrokerClient, partition: number, maxWaitMs: number): Promise<boolean> {
    const read = this.#read[partition]!;
    const answer = await fetchFrom(client, TRANSACTIONAL, partition, "read_committed", read.position, maxWaitMs);
    for (const { offset, value } of answer.records) {
      const [name, number] = value!.split(" ");
      const producer = this.producers.find((each) => each.name === name)!;
      if (!producer.journal.maySee(Number(number))) throw new Error(`${value} is seen at ${offset} before its commit`);
    }
    read.records.push(...answer.records);
    read.position = answer.nextOffset;
    return read.position < answer.end;
  }

  async check(client: BrokerClient): Promise<void> {
    for (const [partition, { records }] of this.#read.entries()) {
      while (await this.#fetch(client, partition, 0));
      const content = await committedContentOf(client, TRANSACTIONAL, partition);
      const isSame = records.every((record, at) => record.value === content[at]?.value);
      if (!isSame) throw new Error(`partition ${partition} was read otherwise before the kill`);
      // Only what is open, or still being ended, may hold it back.
      const isHeldBack = this.producers.some(({ journal }) => journal.isUndecided);
      if (records.length < content.length && !isHeldBack)
        throw new Error(`partition ${partition} hides what is committed`);
    }
  }
}
