import type { Clock } from "../../api/clock.js";
import type { Random } from "../../api/random.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import { partitionForKey } from "../../protocol/murmur2.js";
import { BATCH_HEADER_BYTES } from "../../protocol/records/record-batch.js";
import { RecordBatchWriter, recordSizeBound } from "../../protocol/records/record-batch-writer.js";
import type { ProducerListener, ProducerRecord } from "../client/producer.js";
import { ClientClosedError } from "../client-closed-error.js";
import type { ProducerConfig } from "../client-properties.js";
import { BufferPool } from "./buffer-pool.js";
import type { PartitionQueue } from "./partition-queue.js";
import { ProducerBatch } from "./producer-batch.js";
import { SendSlot } from "./send-ticket.js";
import { TopicRecords } from "./topic-records.js";

/** The accumulator's view of the cluster. */
export interface KnownPartitions {
  readonly clock: Clock;
  readonly random: Random;
  partitionCount(topic: string): number | undefined;
  /** Called when a topic is first used. */
  track(topic: string, creating: boolean): void;
  untrack(topic: string, creating: boolean): void;
}

/** The token of an appended record, or the slot of one sent with `Producer.send`. */
type Token<T> = T | SendSlot;
type Queue<T> = PartitionQueue<Token<T>>;
type Batch<T> = ProducerBatch<Token<T>>;

/**
 * Holds a producer's records: batches them and reports their outcomes. It does not send requests: the producer's loop
 * sends the heads of the queues and reports their results here.
 */
export class RecordAccumulator<T> {
  /** Queues with batches. `rotate` moves one to the end, so that each gets its turn. */
  readonly waiting = new Set<Queue<T>>();
  /** Topics with records whose partition cannot be chosen yet. */
  readonly unplaced = new Set<TopicRecords<Token<T>>>();
  readonly #topics = new Map<string, TopicRecords<Token<T>>>();
  readonly #refused: {
    readonly token: Token<T>;
    readonly error: Error;
    readonly topic: string;
    readonly partition: number;
  }[] = [];
  readonly #batchLimit: number;
  readonly #buffers: BufferPool;
  #lastTopic: TopicRecords<Token<T>> | undefined;
  #nextSequence = 0;
  #bufferedBytes = 0;
  #closing = false;

  constructor(
    private readonly cluster: KnownPartitions,
    private readonly config: ProducerConfig,
    private readonly listener: ProducerListener<T>,
    /** Also called for each failure, of records sent with `Producer.send`, too. */
    private readonly onFailed: (error: Error, count: number) => void = () => {},
  ) {
    this.#batchLimit = Math.min(config.batchBytes ?? config.maxRequestBytes, config.maxRequestBytes);
    // As many as can be in use: one that is dropped has outlived V8's young objects, and keeps its bytes for long.
    this.#buffers = new BufferPool(config.bufferBytes, 2 * this.#batchLimit);
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** The next record's number; all records appended so far have smaller ones. */
  get nextSequence(): number {
    return this.#nextSequence;
  }

  /** Whether a batch is being retried. */
  get isFailing(): boolean {
    for (const queue of this.waiting) if (queue.failures > 0) return true;
    return false;
  }

  get isUsed(): boolean {
    return this.#topics.size > 0;
  }

  /** Adds a record. One that can never be sent does not throw; `failRefused` reports it. */
  append(record: ProducerRecord, token: Token<T>): void {
    const { topic, key, value, headers } = record;
    const sequence = this.#nextSequence++;
    const sizeBound = BATCH_HEADER_BYTES + recordSizeBound(key, value, headers);
    if (this.#closing || sizeBound > this.config.maxRequestBytes) {
      const error = this.#closing
        ? new ClientClosedError("The producer")
        : tooLargeError(topic, sizeBound, this.config.maxRequestBytes);
      this.#refused.push({ token, error, topic, partition: record.partition ?? -1 });
      return;
    }
    const records = this.#lastTopic?.topic === topic ? this.#lastTopic : this.#records(topic);
    // While a record waits for its partition, one with an explicit partition must wait, too: it may be the same
    // partition.
    if (records.unplaced.length > 0 || (records.partitionCount === 0 && record.partition === null)) {
      this.#holdBack(records, record, token, sequence);
      return;
    }
    const partition = record.partition ?? this.#choosePartition(records, key);
    this.#place(records.queue(partition), record, token, sequence);
  }

  /** Refuses all records appended from now on. */
  beginClose(): void {
    this.#closing = true;
  }

  /** Reads the partition counts again and places the records that waited for them. */
  placeHeldBack(): void {
    for (const records of this.unplaced) {
      this.#learnPartitions(records);
      if (records.partitionCount === 0) continue;
      const unplaced = records.unplaced;
      records.unplaced = [];
      this.unplaced.delete(records);
      for (const record of unplaced) {
        this.#bufferedBytes -= record.bytes;
        const partition = record.partition ?? this.#choosePartition(records, record.key);
        this.#place(records.queue(partition), record, record.token, record.sequence);
      }
    }
  }

  /** Reads the partition counts after a metadata refresh, because topics may have new partitions. */
  learnPartitions(): void {
    for (const records of this.#topics.values()) this.#learnPartitions(records);
  }

  /** Moves a queue to the end of the rotation. */
  rotate(queue: Queue<T>): void {
    this.waiting.delete(queue);
    this.waiting.add(queue);
  }

  /** Settles the head of `queue` as written, from `baseOffset` on (-1: unknown). */
  acknowledge(queue: Queue<T>, batch: Batch<T>, baseOffset: number): void {
    this.#remove(queue, batch);
    const storage = batch.release();
    if (storage) this.#buffers.give(storage);
    let offset = baseOffset;
    for (const { token, count } of batch.runs) {
      const at = baseOffset < 0 ? -1 : offset;
      if (token instanceof SendSlot) token.acknowledged(queue.topic, queue.partition, at);
      else this.listener.acknowledged(token, count, queue.topic, queue.partition, at);
      offset += count;
    }
  }

  /** Fails the head of `queue`. */
  fail(queue: Queue<T>, batch: Batch<T>, error: Error): void {
    this.#remove(queue, batch);
    queue.failures = 0;
    for (const { token, count } of batch.runs) this.#reportFailed(token, count, error, queue.topic, queue.partition);
  }

  /** Fails the first `count` of a topic's records that wait for their partition. */
  failUnplaced(records: TopicRecords<Token<T>>, count: number, error: Error): void {
    const failed = records.unplaced.splice(0, count);
    if (records.unplaced.length === 0) this.unplaced.delete(records);
    for (const { token, bytes, partition } of failed) {
      this.#bufferedBytes -= bytes;
      this.#reportFailed(token, 1, error, records.topic, partition ?? -1);
    }
  }

  /** Fails all records that are not in a request. */
  failAll(error: Error): void {
    for (const queue of this.waiting) {
      if (queue.inFlight) continue;
      while (queue.batches.length > 0) this.fail(queue, queue.batches[0]!, error);
    }
    for (const records of this.unplaced) this.failUnplaced(records, records.unplaced.length, error);
  }

  /** Reports the records that were refused when they were appended. */
  failRefused(): void {
    for (const { token, error, topic, partition } of this.#refused.splice(0)) {
      this.#reportFailed(token, 1, error, topic, partition);
    }
  }

  /** Number of the oldest record that is neither acknowledged nor failed; Infinity when there is none. */
  firstUnsettled(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const queue of this.waiting) first = Math.min(first, queue.batches[0]!.firstSequence);
    for (const { unplaced } of this.unplaced) first = Math.min(first, unplaced[0]!.sequence);
    return first;
  }

  /** When the oldest record outside a request was appended, on the monotonic clock; Infinity when there is none. */
  oldestIdleAtMs(): number {
    let oldestMs = Number.POSITIVE_INFINITY;
    for (const queue of this.waiting) {
      if (!queue.inFlight) oldestMs = Math.min(oldestMs, queue.batches[0]!.createdAtMs);
    }
    for (const { unplaced } of this.unplaced) oldestMs = Math.min(oldestMs, unplaced[0]!.createdAtMs);
    return oldestMs;
  }

  /** Untracks its topics. */
  close(): void {
    for (const topic of this.#topics.keys()) this.cluster.untrack(topic, true);
  }

  #records(topic: string): TopicRecords<Token<T>> {
    let records = this.#topics.get(topic);
    if (!records) {
      records = new TopicRecords<Token<T>>(topic, this.#batchLimit);
      this.#learnPartitions(records);
      this.#topics.set(topic, records);
      this.cluster.track(topic, true);
    }
    this.#lastTopic = records;
    return records;
  }

  #learnPartitions(records: TopicRecords<Token<T>>): void {
    records.partitionCount = this.cluster.partitionCount(records.topic) ?? records.partitionCount;
  }

  #choosePartition(records: TopicRecords<Token<T>>, key: Buffer | null): number {
    if (key !== null && !this.config.ignoresKeys) return partitionForKey(key, records.partitionCount);
    const stuck = records.sticky >= 0 && records.queues[records.sticky]?.open !== undefined;
    if (!stuck) records.sticky = this.cluster.random.integer(records.partitionCount);
    return records.sticky;
  }

  #place(queue: Queue<T>, record: Omit<ProducerRecord, "topic">, token: Token<T>, sequence: number): void {
    const { key, value, headers, timestampMs } = record;
    let batch = queue.open;
    // Batches in flight are sealed, so an open batch can always grow.
    if (batch && batch.sizeBytes + recordSizeBound(key, value, headers) > queue.batchLimit) batch = undefined;
    if (!batch) {
      const writer = new RecordBatchWriter(this.#buffers.take(), queue.batchLimit);
      batch = new ProducerBatch<Token<T>>(writer, sequence, this.cluster.clock.monotonicMs());
      queue.batches.push(batch);
      this.waiting.add(queue);
    }
    this.#bufferedBytes += batch.append(timestampMs, key, value, headers, token);
  }

  /** Copies the record, because the caller may reuse its buffers. */
  #holdBack(records: TopicRecords<Token<T>>, record: ProducerRecord, token: Token<T>, sequence: number): void {
    const { partition, key, value, headers, timestampMs } = record;
    const bytes = recordSizeBound(key, value, headers);
    records.unplaced.push({
      partition,
      key: key && Buffer.from(key),
      value: value && Buffer.from(value),
      headers: headers.map((header) => ({ key: header.key, value: header.value && Buffer.from(header.value) })),
      timestampMs,
      token,
      sequence,
      bytes,
      createdAtMs: this.cluster.clock.monotonicMs(),
    });
    this.#bufferedBytes += bytes;
    this.unplaced.add(records);
  }

  #remove(queue: Queue<T>, batch: Batch<T>): void {
    queue.batches.shift();
    this.#bufferedBytes -= batch.bufferedBytes;
    if (queue.batches.length === 0) this.waiting.delete(queue);
  }

  #reportFailed(token: Token<T>, count: number, error: Error, topic: string, partition: number): void {
    this.onFailed(error, count);
    if (token instanceof SendSlot) token.failed(error);
    else this.listener.failed(token, count, error, topic, partition);
  }
}

function tooLargeError(topic: string, bytes: number, limit: number): KafkaError {
  return new KafkaError("MESSAGE_TOO_LARGE", `Producing to topic ${topic}`, {
    detail: `the record takes ${bytes} bytes, more than the producer's max.request.size of ${limit}; raise it, and the topic's max.message.bytes`,
  });
}
