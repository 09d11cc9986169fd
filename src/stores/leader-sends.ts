import type { Clock, Logger } from "../api/index.js";
import { mustRun } from "../base/command-loop.js";
import type { KafkaClient } from "../kafka/client/kafka-client.js";
import type { TransactionalProducer } from "../kafka/client/transactional-producer.js";
import type { StoreRecord } from "./log-transport.js";

/** One attempt ends within this time, so that a record does not outlive the decision to write it. */
const ATTEMPT_MS = 10_000;

const PRODUCER_PROPERTIES = {
  retries: "0",
  "delivery.timeout.ms": String(ATTEMPT_MS),
  "linger.ms": "0",
  // Its readers wait for the end of a transaction that a dead leader has left open.
  "transaction.timeout.ms": String(2 * ATTEMPT_MS),
};

/** The leader's writes of a store's topic. Tests have them in memory. */
export interface LeaderSends {
  /** This worker has become the leader, or is no longer it: then it must not write, or fence who does. */
  lead(isLeader: boolean): void;
  /** As LogTransport.send, but no record is visible before all are. */
  send(records: readonly StoreRecord[]): Promise<void>;
  /** As LogTransport.dropSends. */
  drop(): void;
}

/**
 * The leader's writes of the config topic, each in a transaction (KIP-618): a worker that becomes the leader fences the
 * producer of the one before, whose writes can then not land any more. (I7)
 */
export class TransactionalSends implements LeaderSends {
  #opening: Promise<TransactionalProducer<undefined>> | undefined;
  #producer: TransactionalProducer<undefined> | undefined;

  constructor(
    private readonly client: KafkaClient,
    private readonly transactionalId: string,
    private readonly topic: string,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  lead(isLeader: boolean): void {
    if (!isLeader) {
      this.drop();
      return;
    }
    this.#open().catch((cause: unknown) => {
      this.logger.warn("The leader could not fence former leaders yet; its next write tries again", {}, cause);
    });
  }

  async send(records: readonly StoreRecord[]): Promise<void> {
    if (records.length === 0) return;
    const producer = await this.#open();
    const timestampMs = this.clock.nowMs();
    try {
      producer.begin();
      for (const { key, value } of records) {
        producer.append({ topic: this.topic, partition: null, key, value, timestampMs, headers: [] }, undefined);
      }
      await this.#inTime((signal) => producer.commit(signal));
    } catch (error) {
      // It is used up. The next one fences it, so that nothing of this attempt can land after the next one's.
      if (this.#producer === producer) this.drop();
      throw error;
    }
  }

  drop(): void {
    const producer = this.#producer;
    this.#producer = undefined;
    this.#opening = undefined;
    if (producer) mustRun("The end of a leader's producer", producer.close(0));
  }

  #open(): Promise<TransactionalProducer<undefined>> {
    this.#opening ??= this.#init();
    return this.#opening;
  }

  async #init(): Promise<TransactionalProducer<undefined>> {
    const producer = this.client.transactionalProducer<undefined>(
      { transactionalId: this.transactionalId, properties: PRODUCER_PROPERTIES },
      { acknowledged() {}, failed() {} },
    );
    this.#producer = producer;
    try {
      await this.#inTime((signal) => producer.init(signal));
      return producer;
    } catch (error) {
      if (this.#producer === producer) this.drop();
      throw error;
    }
  }

  async #inTime(step: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const timeUp = new AbortController();
    const timer = this.clock.schedule(ATTEMPT_MS, () => timeUp.abort());
    try {
      await step(timeUp.signal);
    } finally {
      timer.cancel();
    }
  }
}
