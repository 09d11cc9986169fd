import { type ByteReader, safeInt64 } from "../byte-reader.js";
import { writeInt64 } from "../byte-writer.js";
import { crc32c } from "../crc32c.js";
import { MalformedError } from "../malformed-error.js";

/** Bytes of a batch before its records (magic 2). */
export const BATCH_HEADER_BYTES = 61;
/** Bytes of base offset and length, which the length field does not include. */
export const BATCH_PREFIX_BYTES = 12;

const LENGTH_AT = 8;
const LEADER_EPOCH_AT = 12;
const MAGIC_AT = 16;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
const BASE_TIMESTAMP_AT = 27;
const MAX_TIMESTAMP_AT = 35;
const PRODUCER_ID_AT = 43;
const PRODUCER_EPOCH_AT = 51;
const BASE_SEQUENCE_AT = 53;
const COUNT_AT = 57;

const CODEC_BITS = 0x07;
const LOG_APPEND_TIME_BIT = 0x08;
/** In a batch's attributes. */
export const TRANSACTIONAL_BIT = 0x10;
export const CONTROL_BIT = 0x20;
const DELETE_HORIZON_BIT = 0x40;

/** The header of a record batch of magic 2. */
export interface BatchHeader {
  /** Offset of the first record, assigned by the log. */
  readonly baseOffset: number;
  /** Bytes of the whole batch, including base offset and length. */
  readonly sizeBytes: number;
  readonly leaderEpoch: number;
  readonly magic: number;
  readonly crc: number;
  readonly attributes: number;
  readonly lastOffsetDelta: number;
  readonly baseTimestampMs: number;
  readonly maxTimestampMs: number;
  /** -1: none. */
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  /** Number of records; fewer than offsets after compaction. */
  readonly recordCount: number;
}

/** Number of the compression codec. */
export function codecOf(header: Pick<BatchHeader, "attributes">): number {
  return header.attributes & CODEC_BITS;
}

/** Whether the broker set the timestamps: every record then has the maximum timestamp. */
export function isLogAppendTime(header: Pick<BatchHeader, "attributes">): boolean {
  return (header.attributes & LOG_APPEND_TIME_BIT) !== 0;
}

export function isTransactional(header: Pick<BatchHeader, "attributes">): boolean {
  return (header.attributes & TRANSACTIONAL_BIT) !== 0;
}

/** The producer of `bytes` if they begin with a transactional batch; undefined otherwise. Checks nothing else. */
export function transactionalProducerOf(
  bytes: Buffer,
): { readonly producerId: number; readonly producerEpoch: number } | undefined {
  if (bytes.length < BATCH_HEADER_BYTES || bytes[MAGIC_AT] !== 2) return undefined;
  if ((bytes[ATTRIBUTES_AT + 1]! & TRANSACTIONAL_BIT) === 0) return undefined;
  return { producerId: readInt64(bytes, PRODUCER_ID_AT), producerEpoch: bytes.readInt16BE(PRODUCER_ID_AT + 8) };
}

/** Whether the batch holds a transaction marker, which has an offset but is not a record for readers. */
export function isControlBatch(header: Pick<BatchHeader, "attributes">): boolean {
  return (header.attributes & CONTROL_BIT) !== 0;
}

/** Whether the base timestamp is the delete horizon: the time from which the batch's tombstones may be removed. */
export function hasDeleteHorizon(header: Pick<BatchHeader, "attributes">): boolean {
  return (header.attributes & DELETE_HORIZON_BIT) !== 0;
}

/** The attributes of a batch whose base timestamp is made its delete horizon. */
export function withDeleteHorizon(attributes: number): number {
  return attributes | DELETE_HORIZON_BIT;
}

/** The attributes of the same batch, not compressed. */
export function withoutCodec(attributes: number): number {
  return attributes & ~CODEC_BITS;
}

/** The offset after the batch, where a reader or log continues. Compaction does not change it. */
export function nextOffsetOf(header: Pick<BatchHeader, "baseOffset" | "lastOffsetDelta">): number {
  return header.baseOffset + header.lastOffsetDelta + 1;
}

/**
 * Size of the batch that begins at `at`, or undefined when even its prefix is cut off.
 * @throws MalformedError when the length is too small for a batch.
 */
function batchSize(buffer: Buffer, at: number): number | undefined {
  if (buffer.length - at < BATCH_PREFIX_BYTES) return undefined;
  const length = buffer.readInt32BE(at + LENGTH_AT);
  if (length < BATCH_HEADER_BYTES - BATCH_PREFIX_BYTES) {
    throw new MalformedError(`A record batch cannot be ${length} bytes long`);
  }
  return BATCH_PREFIX_BYTES + length;
}

/**
 * Reads the header at `at`. Neither reads the records nor checks the CRC (see `checkCrc`).
 * @throws MalformedError when the header is cut off or its magic is not 2.
 */
export function readBatchHeader(buffer: Buffer, at = 0): BatchHeader {
  const sizeBytes = batchSize(buffer, at);
  if (sizeBytes === undefined || buffer.length - at < BATCH_HEADER_BYTES) {
    throw new MalformedError(`A record batch is cut off after ${buffer.length - at} bytes`);
  }
  const magic = buffer.readInt8(at + MAGIC_AT);
  if (magic !== 2) throw new MalformedError(`A record batch of magic ${magic}; only 2 is supported`);
  return {
    baseOffset: readInt64(buffer, at),
    sizeBytes,
    leaderEpoch: buffer.readInt32BE(at + LEADER_EPOCH_AT),
    magic,
    crc: buffer.readUInt32BE(at + CRC_AT),
    attributes: buffer.readInt16BE(at + ATTRIBUTES_AT),
    lastOffsetDelta: buffer.readInt32BE(at + LAST_OFFSET_DELTA_AT),
    baseTimestampMs: readInt64(buffer, at + BASE_TIMESTAMP_AT),
    maxTimestampMs: readInt64(buffer, at + MAX_TIMESTAMP_AT),
    producerId: readInt64(buffer, at + PRODUCER_ID_AT),
    producerEpoch: buffer.readInt16BE(at + PRODUCER_EPOCH_AT),
    baseSequence: buffer.readInt32BE(at + BASE_SEQUENCE_AT),
    recordCount: buffer.readInt32BE(at + COUNT_AT),
  };
}

/** Base offset of the batch at `at`. */
export function baseOffsetAt(buffer: Buffer, at: number): number {
  return readInt64(buffer, at);
}

/**
 * The whole batches at the start of `bytes`, within `maxBytes` of it, that begin before offset `end`: their length, and
 * the offset after them (-1: there are none). Reads only what stepping needs.
 * @throws MalformedError for a length that is too small for a batch.
 */
export function wholeBatches(
  bytes: Buffer,
  maxBytes: number,
  end: number,
): { readonly length: number; readonly nextOffset: number } {
  let at = 0;
  let nextOffset = -1;
  while (at + BATCH_HEADER_BYTES <= maxBytes) {
    const next = at + batchSize(bytes, at)!;
    if (next > maxBytes) break;
    const baseOffset = readInt64(bytes, at);
    if (baseOffset >= end) break;
    nextOffset = baseOffset + bytes.readInt32BE(at + LAST_OFFSET_DELTA_AT) + 1;
    at = next;
  }
  return { length: at, nextOffset };
}

/** Whether the checksum in `header` matches the bytes of the batch at `at`, which must be complete. */
export function checkCrc(buffer: Buffer, header: BatchHeader, at = 0): boolean {
  return crc32c(buffer, at + ATTRIBUTES_AT, at + header.sizeBytes) === header.crc;
}

/** Sets base offset and leader epoch, as a log does when it appends. The checksum does not cover them. */
export function patchBatch(buffer: Buffer, at: number, baseOffset: number, leaderEpoch: number): void {
  writeInt64(buffer, baseOffset, at);
  buffer.writeInt32BE(leaderEpoch, at + LEADER_EPOCH_AT);
}

/** Marks the batch at `at` as log append time `timestampMs` and updates its checksum. */
export function stampLogAppendTime(buffer: Buffer, at: number, timestampMs: number): void {
  const end = at + BATCH_PREFIX_BYTES + buffer.readInt32BE(at + LENGTH_AT);
  buffer.writeInt16BE(buffer.readInt16BE(at + ATTRIBUTES_AT) | LOG_APPEND_TIME_BIT, at + ATTRIBUTES_AT);
  writeInt64(buffer, timestampMs, at + MAX_TIMESTAMP_AT);
  buffer.writeUInt32BE(crc32c(buffer, at + ATTRIBUTES_AT, end), at + CRC_AT);
}

/**
 * The header fields that a writer sets; `writeBatchHeader` adds leader epoch -1 and the checksum. Without a base offset
 * it writes 0.
 */
export interface NewBatchHeader {
  readonly sizeBytes: number;
  readonly attributes: number;
  readonly lastOffsetDelta: number;
  readonly baseTimestampMs: number;
  readonly maxTimestampMs: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly recordCount: number;
  readonly baseOffset?: number;
}

/**
 * Writes a header with checksum into the first 61 bytes of `buffer`; the records must already follow, up to
 * `sizeBytes`.
 */
export function writeBatchHeader(buffer: Buffer, header: NewBatchHeader): void {
  writeInt64(buffer, header.baseOffset ?? 0, 0);
  buffer.writeInt32BE(header.sizeBytes - BATCH_PREFIX_BYTES, LENGTH_AT);
  buffer.writeInt32BE(-1, LEADER_EPOCH_AT);
  buffer.writeInt8(2, MAGIC_AT);
  buffer.writeInt16BE(header.attributes, ATTRIBUTES_AT);
  buffer.writeInt32BE(header.lastOffsetDelta, LAST_OFFSET_DELTA_AT);
  writeInt64(buffer, header.baseTimestampMs, BASE_TIMESTAMP_AT);
  writeInt64(buffer, header.maxTimestampMs, MAX_TIMESTAMP_AT);
  writeInt64(buffer, header.producerId, PRODUCER_ID_AT);
  buffer.writeInt16BE(header.producerEpoch, PRODUCER_EPOCH_AT);
  buffer.writeInt32BE(header.baseSequence, BASE_SEQUENCE_AT);
  buffer.writeInt32BE(header.recordCount, COUNT_AT);
  buffer.writeUInt32BE(crc32c(buffer, ATTRIBUTES_AT, header.sizeBytes), CRC_AT);
}

function readInt64(buffer: Buffer, at: number): number {
  return safeInt64(buffer.readInt32BE(at), buffer.readUInt32BE(at + 4));
}

/** A whole batch: its header and its bytes. */
export interface BatchSlice {
  readonly header: BatchHeader;
  /** The bytes of the whole batch, including the header. */
  readonly bytes: Buffer;
}

/**
 * Walks the batches of a fetch response or a log segment. Brokers may cut off the last batch: it ends the walk.
 * @throws MalformedError for bytes that are not a batch.
 */
export function* walkBatches(buffer: Buffer): Generator<BatchSlice> {
  for (let at = 0; ; ) {
    const size = batchSize(buffer, at);
    if (size === undefined || size > buffer.length - at) return;
    const bytes = buffer.subarray(at, at + size);
    yield { header: readBatchHeader(bytes), bytes };
    at += size;
  }
}

/** Reads the version and type of a control record's key: type 0 is ABORT, 1 is COMMIT. @throws MalformedError */
export function readControlType(keyReader: ByteReader): number {
  keyReader.i16();
  return keyReader.i16();
}
