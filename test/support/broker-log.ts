import { SimClock } from "../../src/base/clock.js";
import { type Disk, SYSTEM_DISK } from "../../src/base/files/disk.js";
import { type Logger, silentLogger } from "../../src/base/logger.js";
import { BrokerProperties } from "../../src/broker/broker-properties.js";
import { PartitionLog } from "../../src/broker/log/partition-log.js";
import type { PartitionLogOptions } from "../../src/broker/log/partition-log-options.js";
import { SealedFiles } from "../../src/broker/log/segments/sealed-files.js";
import { logConfigOf } from "../../src/broker/topics/topic-config.js";
import type { Codec } from "../../src/protocol/compression/compression.js";
import { isControlBatch, nextOffsetOf, readBatchHeader, walkBatches } from "../../src/protocol/records/record-batch.js";
import { type DecodedRecord, readRecords } from "../../src/protocol/records/record-batch-reader.js";
import { type ProducerStamp, RecordBatchWriter } from "../../src/protocol/records/record-batch-writer.js";

export interface TestLogOptions {
  /** The topic's settings, not validated: even tiny segments, which CreateTopics would refuse. */
  readonly configs?: Readonly<Record<string, string>>;
  readonly clock?: SimClock;
  readonly leaderEpoch?: number;
  readonly disk?: Disk;
  readonly logger?: Logger;
  readonly logStartOffset?: number;
  readonly recoveryPoint?: number;
  /** Throws when the folder is another process's; by default it never is. */
  readonly checkFolder?: () => void;
}

/** Opens the log in `folder` as the broker would. */
export function openTestLog(folder: string, options: TestLogOptions = {}): PartitionLog {
  (options.disk ?? SYSTEM_DISK).makeFolder(folder);
  return PartitionLog.open(logOptions(folder, options));
}

/** The log in `folder` as the broker has it when it cannot be opened. */
export function openOfflineLog(folder: string, options: TestLogOptions = {}): PartitionLog {
  return PartitionLog.openOffline(logOptions(folder, options), new Error("EIO"));
}

function logOptions(folder: string, options: TestLogOptions): PartitionLogOptions {
  const config = logConfigOf(options.configs ?? {}, new BrokerProperties({}));
  return {
    folder,
    config: () => config,
    files: new SealedFiles(options.disk ?? SYSTEM_DISK),
    clock: options.clock ?? new SimClock(),
    logger: options.logger ?? silentLogger,
    leaderEpoch: options.leaderEpoch ?? 0,
    logStartOffset: options.logStartOffset ?? 0,
    recoveryPoint: options.recoveryPoint ?? 0,
    checkFolder: options.checkFolder ?? (() => undefined),
  };
}

/** The same up to where the broker serves it. @throws the disk's error, or that which has taken the log offline. */
export async function openServedLog(folder: string, options: TestLogOptions = {}): Promise<PartitionLog> {
  const log = openTestLog(folder, options);
  await log.forceRecovered();
  if (!log.offline) return log;
  log.abandon();
  throw log.offline;
}

export interface TestRecord {
  readonly key?: string | null;
  readonly value: string | null;
  readonly timestampMs?: number;
}

/** A producer's batch. */
export function batchOf(records: readonly TestRecord[], producer?: ProducerStamp, codec: Codec = "none"): Buffer {
  const writer = new RecordBatchWriter();
  const bytes = (text: string | null | undefined) => (text === null || text === undefined ? null : Buffer.from(text));
  for (const { key, value, timestampMs = 1_700_000_000_000 } of records) {
    writer.append(timestampMs, bytes(key), bytes(value), []);
  }
  return Buffer.from(writer.finish({ codec }, producer));
}

/** Appends a batch without any check. Returns its base offset. */
export function append(log: PartitionLog, batch: Buffer): number {
  return log.append(batch, readBatchHeader(batch));
}

/** All records for a reader that starts at `from`, fetches `maxBytes` at a time and steps by batch headers. */
export function readAll(log: PartitionLog, from = log.logStartOffset, maxBytes = 1000): DecodedRecord[] {
  const records: DecodedRecord[] = [];
  for (let offset = from; offset < log.logEndOffset; ) {
    const chunk = log.reader.read(offset, maxBytes, true);
    if (chunk.length === 0) break;
    for (const { header, bytes } of walkBatches(chunk)) {
      offset = nextOffsetOf(header);
      if (!isControlBatch(header)) records.push(...readRecords(bytes).filter((record) => record.offset >= from));
    }
  }
  return records;
}
