import type { Logger } from "../../base/logger.js";
import { MalformedError } from "../../protocol/malformed-error.js";
import { isControlBatch, nextOffsetOf, readBatchHeader, walkBatches } from "../../protocol/records/record-batch.js";
import { readRecords } from "../../protocol/records/record-batch-reader.js";
import { RecordBatchWriter } from "../../protocol/records/record-batch-writer.js";
import type { PartitionLog } from "../log/partition-log.js";
import { decodeGroupRecord, encodeGroupRecord, type GroupRecord } from "./group-records.js";

const READ_BYTES = 1024 * 1024;

/** Java's `String.hashCode`. Kafka picks a group's partition of the offsets topic by it. */
export function javaStringHash(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0;
  return hash;
}

/** Partition of the offsets topic that holds a group. */
export function partitionOfGroup(group: string, partitions: number): number {
  const hash = javaStringHash(group);
  return (hash === -(2 ** 31) ? 0 : Math.abs(hash)) % partitions;
}

/** The coordinator's records, in the partitions of `__consumer_offsets`. */
export class GroupLog {
  /** Partitions that could not be read at the start: the groups in them are unknown, and none of them is served. */
  readonly #unreadable = new Set<number>();

  constructor(
    private readonly logs: () => readonly PartitionLog[],
    private readonly logger: Logger,
  ) {}

  /**
   * Appends records of one group as one batch: after a crash all of them exist, or none. Returns once they are written.
   */
  append(group: string, records: readonly GroupRecord[], nowMs: number): void {
    if (records.length === 0) return;
    const writer = new RecordBatchWriter();
    for (const record of records) {
      const { key, value } = encodeGroupRecord(record);
      writer.append(nowMs, key, value, []);
    }
    const batch = writer.finish();
    this.#logOf(group).append(batch, readBatchHeader(batch));
  }

  /**
   * Resolves once everything that was appended for a group is as durable as the broker promises; undefined: it is.
   * Rejects with KafkaError when it cannot be.
   */
  settled(group: string): Promise<void> | undefined {
    const log = this.#logOf(group);
    return log.settled(log.logEndOffset);
  }

  /** Whether a group's partition can be read and written. */
  serves(group: string): boolean {
    return this.#logOf(group).offline === undefined && !this.#unreadable.has(this.#partitionOf(group));
  }

  /** Calls `visit` with every record, oldest first. Called at start. A partition that cannot be read is not served. */
  replay(visit: (record: GroupRecord) => void): void {
    for (const [partition, log] of this.logs().entries()) {
      try {
        this.#replayOne(log, visit);
      } catch (cause) {
        this.#unreadable.add(partition);
        const text =
          "A partition of the offsets topic cannot be read, and none of its groups is served. Restore its folder from a backup, or delete it to begin without its offsets";
        this.logger.error(text, { folder: log.folder }, cause);
      }
    }
  }

  #replayOne(log: PartitionLog, visit: (record: GroupRecord) => void): void {
    if (log.offline) throw log.offline;
    for (let offset = log.logStartOffset; offset < log.logEndOffset; ) {
      const chunk = log.read(offset, READ_BYTES, true);
      if (chunk.length === 0) break;
      for (const { header, bytes } of walkBatches(chunk)) {
        offset = nextOffsetOf(header);
        if (!isControlBatch(header)) this.#visitBatch(bytes, visit);
      }
    }
  }

  #logOf(group: string): PartitionLog {
    return this.logs()[this.#partitionOf(group)]!;
  }

  #partitionOf(group: string): number {
    return partitionOfGroup(group, this.logs().length);
  }

  #visitBatch(batch: Buffer, visit: (record: GroupRecord) => void): void {
    for (const { key, value, offset } of readRecords(batch)) {
      try {
        const record = key && decodeGroupRecord(key, value);
        if (record) visit(record);
        else this.logger.warn("Skipped a record of the offsets topic that is of an unsupported kind", { offset });
      } catch (cause) {
        if (!(cause instanceof MalformedError)) throw cause;
        this.logger.warn("Skipped an unreadable record of the offsets topic", { offset }, cause);
      }
    }
  }
}
