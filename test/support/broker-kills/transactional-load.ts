import type { Random } from "../../../src/base/random.js";
import { addOffsetsToTxn } from "../../../src/protocol/apis/add-offsets-to-txn.js";
import { addPartitionsToTxn } from "../../../src/protocol/apis/add-partitions-to-txn.js";
import { endTxn } from "../../../src/protocol/apis/end-txn.js";
import { initProducerId } from "../../../src/protocol/apis/init-producer-id.js";
import { txnOffsetCommit } from "../../../src/protocol/apis/txn-offset-commit.js";
import { ErrorCodes } from "../../../src/protocol/error-codes.js";
import type { BrokerClient } from "../broker-client.js";
import { batchOf } from "../broker-log.js";
import { committedOffset } from "./commits-load.js";
import { TABLE } from "./compacted-load.js";
import type { KillLoad } from "./kill-load.js";
import { LatestValues } from "./latest-values.js";
import { accepted, committedContentOf, create, send } from "./topic-requests.js";
import { TransactionJournal } from "./transaction-journal.js";

/** Of all transactional producers. */
export const TRANSACTIONAL = "transactional";
export const PARTITIONS = 2;
const KEYS = 5;

type Step = (client: BrokerClient) => Promise<void>;

/**
 * A transactional producer that commits and aborts: records in two partitions, keys of a compacted topic, and offsets of
 * a group. After a kill it goes on where it was, with the requests that were unanswered, or begins a new session.
 */
export class TransactionalLoad implements KillLoad {
  readonly journal = new TransactionJournal();
  readonly #table = new LatestValues();
  #session: { readonly producerId: number; readonly producerEpoch: number } | undefined;
  /** The next sequence by place; begins again with each epoch. */
  readonly #sequences = new Map<string, number>();
  /** The rest of the transaction. */
  #steps: Step[] = [];
  #isOffsetSent = false;
  #committedOffset = -1;

  /** @param version of Kafka's transaction protocol; in 2 the epoch rises with each transaction (KIP-890). */
  constructor(
    readonly name: string,
    private readonly version: 1 | 2,
    private readonly random: Random,
    private readonly createsTopic: boolean,
  ) {}

  async prepare(client: BrokerClient): Promise<void> {
    if (this.createsTopic) await create(client, TRANSACTIONAL, PARTITIONS, { "segment.bytes": "20000" });
  }

  async work(client: BrokerClient, acted: () => void): Promise<never> {
    if (this.#session && this.random.next() < 0.5) await this.#beginSession(client);
    for (;;) {
      if (!this.#session) await this.#beginSession(client);
      if (this.#steps.length === 0) this.#begin();
      await this.#steps[0]!(client);
      this.#steps.shift();
      acted();
    }
  }

  /** A new session aborts what is open; what is ending has ended once it is answered. */
  async #beginSession(client: BrokerClient): Promise<void> {
    this.#session = undefined;
    const request = { transactionalId: this.name, transactionTimeoutMs: 60_000 };
    const answer = await client.request(initProducerId, 4, request);
    accepted(answer.errorCode, `InitProducerId of ${this.name}`);
    const { last } = this.journal;
    if (last?.outcome === "open" || last?.outcome === "aborting") this.#aborted();
    if (last?.outcome === "committing") {
      const seen: boolean[] = [];
      for (const partition of last.values.keys()) {
        const isSeen = this.journal.check(await this.#contentOf(client, partition), partition);
        if (last.values[partition]!.length > 0) seen.push(isSeen);
      }
      if (new Set(seen).size > 1) throw new Error(`transaction ${last.number} is seen in one partition only`);
      if (seen[0]) this.#committed();
      else this.#aborted();
    }
    this.#steps = [];
    this.#sequences.clear();
    this.#session = { producerId: answer.producerId, producerEpoch: answer.producerEpoch };
  }

  /** The counts of the table's keys, called once they are committed. */
  #tableCounts: () => void = () => undefined;

  #committed(): void {
    const last = this.journal.last!;
    last.outcome = "committed";
    this.#tableCounts();
    if (this.#isOffsetSent) this.#committedOffset = last.number;
    this.#over();
  }

  #aborted(): void {
    this.journal.last!.outcome = "aborted";
    this.#over();
  }

  #over(): void {
    this.#table.forgetUnanswered();
    this.#isOffsetSent = false;
    this.#tableCounts = () => undefined;
  }

  /** Plans a transaction, with the bytes that it sends however often. */
  #begin(): void {
    const { random } = this;
    const number = (this.journal.last?.number ?? 0) + 1;
    const values: string[][] = Array.from({ length: PARTITIONS }, () => []);
    const transaction = { number, outcome: "open" as const, values };
    this.journal.add(transaction);
    this.#steps = this.version === 1 ? [(client) => this.#addPartitions(client)] : [];
    for (let batch = 0; batch <= random.integer(3); batch++) {
      const partition = random.integer(PARTITIONS);
      const texts = Array.from({ length: 1 + random.integer(3) }, (_, at) => `${this.name} ${number} ${batch}.${at}`);
      values[partition]!.push(...texts);
      this.#plan(
        TRANSACTIONAL,
        partition,
        texts.map((value) => ({ value })),
      );
    }
    if (random.next() < 0.5) {
      const entries = [[`${this.name}-${random.integer(KEYS)}`, this.#table.next()] as const];
      this.#plan(
        TABLE,
        0,
        entries.map(([key, value]) => ({ key, value: String(value) })),
      );
      this.#tableCounts = this.#table.sent(entries);
    }
    if (random.next() < 0.3) this.#steps.push((client) => this.#commitOffset(client, number));
    const isCommit = random.next() < 0.6;
    this.#steps.push((client) => this.#end(client, isCommit));
  }

  #plan(topic: string, partition: number, records: readonly { readonly key?: string; readonly value: string }[]): void {
    const place = `${topic}-${partition}`;
    const baseSequence = this.#sequences.get(place) ?? 0;
    this.#sequences.set(place, baseSequence + records.length);
    const batch = batchOf(records, { ...this.#session!, baseSequence, isTransactional: true });
    const version = this.version === 1 ? 9 : 12;
    this.#steps.push(
      async (client) => void (await send(client, topic, partition, batch, { transactionalId: this.name, version })),
    );
  }

  async #addPartitions(client: BrokerClient): Promise<void> {
    const partitions = Array.from({ length: PARTITIONS }, (_, at) => at);
    const topics = [
      { name: TRANSACTIONAL, partitions },
      { name: TABLE, partitions: [0] },
    ];
    const { results } = await client.request(addPartitionsToTxn, 3, { ...this.#named(), topics });
    for (const { errorCode } of results.flatMap((each) => each.partitions)) accepted(errorCode, "AddPartitionsToTxn");
  }

  async #commitOffset(client: BrokerClient, offset: number): Promise<void> {
    this.#isOffsetSent = true;
    const groupId = this.name;
    if (this.version === 1) {
      const { errorCode } = await client.request(addOffsetsToTxn, 3, { ...this.#named(), groupId });
      accepted(errorCode, "AddOffsetsToTxn");
    }
    const partitions = [{ partitionIndex: 0, committedOffset: offset, committedMetadata: null }];
    const request = { ...this.#named(), groupId, topics: [{ name: TRANSACTIONAL, partitions }] };
    const answer = await client.request(txnOffsetCommit, this.version === 1 ? 3 : 5, request);
    accepted(answer.topics[0]!.partitions[0]!.errorCode, "TxnOffsetCommit");
  }

  async #end(client: BrokerClient, isCommit: boolean): Promise<void> {
    this.journal.last!.outcome = isCommit ? "committing" : "aborting";
    const request = { ...this.#named(), committed: isCommit };
    let answer = await client.request(endTxn, this.version === 1 ? 4 : 5, request);
    // The broker may still be carrying out what the unanswered request has begun.
    while (answer.errorCode === ErrorCodes.CONCURRENT_TRANSACTIONS)
      answer = await client.request(endTxn, this.version === 1 ? 4 : 5, request);
    accepted(answer.errorCode, `EndTxn of ${this.name}`);
    if (isCommit) this.#committed();
    else this.#aborted();
    if (this.version === 1) return;
    this.#session = { producerId: answer.producerId, producerEpoch: answer.producerEpoch };
    this.#sequences.clear();
  }

  #named() {
    return { transactionalId: this.name, ...this.#session! };
  }

  async #contentOf(client: BrokerClient, partition: number) {
    const content = await committedContentOf(client, TRANSACTIONAL, partition);
    return content.filter(({ value }) => value?.startsWith(`${this.name} `));
  }

  async check(client: BrokerClient): Promise<void> {
    for (let partition = 0; partition < PARTITIONS; partition++)
      this.journal.check(await this.#contentOf(client, partition), partition);
    const table = await committedContentOf(client, TABLE, 0);
    const isUndecided = this.journal.last?.outcome === "committing";
    this.#table.check(table, (key) => key.startsWith(`${this.name}-`), isUndecided);
    const found = await committedOffset(client, this.name, TRANSACTIONAL);
    const allowed = [this.#committedOffset, ...(isUndecided && this.#isOffsetSent ? [this.journal.last!.number] : [])];
    if (!allowed.includes(found)) throw new Error(`its group is at ${found} instead of ${allowed.join(" or ")}`);
  }
}
