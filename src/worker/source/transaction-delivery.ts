import {
  type Clock,
  ConfigError,
  ConflictError,
  type Logger,
  type Random,
  type SourceMap,
  type SourceOffset,
  type SourceRecord,
  type Timer,
  type TransactionContext,
} from "../../api/index.js";
import { deferred } from "../../base/deferred.js";
import { sourceMapKey } from "../../base/exact-json.js";
import type { TaskId } from "../../contract/task-id.js";
import type { ProducerListener, ProducerRecord } from "../../kafka/client/producer.js";
import type { TransactionalProducer } from "../../kafka/client/transactional-producer.js";
import { isFenced } from "../task/error-policy.js";
import type { NewConnectivity } from "../task/task-runner.js";
import { untilAnswered } from "../task/until-answered.js";
import type { OffsetRecords } from "../worker.js";
import { type DeliveryOwner, DRAIN_SHARE, type SourceDelivery, type Submission } from "./source-delivery.js";
import { type BoundarySettings, judgeBoundary } from "./transaction-boundary.js";
import { TransactionRequests } from "./transaction-requests.js";

/** The worker's side of a task's transactions. */
export interface Transactions extends BoundarySettings {
  /**
   * Called before the producer takes over its id: has the leader fence the tasks of earlier commits. Called again after
   * a retriable error.
   *
   * @throws the reason why the task must not run
   */
  fence(): Promise<void>;
  /** Called after that, and again after a retriable error. @throws the reason why the task must not run any more */
  confirm(): Promise<void>;
  /** The records that store these offsets, and their topic. */
  offsetRecords(offsets: readonly SourceOffset[]): Promise<OffsetRecords>;
  /** Called once the transaction with these offsets is committed, if its `offsetRecords` were `isOverlaid`. */
  committed(offsets: readonly SourceOffset[]): Promise<void>;
}

export interface TransactionDeliveryParts {
  readonly id: TaskId;
  readonly owner: DeliveryOwner;
  readonly transactions: Transactions;
  producer(listener: ProducerListener<Written>, connectivity: NewConnectivity): TransactionalProducer<Written>;
  /** `offset.flush.timeout.ms`: when the task ends, the time for the abort, and a share of it for the commit before. */
  readonly commitTimeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

type Written = "record" | "offset";

/**
 * Exactly-once delivery (KIP-618): a task's records and their offsets are written in one transaction, by a producer
 * that fences all former ones of the task. Whatever fails ends the task with the transaction aborted, and the next run
 * starts from the offsets of the last committed one. (I1)
 */
export class TransactionDelivery implements SourceDelivery {
  readonly #requests: TransactionRequests | undefined;
  /** The newest offset of each source partition since the last commit, by the partition's key. */
  readonly #offsets = new Map<string, SourceOffset>();
  /** Tasks reuse one object per source partition, so its key is computed once. */
  readonly #keys = new WeakMap<SourceMap, string>();
  #producer: TransactionalProducer<Written> | undefined;
  #offsetsTopic = "";
  #unsettled = 0;
  /** Records in the transaction so far, dropped ones included. */
  #done = 0;
  /** Records of the transaction that were produced. */
  #produced = 0;
  #endedAtMs = 0;
  #commitAsked = false;
  #isFinishing = false;
  #ended = false;
  /** The task ends before the rest of its last batch. */
  #isCut = false;
  /** The task waits no longer for the end of its last transaction, which may be committed all the same. */
  #isGivenUp = false;

  constructor(private readonly parts: TransactionDeliveryParts) {
    this.#requests = parts.transactions.boundary === "connector" ? new TransactionRequests() : undefined;
  }

  /** For the task's context. */
  get requests(): TransactionContext | undefined {
    return this.#requests;
  }

  get unsettled(): number {
    return this.#unsettled;
  }

  get awaitingBoundary(): number {
    const { boundary, intervalMs } = this.parts.transactions;
    const ageMs = this.parts.clock.monotonicMs() - this.#endedAtMs;
    const isDue = boundary === "poll" || (boundary === "interval" && ageMs >= intervalMs);
    return isDue || this.#isFinishing || this.bufferedBytes > 0 ? 0 : this.#done;
  }

  get bufferedBytes(): number {
    return this.#producer?.bufferedBytes ?? 0;
  }

  get full(): boolean {
    return this.#producer?.full ?? false;
  }

  async drained(): Promise<void> {
    await this.#producer?.drained();
  }

  async open(): Promise<void> {
    const { owner, transactions, clock, random, logger } = this.parts;
    const { life } = owner;
    const wait = { clock, random, logger, signal: life.ending, waiting: owner.connectivity() };
    try {
      const fence = () => this.#unlessEnding(transactions.fence());
      await untilAnswered(fence, { ...wait, what: "Fencing the connector's earlier tasks" });
      if (life.isEnding) return;
      const producer = this.parts.producer(this.#listener, owner.connectivity);
      this.#producer = producer;
      await this.#unlessEnding(producer.init(life.ending));
      if (life.isEnding) return;
      const confirm = () => this.#unlessEnding(transactions.confirm());
      await untilAnswered(confirm, { ...wait, what: "Confirming that the task may start" });
      if (life.isEnding) return;
      this.#offsetsTopic = (await transactions.offsetRecords([])).topic;
    } catch (error) {
      if (!life.isEnding) throw error; // otherwise the end itself interrupted it
    }
  }

  begin(): void {
    this.#endedAtMs = this.parts.clock.monotonicMs();
  }

  submit(batch: readonly SourceRecord[]): Submission {
    this.#unsettled += batch.length;
    return {
      produce: (record, produced) => {
        this.#append(produced);
        return this.#settle(record);
      },
      drop: (record) => this.#settle(record),
      withdraw: (from) => {
        this.#isCut = true;
        this.#unsettled -= batch.length - from;
      },
    };
  }

  async polled(): Promise<void> {
    // The connector asked for an end after the whole batch: a part of it must not become visible.
    if (this.#isCut && this.#requests) return;
    const { boundary, intervalMs } = this.parts.transactions;
    const asked = this.#requests ? this.#requests.takeBatch() : this.#commitAsked ? "commit" : undefined;
    const ageMs = this.parts.clock.monotonicMs() - this.#endedAtMs;
    const verdict = judgeBoundary({ boundary, intervalMs, isOpen: this.#isOpen, ageMs, asked });
    if (verdict !== "continue") await this.#finish(verdict);
  }

  async paused(): Promise<void> {
    // Only the connector itself ends its transactions.
    if (!this.#requests) await this.#finish("commit");
  }

  requestCommit(): void {
    this.#commitAsked = true;
  }

  async finish(): Promise<void> {
    const { life } = this.parts.owner;
    // After a failure the batch may be incomplete, and its transaction must not become visible.
    if (life.hasFailed || life.isAbandoned || !this.#producer) return;
    try {
      await this.paused();
    } catch (error) {
      life.fail(error);
    }
  }

  end(): void {
    this.#ended = true;
  }

  async close(isDead: boolean): Promise<void> {
    // A transaction left open would hide later records of its partitions from readers until it times out.
    await this.#producer?.close(isDead ? 0 : this.parts.commitTimeoutMs);
  }

  get #isOpen(): boolean {
    return this.#offsets.size > 0 || this.#producer?.inTransaction === true;
  }

  /** Also resolves when the task ends: the herder stops the task before it goes on, and the work may wait for it. */
  async #unlessEnding(work: Promise<void>): Promise<void> {
    const { ending } = this.parts.owner.life;
    const ended = deferred();
    const end = () => ended.resolve();
    ending.addEventListener("abort", end, { once: true });
    if (ending.aborted) end();
    try {
      await Promise.race([work, ended.promise]);
    } finally {
      ending.removeEventListener("abort", end);
    }
  }

  #append(produced: ProducerRecord): void {
    // The commit that was given up may still succeed, and would take this record with it, without its offset.
    if (this.#isGivenUp) return;
    const producer = this.#producer!;
    if (produced.topic === this.#offsetsTopic) {
      const message = `The task produces to ${produced.topic}, the topic of its own offsets: reading them would wait for its own transaction for ever. Write to another topic, or set offsets.storage.topic to another one`;
      throw new ConfigError("offsets.storage.topic", message);
    }
    if (!producer.inTransaction) producer.begin();
    producer.append(produced, "record");
    this.#produced++;
  }

  /** The record is produced or dropped: its offset belongs to the transaction. */
  #settle(record: SourceRecord): Promise<void> | undefined {
    const { sourcePartition: partition, sourceOffset: offset } = record;
    this.#offsets.set(this.#keyOf(partition), { partition, offset });
    this.#done++;
    const request = this.#requests?.takeRecord(record);
    return request && this.#finish(request);
  }

  /** Ends the transaction. An abort drops its records, but their offsets are stored all the same, as in Kafka Connect. */
  async #finish(how: "commit" | "abort"): Promise<void> {
    const { owner, transactions, clock } = this.parts;
    const producer = this.#producer!;
    this.#commitAsked = false;
    const startedMs = clock.monotonicMs();
    this.#endedAtMs = startedMs;
    if (!this.#isOpen || this.#isGivenUp) return;
    const offsets = [...this.#offsets.values()];
    let isOverlaid = false;
    this.#isFinishing = true;
    try {
      if (how === "abort" && producer.inTransaction && !(await this.#inTime(producer.abort()))) return;
      if (!producer.inTransaction) producer.begin();
      if (offsets.length > 0) {
        const { topic, records, ...stored } = await transactions.offsetRecords(offsets);
        isOverlaid = stored.isOverlaid;
        const timestampMs = clock.nowMs();
        for (const { key, value } of records) {
          producer.append({ topic, partition: null, key, value, timestampMs, headers: [] }, "offset");
        }
      }
      if (!(await this.#inTime(producer.commit()))) return;
    } catch (error) {
      owner.counters.commitFailures++;
      throw this.#explained(error);
    } finally {
      this.#isFinishing = false;
      owner.counters.committed(clock.monotonicMs() - startedMs, clock.monotonicMs());
    }
    owner.counters.commits++;
    if (how === "commit") owner.counters.transaction(this.#produced, clock.monotonicMs());
    this.#produced = 0;
    this.#offsets.clear();
    this.#unsettled -= this.#done;
    this.#done = 0;
    this.#endedAtMs = clock.monotonicMs();
    if (isOverlaid) await transactions.committed(offsets);
    if (!this.#ended && offsets.length > 0) await owner.stored(offsets); // I3: only now may the source release them
  }

  /** False if the task has begun to end meanwhile, and a share of the time for that is over. */
  async #inTime(work: Promise<void>): Promise<boolean> {
    const { clock, commitTimeoutMs, logger, owner } = this.parts;
    const { ending } = owner.life;
    const timeUp = deferred<boolean>();
    let timer: Timer | undefined;
    const end = () => {
      timer = clock.schedule(commitTimeoutMs * DRAIN_SHARE, () => timeUp.resolve(false));
    };
    if (ending.aborted) end();
    else ending.addEventListener("abort", end, { once: true });
    try {
      if (await Promise.race([work.then(() => true), timeUp.promise])) return true;
    } finally {
      ending.removeEventListener("abort", end);
      timer?.cancel();
    }
    this.#isGivenUp = true;
    logger.warn(
      "The task ends before its last transaction: unless that is committed at the last moment, it is aborted, and its records will be read again",
    );
    return false;
  }

  #explained(error: unknown): unknown {
    if (!isFenced(error)) return error;
    const { connector, task } = this.parts.id;
    return new ConflictError(
      "TRANSACTION_LOST",
      `The transaction of task ${connector}-${task} was ended by the cluster, or another producer took over its transactional id, and nothing of it is visible: ${error.message}. Restart the task. If its transactions take long, raise producer.override.transaction.timeout.ms, lower transaction.boundary.interval.ms, or set transaction.boundary to 'poll'`,
      { cause: error },
    );
  }

  readonly #listener: ProducerListener<Written> = {
    acknowledged: (written, count) => {
      if (written === "record") this.parts.owner.counters.recordsWritten += count;
    },
    failed: (_written, _count, error) => {
      const { life } = this.parts.owner;
      // errors.tolerance does not apply: without this record the whole transaction is lost.
      if (!life.isAbandoned && !this.#ended) life.fail(this.#explained(error));
    },
  };

  #keyOf(partition: SourceMap): string {
    let key = this.#keys.get(partition);
    if (key === undefined) {
      key = sourceMapKey(partition);
      this.#keys.set(partition, key);
    }
    return key;
  }
}
