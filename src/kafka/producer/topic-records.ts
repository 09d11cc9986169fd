import type { RecordHeader } from "../../api/record-headers.js";
import { PartitionQueue } from "./partition-queue.js";

/** A copied record that waits until the topic's partitions are known. */
export interface UnplacedRecord<T> {
  readonly partition: number | null;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestampMs: number;
  readonly headers: readonly RecordHeader[];
  readonly token: T;
  readonly sequence: number;
  readonly bytes: number;
  readonly createdAtMs: number;
}

/** A producer's records of one topic. */
export class TopicRecords<T> {
  /** By partition, with holes where nothing was produced. */
  readonly queues: (PartitionQueue<T> | undefined)[] = [];
  /** In order. All are placed before any later record. */
  unplaced: UnplacedRecord<T>[] = [];
  /** 0 until the topic is known. */
  partitionCount = 0;
  /** The partition of records without key and partition, until its batch is sealed. */
  sticky = -1;

  constructor(
    readonly topic: string,
    private readonly batchLimit: number,
  ) {}

  queue(partition: number): PartitionQueue<T> {
    const existing = this.queues[partition];
    if (existing) return existing;
    const queue = new PartitionQueue<T>(this.topic, partition, this.batchLimit);
    this.queues[partition] = queue;
    return queue;
  }
}
