import { ByteReader } from "../../../protocol/byte-reader.js";
import { CODECS, compress } from "../../../protocol/compression/compression.js";
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  codecOf,
  hasDeleteHorizon,
  isLogAppendTime,
  patchBatch,
  withDeleteHorizon,
  withoutCodec,
  writeBatchHeader,
} from "../../../protocol/records/record-batch.js";
import { RecordCursor } from "../../../protocol/records/record-batch-reader.js";
import { varintSize, varlongSize, writeVarint, writeVarlong } from "../../../protocol/records/varint.js";

/** The rules of one compaction. */
export interface CompactionRule {
  /** The newest mapped offset of a key; -1: not mapped. */
  readonly newestOffset: (key: Buffer) => number;
  readonly nowMs: number;
  readonly deleteRetentionMs: number;
  /** Keep even expired tombstones: an older record of their key may still exist. */
  readonly keepsTombstones: boolean;
  /** Keep the batch even without records: it holds a producer's last sequence, or the end of the log. */
  readonly keepsEmpty: boolean;
}

/**
 * Drops the records of a batch that a newer record of their key supersedes, and expired tombstones. Offsets, sequences
 * and producer stay as they are: readers see gaps, and no other change.
 *
 * A tombstone is kept until a reader that started at the beginning has had delete.retention.ms to see it. The first
 * compaction that keeps one stores that time as the batch's base timestamp and sets a bit for it (KAFKA-8522).
 *
 * @returns the batch itself if nothing changes, a smaller one, or undefined if it is dropped.
 * @throws MalformedError; KafkaError UNSUPPORTED_COMPRESSION_TYPE when this process cannot decompress its records.
 */
export function compactBatch(batch: Buffer, rule: CompactionRule): Buffer | undefined {
  const cursor = new RecordCursor(batch);
  const { header } = cursor;
  const horizonSet = hasDeleteHorizon(header);
  const tombstonesGo = horizonSet && !rule.keepsTombstones && rule.nowMs >= header.baseTimestampMs;
  const kept: Buffer[] = [];
  let maxTimestampMs = -1;
  let keptTombstone = false;
  while (cursor.next()) {
    const { key, offset, raw, timestampMs } = cursor;
    if (key === null || offset < rule.newestOffset(key)) continue;
    const tombstone = cursor.isTombstone();
    if (tombstone && tombstonesGo) continue;
    keptTombstone ||= tombstone;
    maxTimestampMs = Math.max(maxTimestampMs, timestampMs);
    kept.push(raw);
  }
  if (kept.length === 0) return rule.keepsEmpty ? emptiedBatch(header) : undefined;
  const setsHorizon = keptTombstone && !horizonSet;
  if (kept.length === header.recordCount && !setsHorizon) return batch;
  const newest = isLogAppendTime(header) ? header.maxTimestampMs : maxTimestampMs;
  if (!setsHorizon) return rebuilt({ ...header, maxTimestampMs: newest }, kept);
  return withHorizon({ ...header, maxTimestampMs: newest }, kept, rule);
}

/**
 * Drops the marker of a transaction without batches, by the same horizon as a tombstone: a reader that has seen a batch
 * of the transaction before it was dropped must also see how it ended.
 *
 * @returns the batch itself, one with a horizon, or undefined if it is dropped.
 */
export function compactMarker(
  batch: Buffer,
  rule: Pick<CompactionRule, "nowMs" | "deleteRetentionMs">,
): Buffer | undefined {
  const cursor = new RecordCursor(batch);
  const { header } = cursor;
  if (hasDeleteHorizon(header)) return rule.nowMs >= header.baseTimestampMs ? undefined : batch;
  const records: Buffer[] = [];
  while (cursor.next()) records.push(cursor.raw);
  return withHorizon(header, records, rule);
}

function withHorizon(
  header: BatchHeader,
  records: readonly Buffer[],
  { nowMs, deleteRetentionMs }: Pick<CompactionRule, "nowMs" | "deleteRetentionMs">,
): Buffer {
  const horizonMs = nowMs + deleteRetentionMs;
  const moved = records.map((record) => withTimestampBase(record, header.baseTimestampMs - horizonMs));
  const attributes = withDeleteHorizon(header.attributes);
  return rebuilt({ ...header, attributes, baseTimestampMs: horizonMs }, moved);
}

function rebuilt(header: BatchHeader, records: readonly Buffer[]): Buffer {
  const codec = CODECS[codecOf(header)]!;
  return assembled({ ...header, recordCount: records.length }, compress({ codec }, Buffer.concat(records)));
}

/** The batch without its records: its header keeps its offsets, and its producer's last sequence. */
export function emptiedBatch(header: BatchHeader): Buffer {
  return assembled({ ...header, attributes: withoutCodec(header.attributes), recordCount: 0 }, Buffer.alloc(0));
}

function assembled(header: BatchHeader, body: Buffer): Buffer {
  const batch = Buffer.allocUnsafe(BATCH_HEADER_BYTES + body.length);
  body.copy(batch, BATCH_HEADER_BYTES);
  writeBatchHeader(batch, { ...header, sizeBytes: batch.length });
  patchBatch(batch, 0, header.baseOffset, header.leaderEpoch);
  return batch;
}

/** The record re-encoded for a timestamp base that lies `shiftMs` before the old one. */
function withTimestampBase(record: Buffer, shiftMs: number): Buffer {
  const reader = new ByteReader(record);
  reader.varint();
  const attributes = reader.i8();
  const delta = reader.varlong() + shiftMs;
  const rest = record.subarray(reader.position);
  const body = 1 + varlongSize(delta) + rest.length;
  const moved = Buffer.allocUnsafe(varintSize(body) + body);
  let at = writeVarint(moved, 0, body);
  moved[at++] = attributes & 0xff;
  at = writeVarlong(moved, at, delta);
  moved.set(rest, at);
  return moved;
}
