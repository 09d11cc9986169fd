import { writeAt } from "../../../base/files/durable-files.js";
import { KafkaError } from "../../../protocol/kafka-error.js";
import { MalformedError } from "../../../protocol/malformed-error.js";
import {
  type BatchHeader,
  isControlBatch,
  nextOffsetOf,
  readBatchHeader,
  walkBatches,
} from "../../../protocol/records/record-batch.js";
import { RecordCursor } from "../../../protocol/records/record-batch-reader.js";
import type { PartitionLog } from "../partition-log.js";
import { lastOffset } from "../segments/batch-walk.js";
import { Segment } from "../segments/segment.js";
import { segmentPath } from "../segments/segment-path.js";
import { SegmentSwap } from "../segments/segment-swap.js";
import { CleanedTransactions } from "./cleaned-transactions.js";
import { compactBatch, compactMarker, emptiedBatch } from "./compact-batch.js";
import { KeyOffsetMap } from "./key-offset-map.js";
import { type CleaningPlan, groupSegments } from "./plan-cleaning.js";

/** Bytes of batches between two pauses: a thousand small records, which take some milliseconds. */
const CHUNK_BYTES = 64 * 1024;

/** A pause in a cleaning, in which requests are served, and in which `fdToSync`, if set, is forced to disk. */
export interface CleaningStep {
  readonly fdToSync?: number;
}

/** The time, and the memory for the map of keys (log.cleaner.dedupe.buffer.size). */
export interface CleaningOptions {
  readonly nowMs: number;
  readonly dedupeBufferBytes: number;
}

/**
 * Cleans a compacted log: maps the keys of its dirty part to their newest offsets, then rewrites the segments without
 * obsolete records. Yields after every CHUNK_BYTES or batch, so that requests are served in between. Appends and reads
 * continue: only sealed segments are touched, and each is replaced in one step.
 *
 * Crash-safe: a group of segments is rewritten to `.cleaned`, forced to disk and renamed to `.swap`, which takes their
 * place from then on: the old segments are deleted, and `.swap` becomes the segment. Recovery deletes a `.cleaned` and
 * finishes a `.swap`.
 *
 * @returns the offset up to which the log is clean, for the checkpoint; undefined if it was closed meanwhile.
 */
export function* cleanLog(
  log: PartitionLog,
  plan: CleaningPlan,
  options: CleaningOptions,
): Generator<CleaningStep, number | undefined> {
  if (log.isClosed) return undefined;
  log.cleaning = true;
  try {
    const keys = KeyOffsetMap.forKeys(plan.endOffset - plan.firstDirtyOffset, options.dedupeBufferBytes);
    const aborted = log.reader.abortedTransactions(log.segments[0]!.baseOffset, plan.endOffset);
    const transactions = new CleanedTransactions(aborted);
    const endOffset = yield* mapKeys(log, plan, keys, transactions);
    if (endOffset === undefined || endOffset <= plan.firstDirtyOffset) return endOffset;
    const sealed = log.segments.slice(0, -1).filter(({ baseOffset }) => baseOffset < endOffset);
    const described = sealed.map((segment) => ({
      segment,
      baseOffset: segment.baseOffset,
      nextOffset: segment.nextOffset,
      size: segment.size,
      timestampMs: segment.maxTimestamp,
    }));
    const state: Rewriting = { keys, transactions, endOffset, options, sawUnreadable: false };
    for (const group of groupSegments(described, log.config.segmentBytes)) {
      const finished = yield* rewriteGroup(
        log,
        group.map(({ segment }) => segment),
        state,
      );
      if (!finished) return undefined;
    }
    return endOffset;
  } finally {
    log.cleaning = false;
  }
}

interface Rewriting {
  readonly keys: KeyOffsetMap;
  readonly transactions: CleanedTransactions;
  readonly endOffset: number;
  readonly options: CleaningOptions;
  /** An earlier batch could not be read: it may hold records older than a later tombstone of their key. */
  sawUnreadable: boolean;
}

/**
 * Fills `keys`; a record of an aborted transaction supersedes none. Returns the offset reached, which is less than
 * planned when the keys do not all fit; undefined: closed.
 */
function* mapKeys(
  log: PartitionLog,
  plan: CleaningPlan,
  keys: KeyOffsetMap,
  transactions: CleanedTransactions,
): Generator<CleaningStep, number | undefined> {
  let offset = plan.firstDirtyOffset;
  while (offset < plan.endOffset) {
    if (log.isClosed) return undefined;
    const chunk = log.reader.read(offset, CHUNK_BYTES, true);
    if (chunk.length === 0) break;
    for (const { header, bytes } of walkBatches(chunk)) {
      if (header.baseOffset >= plan.endOffset) return plan.endOffset;
      const isMapped = !isControlBatch(header) && !transactions.isAborted(header);
      if (isMapped && !mapBatch(bytes, keys)) return header.baseOffset;
      offset = nextOffsetOf(header);
    }
    yield {};
  }
  return Math.min(Math.max(offset, plan.firstDirtyOffset), plan.endOffset);
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

/** Rewrites several segments as one. Returns false if the log was closed meanwhile. */
function* rewriteGroup(
  log: PartitionLog,
  group: readonly Segment[],
  state: Rewriting,
): Generator<CleaningStep, boolean> {
  const first = group[0]!;
  const base = first.baseOffset;
  const cleaned = segmentPath(log.folder, base, "log.cleaned");
  const swap = new SegmentSwap(log.folder, base, log.files, log.config.indexIntervalBytes);
  const modifiedMs = group.at(-1)!.modifiedMs;
  const { disk } = log.files;
  const fd = disk.open(cleaned, "replace");
  let written = 0;
  try {
    for (const segment of group) {
      for (let position = 0; position < segment.size; ) {
        const { bytes: chunk } = segment.readBatches(position, CHUNK_BYTES, true);
        if (chunk.length === 0)
          throw new MalformedError(`${segment.path} ends at ${position} of ${segment.size} bytes`);
        const kept = compactChunk(log, chunk, state);
        writeAt(disk, fd, Buffer.concat(kept), written);
        for (const batch of kept) {
          swap.admit(readBatchHeader(batch), written);
          written += batch.length;
        }
        position += chunk.length;
        yield {};
        if (log.isClosed) return false;
      }
    }
    yield { fdToSync: fd };
    if (log.isClosed) return false;
    const aborted = group.flatMap((segment) => segment.aborted);
    if (aborted.length > 0) swap.writeAborted(state.transactions.left(aborted));
  } catch (error) {
    // The disk may be full, and recovery, which would also delete these files, may not run for a long time.
    disk.remove(cleaned);
    swap.remove();
    throw error;
  } finally {
    disk.close(fd);
  }
  // The first segment stays even if empty: its name is the log's start. Without it, a reader with an older offset
  // would get OFFSET_OUT_OF_RANGE and might continue at the end.
  if (written === 0 && first !== log.segments[0]) {
    disk.remove(cleaned);
    swap.remove();
    replaceSegments(log, () => {
      // The segment before must not lose its index files, or it would be taken for cut off where these began.
      disk.syncFolder(log.folder);
      log.replaceSegments(group, undefined);
      // Oldest first: a tombstone must outlive the records it deletes.
      for (const segment of group) segment.remove();
    });
    return true;
  }
  becomeSwap(log, swap, cleaned, modifiedMs);
  replaceSegments(log, () => {
    disk.syncFolder(log.folder);
    for (const segment of group) segment.close();
    const bases = group.map(({ baseOffset }) => baseOffset);
    swap.takePlace(bases);
    const nextOffset = group.at(-1)!.nextOffset;
    const fresh = Segment.openSealed(log.folder, base, nextOffset, log.files);
    // The next start reads the segment, and makes its index anew.
    if (!fresh) throw new MalformedError(`The index files of segment ${base} are not what was written`);
    log.replaceSegments(group, fresh);
  });
  return true;
}

/**
 * Renames `.cleaned` to `.swap`, and writes its index files. On a failure, such as a full disk, all of them are withdrawn:
 * another cleaning may group the segments differently, and would take the aborted transactions for its own; and the next
 * start, which finishes every `.swap`, would delete what that one wrote.
 */
function becomeSwap(log: PartitionLog, swap: SegmentSwap, cleaned: string, modifiedMs: number): void {
  const { disk } = log.files;
  try {
    disk.setModifiedMs(cleaned, modifiedMs);
    disk.rename(cleaned, swap.path);
    swap.writeIndex();
  } catch (cause) {
    replaceSegments(log, () => {
      disk.remove(cleaned);
      swap.remove();
    });
    throw cause;
  }
}

/** A step that the next start finishes if it fails: the log is offline until then. */
function replaceSegments(log: PartitionLog, step: () => void): void {
  try {
    step();
  } catch (cause) {
    throw log.fail("replacing compacted segments of", cause);
  }
}

function compactChunk(log: PartitionLog, chunk: Buffer, state: Rewriting): Buffer[] {
  const kept: Buffer[] = [];
  for (const { header, bytes } of walkBatches(chunk)) {
    const batch = compactOne(log, header, bytes, state);
    if (batch) kept.push(batch);
  }
  return kept;
}

function compactOne(log: PartitionLog, header: BatchHeader, batch: Buffer, state: Rewriting): Buffer | undefined {
  // Keys beyond the mapped part are unknown.
  if (header.baseOffset >= state.endOffset) return batch;
  if (isControlBatch(header)) return compactControl(log, header, batch, state);
  const kept = compactRecords(log, header, batch, state);
  if (kept) state.transactions.keep(header);
  return kept;
}

/** A marker stays as long as a batch of its transaction, and if its producer's epoch is known from nothing else. */
function compactControl(log: PartitionLog, header: BatchHeader, batch: Buffer, state: Rewriting): Buffer | undefined {
  const producer = log.producers.entry(header.producerId);
  const isNeeded = state.transactions.needsMarker(header);
  const isProducersLast = producer?.batches.length === 0 && producer.epoch === header.producerEpoch;
  if (isNeeded || isProducersLast || nextOffsetOf(header) === log.logEndOffset) return batch;
  const { nowMs } = state.options;
  const kept = compactMarker(batch, { nowMs, deleteRetentionMs: log.config.deleteRetentionMs });
  if (!kept) state.transactions.drop(header);
  return kept;
}

function compactRecords(log: PartitionLog, header: BatchHeader, batch: Buffer, state: Rewriting): Buffer | undefined {
  const last = lastOffset(header);
  const isProducersLast = log.producers.entry(header.producerId)?.batches.at(-1)?.lastOffset === last;
  const keepsEmpty = isProducersLast || last + 1 === log.logEndOffset;
  if (state.transactions.isAborted(header)) return keepsEmpty ? emptiedBatch(header) : undefined;
  if (!openRecords(batch)) {
    state.sawUnreadable = true;
    return batch;
  }
  return compactBatch(batch, {
    newestOffset: (key) => state.keys.get(key),
    nowMs: state.options.nowMs,
    deleteRetentionMs: log.config.deleteRetentionMs,
    keepsTombstones: state.sawUnreadable,
    keepsEmpty,
  });
}
