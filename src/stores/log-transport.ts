import { RetriableError } from "../api/index.js";
import type { RecordHeader } from "../api/record-headers.js";
import type { Clock } from "../base/clock.js";
import { mustRun } from "../base/command-loop.js";
import type { IsolationLevel } from "../kafka/client/kafka-admin.js";
import type { KafkaClient } from "../kafka/client/kafka-client.js";
import type { Producer } from "../kafka/client/producer.js";

/** A record to write to a store's topic. Small: keys are names, values JSON. */
export interface StoreRecord {
  readonly key: Buffer;
  /** null: a tombstone. */
  readonly value: Buffer | null;
  readonly headers?: readonly RecordHeader[];
}

/** A record read from a store's topic. */
export interface StoredRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: readonly RecordHeader[];
  readonly offset: number;
  /** Milliseconds since 1970; -1 or undefined for none. */
  readonly timestampMs?: number;
}

/** Consecutive records of one partition, and the reader's next position. */
export interface StoredRecords {
  readonly partition: number;
  readonly records: readonly StoredRecord[];
  readonly nextOffset: number;
}

/** CompactedLog's view of Kafka: one topic, read from its beginning, written by key. Tests have one in memory. */
export interface LogTransport {
  /**
   * Starts reading every partition at its first record. Returns those positions by partition, at least one.
   *
   * @throws RetriableError STORE_UNREADABLE when the topic does not appear.
   */
  open(): Promise<readonly number[]>;
  /**
   * Offset after the last record of each partition, uncommitted ones included.
   *
   * @param isStable for a topic that is written in transactions: the last stable offsets, before any open transaction.
   */
  endOffsets(isStable?: boolean): Promise<readonly number[]>;
  /**
   * The records that have arrived; waits for some, or until `signal` aborts.
   *
   * @throws errors that waiting cannot heal
   */
  poll(signal: AbortSignal): Promise<readonly StoredRecords[]>;
  /**
   * One attempt: resolves once all records, in order, are acknowledged by all in-sync replicas. After a rejection with
   * REQUEST_TIMED_OUT or NETWORK_EXCEPTION the records may still have been written, or be written a little later.
   *
   * @throws KafkaError, `retriable` when another attempt may succeed.
   */
  send(records: readonly StoreRecord[]): Promise<void>;
  /** Ends the attempts in flight, as a lost connection would: sent records may still be written. */
  dropSends(): void;
  close(): Promise<void>;
}

const POLL_WAIT_MS = 60_000;
/** A new topic appears at one broker after the other. */
const APPEAR_TIMEOUT_MS = 30_000;
const LOOK_AGAIN_MS = 250;

/**
 * A record must not outlive the decision to write it, so the producer tries once and the decider retries. Without a
 * leader for the partition the attempt ends after the delivery timeout; once sent, after request.timeout.ms. Until then
 * records of later writes wait in the same batch and are never split.
 */
const PRODUCER_PROPERTIES = { acks: "all", retries: "0", "delivery.timeout.ms": "10000", "linger.ms": "0" };

/** The transport over Kafka clients, which the caller closes. */
export class KafkaLogTransport implements LogTransport {
  readonly #isolation: IsolationLevel;
  readonly #consumer;
  #producer: Producer<undefined>;
  readonly #closing = new AbortController();
  #partitions: readonly { readonly topic: string; readonly partition: number }[] = [];

  constructor(
    private readonly client: KafkaClient,
    private readonly topic: string,
    private readonly clock: Clock,
    /** Reads only what was committed, for a topic that is written in transactions. */
    readCommitted = false,
    /** Writes, where the properties for that are others. */
    private readonly writer: KafkaClient = client,
  ) {
    this.#isolation = readCommitted ? "read_committed" : "read_uncommitted";
    this.#consumer = client.consumer({
      properties: { "auto.offset.reset": "earliest", "isolation.level": this.#isolation },
    });
    this.#producer = this.#openProducer();
  }

  async open(): Promise<readonly number[]> {
    const count = await this.#partitionCount();
    this.#partitions = Array.from({ length: count }, (_, partition) => ({ topic: this.topic, partition }));
    const starts = await this.client.admin.startOffsets(this.#partitions, this.#closing.signal);
    this.#consumer.assign(this.#partitions);
    for (const start of starts) this.#consumer.seek(start, start.offset);
    return starts.map((start) => start.offset);
  }

  async endOffsets(isStable = false): Promise<readonly number[]> {
    const isolation = isStable ? this.#isolation : "read_uncommitted";
    const ends = await this.client.admin.endOffsets(this.#partitions, this.#closing.signal, isolation);
    return ends.map((end) => end.offset);
  }

  poll(signal: AbortSignal): Promise<readonly StoredRecords[]> {
    return this.#consumer.poll(POLL_WAIT_MS, signal);
  }

  async send(records: readonly StoreRecord[]): Promise<void> {
    if (records.length === 0) return;
    const timestampMs = this.clock.nowMs();
    await this.#producer.send(
      records.map(({ key, value, headers = [] }) => ({
        topic: this.topic,
        partition: null,
        key,
        value,
        timestampMs,
        headers,
      })),
    );
  }

  dropSends(): void {
    mustRun("The end of a store's producer", this.#producer.close(0));
    this.#producer = this.#openProducer();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#producer.close(0);
    await this.#consumer.close();
  }

  #openProducer(): Producer<undefined> {
    return this.writer.producer<undefined>({ properties: PRODUCER_PROPERTIES }, { acknowledged() {}, failed() {} });
  }

  /** A missing topic must not pass for an empty one: its log would reach the end at once, and for ever. */
  async #partitionCount(): Promise<number> {
    const { signal } = this.#closing;
    const deadlineMs = this.clock.monotonicMs() + APPEAR_TIMEOUT_MS;
    for (;;) {
      const { topics } = await this.client.admin.describeTopics([this.topic], signal);
      const count = topics.get(this.topic)?.partitions.length ?? 0;
      if (count > 0) return count;
      if (signal.aborted || this.clock.monotonicMs() >= deadlineMs) {
        throw new RetriableError(
          "STORE_UNREADABLE",
          `Topic ${this.topic} did not appear within ${APPEAR_TIMEOUT_MS / 1000} s: create it with cleanup.policy=compact, let this worker create it, or name an existing topic in the property that names this one (config.storage.topic, offset.storage.topic or status.storage.topic; offsets.storage.topic of a connector)`,
        );
      }
      await this.clock.delay(LOOK_AGAIN_MS, signal);
    }
  }
}
