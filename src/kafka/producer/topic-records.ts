import type { RecordHeader } from "../../api/record-headers.js";
import { PartitionQueue } from "./partition-queue.js";

/** A record whose partition cannot be chosen before the topic's partitions are known. Holds copies. */
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

/** What a producer holds for one topic. */
export class TopicRecords<T> {
  /** By partition; holes where nothing was ever produced. */
  readonly queues: (PartitionQueue<T> | undefined)[] = [];
  /** In order; all of them go before any later record is placed. */
  unplaced: UnplacedRecord<T>[] = [];
  /** 0 until the topic is known. */
  partitionCount = 0;
  /** Partition that records without key and partition go to until its batch is sent. */
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
