import { mustRun } from "../../base/command-loop.js";
import { addPartitionsToTxn } from "../../protocol/apis/add-partitions-to-txn.js";
import { endTxn } from "../../protocol/apis/end-txn.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import type { ProducerStamp } from "../../protocol/records/record-batch-writer.js";
import type { TopicPartition } from "../client/topic-partition.js";
import type { Connectivity } from "../cluster/connectivity.js";
import { reasonOf } from "../cluster/connectivity.js";
import { byTopic } from "../cluster/partition-offsets.js";
import type { BatchAuthor } from "./batch-author.js";
import { BatchSequences } from "./batch-sequences.js";
import type { ProducerIdentity, TransactionCoordinatorClient } from "./transaction-coordinator-client.js";

/** The coordinator's retries after which a transaction reports why it waits. */
const REPORT_AFTER_RETRIES = 2;

interface TransactionOptions {
  readonly identity: ProducerIdentity;
  readonly coordinator: TransactionCoordinatorClient;
  /** For the message of a transaction that took too long. */
  readonly transactionTimeoutMs: number;
  readonly connectivity: Connectivity;
  /** Lets the producer look again. */
  readonly wake: () => void;
}

/**
 * The transactions of one producer identity, one after the other (KIP-98): which partitions the current one holds, and
 * the sequence numbers of all. Once anything has failed no record can be written any more, since the sequences then
 * have a gap: the transaction can only be aborted, and the producer replaced.
 */
export class Transaction implements BatchAuthor {
  readonly #added = new Set<string>();
  readonly #missing = new Map<string, TopicPartition>();
  readonly #sequences = new BatchSequences();
  #failure: Error | undefined;
  /** Ends the retries for partitions that the coordinator does not know: the abort waits for them. */
  readonly #failed = new AbortController();
  /** The requests to the coordinator for the missing ones. */
  #adding: Promise<void> | undefined;
  #isEnding = false;

  constructor(private readonly options: TransactionOptions) {}

  get transactionalId(): string {
    return this.options.coordinator.transactionalId;
  }

  /** Why no record can be written any more; undefined while all is well. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** A record failed, or the coordinator refused. Only the first failure counts. */
  fail(error: Error): void {
    this.#failure ??= this.#explained(error);
    this.#failed.abort("failed");
    this.options.wake();
  }

  /** Whether the partition may be written to now. If not, it is added to the transaction, and the producer woken. */
  admits(topic: string, partition: number): boolean {
    if (this.#isEnding) return false;
    const key = `${topic}-${partition}`;
    if (this.#added.has(key)) return true;
    this.#missing.set(key, { topic, partition });
    if (!this.#adding) {
      this.#adding = this.#add();
      mustRun("The coordinator's partitions of a transaction", this.#adding);
    }
    return false;
  }

  /** The stamp of the partition's next batch, of `count` records. */
  stamp(topic: string, partition: number, count: number): ProducerStamp {
    const baseSequence = this.#sequences.take(topic, partition, count);
    return { ...this.options.identity, baseSequence, isTransactional: true };
  }

  /**
   * Ends the transaction, all of whose records are settled. Repeated until the coordinator answers: it answers a
   * repetition as it did the first time.
   *
   * @throws KafkaError when it is fenced, timed out or refused; its last error when `signal` aborts, and then the
   *   outcome is not known.
   */
  async end(committed: boolean, signal?: AbortSignal): Promise<void> {
    // After a failure one may be on its way still, and would leave the transaction open.
    if (this.#adding) await this.#adding;
    if (this.#added.size === 0) return;
    this.#isEnding = true;
    const { transactionalId } = this;
    const { identity, coordinator } = this.options;
    const request = { transactionalId, ...identity, committed };
    const doing = `${committed ? "Committing" : "Aborting"} a transaction of ${transactionalId}`;
    try {
      await this.#retrying(signal, async () => {
        const { errorCode } = await coordinator.send(endTxn, request);
        coordinator.check(errorCode, doing);
      });
    } catch (error) {
      this.fail(error as Error);
      throw this.#explained(error as Error);
    }
    this.#added.clear();
    this.#isEnding = false;
  }

  async #add(): Promise<void> {
    await Promise.resolve(); // the producer's other partitions ask in the same turn
    while (this.#missing.size > 0 && !this.#failure) {
      const adding = [...this.#missing];
      try {
        await this.#retrying(this.#failed.signal, () => this.#addOnce(adding.map(([, each]) => each)));
      } catch (error) {
        this.fail(error as Error);
        break;
      }
      for (const [key] of adding) {
        this.#added.add(key);
        this.#missing.delete(key);
      }
      this.options.wake();
    }
    this.#adding = undefined;
  }

  async #addOnce(partitions: readonly TopicPartition[]): Promise<void> {
    const { transactionalId } = this;
    const { identity, coordinator } = this.options;
    const topics = [...byTopic(partitions)].map(([name, each]) => ({
      name,
      partitions: each.map(({ partition }) => partition),
    }));
    const { results } = await coordinator.send(addPartitionsToTxn, { transactionalId, ...identity, topics });
    const answered = results.flatMap(({ name, partitions: each }) => each.map((of) => ({ name, ...of })));
    // One bad partition has the others answered OPERATION_NOT_ATTEMPTED: the reason is with the bad one.
    const refused = answered.filter(({ errorCode }) => errorCode !== ErrorCodes.NONE);
    const { name, partitionIndex, errorCode } =
      refused.find((each) => each.errorCode !== ErrorCodes.OPERATION_NOT_ATTEMPTED) ?? refused[0] ?? {};
    if (errorCode !== undefined) {
      coordinator.check(errorCode, `Adding ${name}-${partitionIndex} to a transaction of ${transactionalId}`);
    }
    if (answered.length < partitions.length) {
      const detail = "the coordinator left partitions out of its answer";
      throw new KafkaError("NETWORK_EXCEPTION", `Adding partitions to a transaction of ${transactionalId}`, { detail });
    }
  }

  #explained(error: Error): Error {
    if (!KafkaError.is(error, "INVALID_PRODUCER_EPOCH", "PRODUCER_FENCED")) return error;
    const { transactionTimeoutMs } = this.options;
    const detail = `another producer took over transactional id ${this.transactionalId}, or a transaction lasted longer than transaction.timeout.ms=${transactionTimeoutMs}`;
    return new KafkaError(error.code, "Writing in a transaction", { detail, cause: error });
  }

  async #retrying(signal: AbortSignal | undefined, attempt: () => Promise<void>): Promise<void> {
    let retries = 0;
    const onRetry = (error: KafkaError) => {
      // The markers of the last transaction take a moment: nothing to report.
      if (!KafkaError.is(error, "CONCURRENT_TRANSACTIONS")) retries++;
      if (retries >= REPORT_AFTER_RETRIES) this.options.connectivity.waiting(reasonOf(error));
    };
    await this.options.coordinator.retrying({ signal, onRetry }, attempt);
    if (retries > 0) this.options.connectivity.moving();
  }
}
