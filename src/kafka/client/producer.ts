import type { RecordHeader } from "../../api/record-headers.js";
import type { ClientProperties, OnConnectivity } from "./client-options.js";
import type { TopicPartitionOffset } from "./topic-partition.js";

export interface ProducerOptions {
  /**
   * Producer properties that override the client's (`batch.size`, `linger.ms`, `compression.type`, `buffer.memory`, …).
   */
  readonly properties?: ClientProperties;
  readonly onConnectivity?: OnConnectivity;
  /**
   * A batch that is sent again is written once (KIP-98), with acks=all. After the first failure of any record all later
   * ones fail with it: another producer must take its place.
   */
  readonly isIdempotent?: boolean;
}

/** A record to produce. `partition` null: by murmur2 of the key, or a sticky partition if the key is null, too. */
export interface ProducerRecord {
  readonly topic: string;
  readonly partition: number | null;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Milliseconds since 1970. */
  readonly timestampMs: number;
  /** Encoded once while consecutive records share the same list object: do not change it in between. */
  readonly headers: readonly RecordHeader[];
}

/**
 * Receives the outcomes of appended records, once per run of equal consecutive tokens in a batch. A token stands for
 * the ledger range of a whole poll batch, so there is no call per record. Called from the producer's loop: must not
 * throw.
 */
export interface ProducerListener<T> {
  /** `count` records with `token` are written, as `acks` requires, from `baseOffset` on (-1: unknown). */
  acknowledged(token: T, count: number, topic: string, partition: number, baseOffset: number): void;
  /** `count` records with `token` failed and will not be retried. */
  failed(token: T, count: number, error: Error, topic: string, partition: number): void;
}

/** The position of a record sent with `send`. */
export type RecordMetadata = TopicPartitionOffset;

/**
 * Produces with one request in flight per broker. By default it retries without limit; `delivery.timeout.ms` and
 * `retries` limit it. Records of a topic partition keep their order, also when retried (I9). Records collect into
 * batches while a request is in flight; `linger.ms` and `batch.size` work as in Java.
 */
export interface Producer<T> {
  /**
   * Adds a record. Its key, value and headers are copied, so their buffers may be reused. The listener receives the
   * outcome with `token`, also of a record that can never be sent (too large): a bad record does not throw. A record
   * for a partition that does not exist waits for it. Appending while `full` is allowed, but then the caller must
   * limit the memory.
   */
  append(record: ProducerRecord, token: T): void;
  /** Bytes of records without an outcome yet. */
  readonly bufferedBytes: number;
  /** Whether `bufferedBytes` has reached `buffer.memory`: await `drained()` before appending more. */
  readonly full: boolean;
  /** Resolves once the producer is not full (at once if it is not), or is closed. */
  drained(): Promise<void>;
  /** Ends lingering; resolves once all records appended before are settled, or the producer is closed. */
  flush(): Promise<void>;
  /**
   * For callers that await single writes (stores, dead letter queue): appends all records and resolves with their
   * positions, in order, once all are acknowledged.
   * @throws the error of the first that failed; others may have been written.
   */
  send(records: readonly ProducerRecord[]): Promise<RecordMetadata[]>;
  /**
   * Flushes for at most `timeoutMs` (0: not at all), then fails the remaining records. Records appended later fail with
   * a ClientClosedError.
   */
  close(timeoutMs: number): Promise<void>;
}
