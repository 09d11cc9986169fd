import type { Disk } from "../../../base/files/disk.js";
import { KafkaError } from "../../../protocol/kafka-error.js";
import { MalformedError } from "../../../protocol/malformed-error.js";
import {
  type BatchHeader,
  type BatchSlice,
  checkCrc,
  isControlBatch,
  nextOffsetOf,
  walkBatches,
} from "../../../protocol/records/record-batch.js";
import { RecordCursor } from "../../../protocol/records/record-batch-reader.js";
import { lastOffset } from "../segments/batch-walk.js";
import { CleanedSegmentWriter, removeCleaned } from "../segments/cleaned-segment.js";
import { SealedFiles } from "../segments/sealed-files.js";
import { Segment } from "../segments/segment.js";
import { CleanedTransactions } from "./cleaned-transactions.js";
import type { CleanedGroup, CleaningJob, JobSegment, LastOfProducer } from "./cleaning-job.js";
import { compactBatch, compactMarker, emptiedBatch } from "./compact-batch.js";
import { KeyOffsetMap } from "./key-offset-map.js";
import { groupSegments } from "./plan-cleaning.js";

/** Bytes of batches between two pauses. */
const CHUNK_BYTES = 256 * 1024;

/**
 * Carries out a cleaning: maps the keys of the log's dirty part to their newest offsets, then rewrites its segments
 * without obsolete records, each group as one. It only reads the log's files: what it writes beside them does not count
 * before its driver has made it count.
 *
 * Yields a group once its files are on disk; they then belong to the driver, which continues with the next one once the
 * log has adopted it. Yields undefined for a pause, after every CHUNK_BYTES or batch. If it fails, or the driver ends it
 * in a pause, nothing of the current group is left.
 *
 * @returns the offset up to which the log is clean, for the checkpoint.
 * @throws MalformedError when the log cannot be read; the disk's error.
 */
export function* writeCleaned(job: CleaningJob, disk: Disk): Generator<CleanedGroup | undefined, number> {
  const files = new SealedFiles(disk);
  try {
    const keys = KeyOffsetMap.forKeys(job.endOffset - job.firstDirtyOffset, job.dedupeBufferBytes);
    const transactions = new CleanedTransactions(job.aborted);
    const endOffset = yield* mapKeys(job, files, keys, transactions);
    if (endOffset <= job.firstDirtyOffset) return endOffset;
    const producers = new Map(job.producers.map((each) => [each.producerId, each]));
    const state: Rewriting = { job, files, keys, transactions, producers, endOffset, sawUnreadable: false };
    const sealed = job.segments.filter(({ baseOffset }) => baseOffset < endOffset);
    for (const group of groupSegments(sealed, job.segmentBytes)) yield yield* rewriteGroup(group, state);
    return endOffset;
  } finally {
    files.close();
  }
}

interface Rewriting {
  readonly job: CleaningJob;
  readonly files: SealedFiles;
  readonly keys: KeyOffsetMap;
  readonly transactions: CleanedTransactions;
  readonly producers: ReadonlyMap<number, LastOfProducer>;
  /** Keys beyond it are not mapped. */
  readonly endOffset: number;
  /** An earlier batch could not be read: it may hold records older than a later tombstone of their key. */
  sawUnreadable: boolean;
}

/** Opens a segment that the log has sealed. @throws MalformedError when it is not what the log says. */
function openSealed(
  { folder }: CleaningJob,
  { baseOffset, nextOffset, size }: JobSegment,
  files: SealedFiles,
): Segment {
  const segment = Segment.openSealed(folder, baseOffset, nextOffset, files);
  if (!segment) throw new MalformedError(`The index files of segment ${baseOffset} in ${folder} are damaged`);
  if (segment.size === size) return segment;
  throw new MalformedError(`${segment.path} has ${segment.size} bytes, and should have ${size}`);
}

/** The whole batches of a segment, in chunks. */
function* chunksOf(segment: Segment): Generator<Buffer> {
  for (let position = 0; position < segment.size; ) {
    const { bytes } = segment.readBatches(position, CHUNK_BYTES, true);
    if (bytes.length === 0) throw new MalformedError(`${segment.path} ends at ${position} of ${segment.size} bytes`);
    yield bytes;
    position += bytes.length;
  }
}

/**
 * The batches of a chunk, whose bytes are those that were written: a changed key would supersede other records, and a
 * batch that is written again gets a checksum of its own.
 */
function* intactBatches(chunk: Buffer, { folder }: CleaningJob): Generator<BatchSlice> {
  for (const batch of walkBatches(chunk)) {
    if (!checkCrc(batch.bytes, batch.header)) {
      const { baseOffset } = batch.header;
      throw new MalformedError(
        `The records at offset ${baseOffset} in ${folder} are damaged: the disk has changed them since they were written. Replace the disk, and copy the topic's other records to a new topic`,
      );
    }
    yield batch;
  }
}

/**
 * Fills `keys`; a record of an aborted transaction supersedes none. Returns the offset reached, which is less than
 * planned when the keys do not all fit.
 */
function* mapKeys(
  job: CleaningJob,
  files: SealedFiles,
  keys: KeyOffsetMap,
  transactions: CleanedTransactions,
): Generator<undefined, number> {
  for (const described of job.segments) {
    if (described.nextOffset <= job.firstDirtyOffset) continue;
    for (const chunk of chunksOf(openSealed(job, described, files))) {
      for (const { header, bytes } of intactBatches(chunk, job)) {
        if (nextOffsetOf(header) <= job.firstDirtyOffset) continue;
        const isMapped = !isControlBatch(header) && !transactions.isAborted(header);
        if (isMapped && !mapBatch(bytes, keys)) return Math.max(header.baseOffset, job.firstDirtyOffset);
      }
      yield undefined;
    }
  }
  return job.endOffset;
}

/** Returns false when the map had no room for all keys of the batch, which is then left to the next cleaning. */
function mapBatch(batch: Buffer, keys: KeyOffsetMap): boolean {
  const cursor = openRecords(batch);
  if (!cursor) return true;
  while (cursor.next()) if (cursor.key !== null && !keys.put(cursor.key, cursor.offset)) return false;
  return true;
}

/** The records of a batch; undefined when this process cannot decompress them. */
function openRecords(batch: Buffer): RecordCursor | undefined {
  try {
    return new RecordCursor(batch);
  } catch (error) {
    if (KafkaError.is(error, "UNSUPPORTED_COMPRESSION_TYPE")) return undefined;
    throw error;
  }
}

/** Rewrites several segments as one. */
function* rewriteGroup(group: readonly JobSegment[], state: Rewriting): Generator<undefined, CleanedGroup> {
  const { job, files } = state;
  const { folder } = job;
  const { disk } = files;
  const base = group[0]!.baseOffset;
  const segments = group.map((each) => openSealed(job, each, files));
  const writer = new CleanedSegmentWriter(disk, folder, base, job.indexIntervalBytes);
  let isWritten = false;
  try {
    for (const segment of segments) {
      for (const chunk of chunksOf(segment)) {
        writer.append(compactChunk(chunk, state));
        yield undefined;
      }
    }
    const bases = group.map(({ baseOffset }) => baseOffset);
    // The log's first segment stays even if empty: its name is the log's start. Without it, a reader with an older
    // offset would get OFFSET_OUT_OF_RANGE and might continue at the end.
    if (writer.sizeBytes === 0 && base !== job.segments[0]!.baseOffset) return { bases, segment: undefined };
    const aborted = segments.flatMap((segment) => segment.aborted);
    const left = aborted.length > 0 ? state.transactions.left(aborted) : undefined;
    const segment = writer.finish(left, segments.at(-1)!.modifiedMs);
    isWritten = true;
    return { bases, segment };
  } finally {
    writer.close();
    // Open, files that the log removes would keep their space until all of it is cleaned.
    for (const segment of segments) segment.close();
    // After a failure the disk may be full, and recovery, which would also delete these files, not run for a long time.
    if (!isWritten) removeCleaned(disk, folder, base);
  }
}

function compactChunk(chunk: Buffer, state: Rewriting): Buffer[] {
  const kept: Buffer[] = [];
  for (const { header, bytes } of intactBatches(chunk, state.job)) {
    const batch = compactOne(header, bytes, state);
    if (batch) kept.push(batch);
  }
  return kept;
}

function compactOne(header: BatchHeader, batch: Buffer, state: Rewriting): Buffer | undefined {
  if (header.baseOffset >= state.endOffset) return batch;
  if (isControlBatch(header)) return compactControl(header, batch, state);
  const kept = compactRecords(header, batch, state);
  if (kept) state.transactions.keep(header);
  return kept;
}

/** A marker stays as long as a batch of its transaction, and if its producer's epoch is known from nothing else. */
function compactControl(
  header: BatchHeader,
  batch: Buffer,
  { job, producers, transactions }: Rewriting,
): Buffer | undefined {
  const producer = producers.get(header.producerId);
  const isNeeded = transactions.needsMarker(header);
  const isProducersLast = producer?.lastOffset === -1 && producer.epoch === header.producerEpoch;
  if (isNeeded || isProducersLast || nextOffsetOf(header) === job.logEndOffset) return batch;
  const kept = compactMarker(batch, job);
  if (!kept) transactions.drop(header);
  return kept;
}

function compactRecords(header: BatchHeader, batch: Buffer, state: Rewriting): Buffer | undefined {
  const { job, producers, transactions } = state;
  const last = lastOffset(header);
  const keepsEmpty = producers.get(header.producerId)?.lastOffset === last || last + 1 === job.logEndOffset;
  if (transactions.isAborted(header)) return keepsEmpty ? emptiedBatch(header) : undefined;
  if (!openRecords(batch)) {
    state.sawUnreadable = true;
    return batch;
  }
  return compactBatch(batch, {
    newestOffset: (key) => state.keys.get(key),
    nowMs: job.nowMs,
    deleteRetentionMs: job.deleteRetentionMs,
    keepsTombstones: state.sawUnreadable,
    keepsEmpty,
  });
}
