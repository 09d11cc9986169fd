import { withAnySignal } from "../../base/any-signal.js";
import { InvariantError } from "../../base/invariant-error.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import type { OnConnectivity } from "../client/client-options.js";
import type { ProducerListener, ProducerRecord, RecordMetadata } from "../client/producer.js";
import type { TransactionalProducer, TransactionalProducerOptions } from "../client/transactional-producer.js";
import { ClientClosedError } from "../client-closed-error.js";
import type { ProducerConfig } from "../client-properties.js";
import type { Cluster, Lane } from "../cluster/cluster.js";
import { Connectivity, reasonOf, shareConnectivity } from "../cluster/connectivity.js";
import { BatchingProducer } from "./batching-producer.js";
import { Transaction } from "./transaction.js";
import { TransactionCoordinatorClient } from "./transaction-coordinator-client.js";

interface Options<T> extends TransactionalProducerOptions {
  readonly listener: ProducerListener<T>;
}

/** The parts that `init` makes. */
interface Assembly<T> {
  readonly transaction: Transaction;
  readonly records: BatchingProducer<T>;
}

/** A transactional producer: a batching producer whose batches belong to a transaction of its coordinator. */
export class CoordinatedProducer<T> implements TransactionalProducer<T> {
  readonly #lane: Lane;
  readonly #newListener: () => OnConnectivity;
  readonly #connectivity: Connectivity;
  readonly #closing = new AbortController();
  #assembly: Assembly<T> | undefined;
  #inTransaction = false;

  constructor(
    private readonly cluster: Cluster,
    private readonly config: ProducerConfig,
    private readonly transactionTimeoutMs: number,
    private readonly options: Options<T>,
  ) {
    this.#lane = cluster.lane(() => this.#end());
    this.#newListener = shareConnectivity(options.onConnectivity);
    this.#connectivity = new Connectivity(this.#newListener());
  }

  async init(signal?: AbortSignal): Promise<void> {
    if (this.#assembly) throw new InvariantError("A transactional producer was initialised twice");
    const coordinator = new TransactionCoordinatorClient(this.options.transactionalId, this.cluster, this.#lane);
    const onRetry = (error: KafkaError) => {
      // A transaction that was left open takes a moment to abort.
      if (!KafkaError.is(error, "CONCURRENT_TRANSACTIONS")) this.#connectivity.waiting(reasonOf(error));
    };
    const identity = await this.#until(signal, (until) =>
      coordinator.takeOver(this.transactionTimeoutMs, { signal: until, onRetry }),
    );
    this.#throwIfClosed();
    this.#connectivity.moving();
    const wake = () => records.wake();
    const { transactionTimeoutMs } = this;
    const options = { identity, coordinator, transactionTimeoutMs, connectivity: this.#connectivity, wake };
    const transaction = new Transaction(options);
    const { listener } = this.options;
    const records = new BatchingProducer<T>(this.cluster, this.config, listener, this.#newListener(), transaction);
    this.#assembly = { transaction, records };
  }

  get inTransaction(): boolean {
    return this.#inTransaction;
  }

  begin(): void {
    const { transaction } = this.#assembled();
    if (transaction.failure) throw transaction.failure;
    if (this.#inTransaction) throw new InvariantError("A transaction was begun in another");
    this.#inTransaction = true;
  }

  async commit(signal?: AbortSignal): Promise<void> {
    const { transaction, records } = this.#open();
    await records.flush();
    this.#throwIfClosed();
    if (transaction.failure) throw transaction.failure;
    await this.#until(signal, (until) => transaction.end(true, until));
    this.#inTransaction = false;
  }

  async abort(signal?: AbortSignal): Promise<void> {
    const { transaction, records } = this.#open();
    // All are sent, so that the sequences of the next transaction follow without a gap.
    await records.flush();
    this.#throwIfClosed();
    await this.#until(signal, (until) => transaction.end(false, until));
    this.#inTransaction = false;
  }

  append(record: ProducerRecord, token: T): void {
    this.#open().records.append(record, token);
  }

  async send(sent: readonly ProducerRecord[]): Promise<RecordMetadata[]> {
    return this.#open().records.send(sent);
  }

  get bufferedBytes(): number {
    return this.#assembly?.records.bufferedBytes ?? 0;
  }

  get full(): boolean {
    return this.#assembly?.records.full ?? false;
  }

  async drained(): Promise<void> {
    await this.#assembly?.records.drained();
  }

  async flush(): Promise<void> {
    await this.#assembly?.records.flush();
  }

  async close(timeoutMs: number): Promise<void> {
    if (this.#closing.signal.aborted) return;
    if (timeoutMs > 0 && this.#inTransaction) {
      // A record that cannot be sent, to a topic that does not exist, must not hold the abort up. No commit follows this.
      this.#assembly?.transaction.fail(new ClientClosedError("The producer"));
      const over = new AbortController();
      const timeUp = this.cluster.clock.delay(timeoutMs, over.signal);
      // An unanswered abort is no loss: the coordinator aborts at the transaction's timeout, or for the next producer.
      await Promise.race([this.abort(over.signal).catch(() => {}), timeUp]);
      over.abort();
    }
    this.#end();
  }

  #end(): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#lane.close();
    void this.#assembly?.records.close(0);
  }

  #assembled(): Assembly<T> {
    this.#throwIfClosed();
    if (!this.#assembly) throw new InvariantError("A transactional producer was used before its initialisation");
    return this.#assembly;
  }

  #open(): Assembly<T> {
    const assembly = this.#assembled();
    if (!this.#inTransaction) throw new InvariantError("A transactional producer was used outside of a transaction");
    return assembly;
  }

  #throwIfClosed(): void {
    if (this.#closing.signal.aborted) throw new ClientClosedError("The producer");
  }

  /** Runs with a signal that aborts with `signal`, or when this producer is closed. */
  #until<R>(signal: AbortSignal | undefined, run: (until: AbortSignal) => Promise<R>): Promise<R> {
    return withAnySignal([signal, this.#closing.signal], run);
  }
}
