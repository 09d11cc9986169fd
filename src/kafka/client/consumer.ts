import type { RecordHeader } from "../../api/record-headers.js";
import type { Codec } from "../../protocol/compression/compression.js";
import type { ClientProperties, OnConnectivity } from "./client-options.js";
import type { TopicPartition } from "./topic-partition.js";

export interface ConsumerOptions {
  /** Consumer properties that override the client's (`auto.offset.reset`, `max.poll.records`, `fetch.max.bytes`, …). */
  readonly properties?: ClientProperties;
  readonly onConnectivity?: OnConnectivity;
}

/** A record read. `key`, `value` and header values are slices of the fetched batch: copy what you keep for long. */
export interface ConsumerRecord {
  readonly offset: number;
  /** Milliseconds since 1970; -1 when the record has none. */
  readonly timestampMs: number;
  readonly timestampType: "CreateTime" | "LogAppendTime";
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}

/**
 * Consecutive records of one partition. Without records, `nextOffset` has passed control batches or a compacted gap.
 */
export interface FetchedRecords extends TopicPartition {
  readonly records: readonly ConsumerRecord[];
  /** The position after these records, to commit once they are done. Never derive it from the last record. */
  readonly nextOffset: number;
  /**
   * The end of what could be read at the time of the fetch. Under `read_committed` it is before the first record of an
   * open transaction.
   */
  readonly end: number;
  /** The codec of the last of the batches that held them. */
  readonly codec: Codec;
}

/** Reads explicitly assigned partitions. Used by store readers, and inside group consumers. */
export interface Consumer {
  /**
   * Replaces the assignment. Partitions that stay keep their position and pause; new ones start at `auto.offset.reset`
   * unless `seek` is called.
   */
  assign(partitions: readonly TopicPartition[]): void;
  readonly assignment: readonly TopicPartition[];
  /** Moves the position of an assigned partition and discards its records fetched ahead. */
  seek(partition: TopicPartition, offset: number | "earliest" | "latest"): void;
  /** `poll` does not return paused partitions until they are resumed; they keep their position. */
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  readonly paused: readonly TopicPartition[];
  /** Offset of the next record that `poll` will return; undefined while unknown. */
  position(partition: TopicPartition): number | undefined;
  /**
   * Returns the records that have arrived, at most `max.poll.records`, in order per partition. Waits up to `maxWaitMs`
   * for the first, then returns []. Also returns when `signal` aborts or the consumer is closed. One call at a time.
   * @throws ClientClosedError when the consumer is already closed, as do all methods except `close`.
   * @throws KafkaError OFFSET_OUT_OF_RANGE with `auto.offset.reset=none`, and errors for which waiting does not help
   *   (authorization, a damaged batch); the position stays before the unreadable records.
   */
  poll(maxWaitMs: number, signal?: AbortSignal): Promise<FetchedRecords[]>;
  close(): Promise<void>;
}
