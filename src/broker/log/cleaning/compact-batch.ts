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

/** What a batch is compacted by. */
export interface CompactionRule {
  /** The newest offset of a key as far as the cleaning has looked; -1: not seen. */
  readonly newestOffset: (key: Buffer) => number;
  readonly nowMs: number;
  readonly deleteRetentionMs: number;
  /** Tombstones stay although their time is over: an older record of their key may still be there. */
  readonly keepsTombstones: boolean;
  /** The batch must not vanish, even without records: a producer's last sequence, or the end of the log, is known by it. */
  readonly keepsEmpty: boolean;
}

/**
 * Drops the records of a batch that newer ones of their key have made obsolete, and tombstones whose time is over.
 * Offsets, sequences and the producer stay as they are: a reader sees gaps, and nothing else changes.
 *
 * A tombstone is kept until a reader that started from the beginning had delete.retention.ms to see it. The first
 * compaction that keeps one writes down when that ends: in the batch's base timestamp, told by a bit (KAFKA-8522).
 *
 * @returns the batch itself if nothing changes, a smaller one, or undefined when nothing is left.
 * @throws MalformedError; KafkaError UNSUPPORTED_COMPRESSION_TYPE when its records cannot be read here.
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
  if (kept.length === 0) return rule.keepsEmpty ? emptyBatch(header) : undefined;
  const setsHorizon = keptTombstone && !horizonSet;
  if (kept.length === header.recordCount && !setsHorizon) return batch;
  const newest = isLogAppendTime(header) ? header.maxTimestampMs : maxTimestampMs;
  if (!setsHorizon) return rebuilt({ ...header, maxTimestampMs: newest }, kept);
  const horizonMs = rule.nowMs + rule.deleteRetentionMs;
  const moved = kept.map((record) => withTimestampBase(record, header.baseTimestampMs - horizonMs));
  const attributes = withDeleteHorizon(header.attributes);
  return rebuilt({ ...header, attributes, baseTimestampMs: horizonMs, maxTimestampMs: newest }, moved);
}

function rebuilt(header: BatchHeader, records: readonly Buffer[]): Buffer {
  const codec = CODECS[codecOf(header)]!;
  return assembled({ ...header, recordCount: records.length }, compress({ codec }, Buffer.concat(records)));
}

function emptyBatch(header: BatchHeader): Buffer {
  return assembled({ ...header, attributes: withoutCodec(header.attributes), recordCount: 0 }, Buffer.alloc(0));
}

function assembled(header: BatchHeader, body: Buffer): Buffer {
  const batch = Buffer.allocUnsafe(BATCH_HEADER_BYTES + body.length);
  body.copy(batch, BATCH_HEADER_BYTES);
  writeBatchHeader(batch, { ...header, sizeBytes: batch.length });
  patchBatch(batch, 0, header.baseOffset, header.leaderEpoch);
  return batch;
}

/** A record whose timestamp counts from a base that lies `shiftMs` before the old one. */
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
