import type { Logger } from "../../base/logger.js";
import { MalformedError } from "../../protocol/malformed-error.js";
import {
  type BatchSlice,
  isControlBatch,
  isTransactional,
  nextOffsetOf,
  readBatchHeader,
  walkBatches,
} from "../../protocol/records/record-batch.js";
import { readRecords } from "../../protocol/records/record-batch-reader.js";
import { type ProducerStamp, RecordBatchWriter } from "../../protocol/records/record-batch-writer.js";
import { readMarker } from "../../protocol/records/transaction-marker.js";
import type { PartitionLog } from "../log/partition-log.js";
import type { EncodedRecord } from "./versioned-record.js";

const READ_BYTES = 1024 * 1024;

/** Java's `String.hashCode`. Kafka picks the partition of an internal topic by it. */
export function javaStringHash(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0;
  return hash;
}

/** Partition of an internal topic that holds the records of an id: of a group, or of a transactional id. */
export function partitionOfId(id: string, partitions: number): number {
  const hash = javaStringHash(id);
  return (hash === -(2 ** 31) ? 0 : Math.abs(hash)) % partitions;
}

/** The format of an internal topic's records. */
export interface CoordinatorRecords<R> {
  /** Kafka's name of the topic. */
  readonly topic: string;
  /** The ids that it holds, in the plural, for messages: `groups`. */
  readonly ids: string;
  encode(record: R): EncodedRecord;
  /** Undefined for records of an unsupported kind. @throws MalformedError */
  decode(key: Buffer, value: Buffer | null): R | undefined;
}

/** A record's place in its topic. */
export interface RecordPlace {
  readonly partition: number;
  readonly offset: number;
  /** The producer of the transaction that it belongs to; undefined: none. */
  readonly producerId: number | undefined;
}

/** Takes the records of an internal topic in order, at the start. */
export interface Replay<R> {
  record(record: R, place: RecordPlace): void;
  /** The end of a producer's transaction in one partition. */
  marker?(partition: number, producerId: number, isCommit: boolean): void;
}

/** The records of a coordinator, in the partitions of its internal topic. */
export class CoordinatorLog<R> {
  /** Partitions that could not be read at the start: the ids in them are unknown, and none of them is served. */
  readonly #unreadable = new Set<number>();

  /** @param logs the topic's partitions; empty while there is no such topic. Read at each use. */
  constructor(
    private readonly format: CoordinatorRecords<R>,
    private readonly logs: () => readonly PartitionLog[],
    private readonly logger: Logger,
  ) {}

  /**
   * Appends records of one id as one batch: after a crash all of them exist, or none. Returns once they are written.
   *
   * @param producer the transaction that they belong to, if any.
   * @returns the offset of the first.
   * @throws KafkaError KAFKA_STORAGE_ERROR
   */
  append(id: string, records: readonly R[], nowMs: number, producer?: ProducerStamp): number {
    const log = this.#logOf(id);
    if (records.length === 0) return log.logEndOffset;
    const writer = new RecordBatchWriter();
    for (const record of records) {
      const { key, value } = this.format.encode(record);
      writer.append(nowMs, key, value, []);
    }
    const batch = writer.finish(undefined, producer);
    return log.append(batch, readBatchHeader(batch));
  }

  /**
   * Resolves once what was appended for an id is as durable as the broker promises; undefined: it is.
   * Rejects with KafkaError when it cannot be.
   *
   * @param end the offset after its last record; by default the end of its partition.
   */
  settled(id: string, end?: number): Promise<void> | undefined {
    const log = this.#logOf(id);
    return log.settled(end ?? log.logEndOffset);
  }

  /** Whether an id's partition can be read and written. */
  serves(id: string): boolean {
    const partition = this.partitionOf(id);
    return this.logs()[partition]?.offline === undefined && !this.#unreadable.has(partition);
  }

  partitionOf(id: string): number {
    return partitionOfId(id, this.logs().length);
  }

  /** Replays every record, oldest first. Called at start. A partition that cannot be read is not served. */
  replay(replay: Replay<R>): void {
    for (const [partition, log] of this.logs().entries()) {
      try {
        this.#replayOne(log, partition, replay);
      } catch (cause) {
        this.#unreadable.add(partition);
        const { topic, ids } = this.format;
        const text = `A partition of ${topic} cannot be read, and none of its ${ids} is served. Restore its folder from a backup, or delete it to begin without its ${ids}`;
        this.logger.error(text, { folder: log.folder }, cause);
      }
    }
  }

  #replayOne(log: PartitionLog, partition: number, replay: Replay<R>): void {
    if (log.offline) throw log.offline;
    for (let offset = log.logStartOffset; offset < log.logEndOffset; ) {
      const chunk = log.reader.read(offset, READ_BYTES, true);
      if (chunk.length === 0) break;
      for (const batch of walkBatches(chunk)) {
        offset = nextOffsetOf(batch.header);
        if (isControlBatch(batch.header)) this.#replayMarker(batch, partition, replay);
        else this.#replayBatch(batch, partition, replay);
      }
    }
  }

  #replayMarker({ bytes }: BatchSlice, partition: number, replay: Replay<R>): void {
    const marker = readMarker(bytes);
    if (marker) replay.marker?.(partition, marker.producerId, marker.kind === "COMMIT");
  }

  #replayBatch({ header, bytes }: BatchSlice, partition: number, replay: Replay<R>): void {
    const { topic } = this.format;
    const producerId = isTransactional(header) ? header.producerId : undefined;
    for (const { key, value, offset } of readRecords(bytes)) {
      const fields = { topic, partition, offset };
      try {
        const record = key && this.format.decode(key, value);
        if (record) replay.record(record, { partition, offset, producerId });
        else this.logger.warn("Skipped a record of an internal topic that is of an unsupported kind", fields);
      } catch (cause) {
        if (!(cause instanceof MalformedError)) throw cause;
        this.logger.warn("Skipped an unreadable record of an internal topic", fields, cause);
      }
    }
  }

  #logOf(id: string): PartitionLog {
    return this.logs()[this.partitionOf(id)]!;
  }
}
