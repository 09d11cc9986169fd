import { ByteReader } from "../../../protocol/byte-reader.js";
import { ByteWriter } from "../../../protocol/byte-writer.js";
import { crc32c } from "../../../protocol/crc32c.js";
import { isPlausibleIndex, type LastTime, SegmentIndex } from "./segment-index.js";
import type { AbortedTransaction } from "./transaction-index.js";

const VERSION = 2;
const CRC_BYTES = 4;
const HEADER_BYTES = CRC_BYTES + 2 + 8 + (8 + 8 + 8 + 4) + 3 * 4;
const NONE = -1;

/** A segment of which every batch is on disk. */
export interface WholeSegment {
  readonly sizeBytes: number;
  readonly nextOffset: number;
  /** Undefined when none of its records has a timestamp. */
  readonly lastTime: LastTime | undefined;
}

/** The indexes of an active segment, up to an offset. */
export interface IndexSnapshot {
  /** Only of batches that are on disk. */
  readonly index: SegmentIndex;
  /** The segment when the snapshot was taken; undefined: some of it was not on disk, such as the last entry's batch. */
  readonly whole: WholeSegment | undefined;
  /** The end of the log when the snapshot was taken: `aborted` holds all that ended before. */
  readonly endOffset: number;
  readonly aborted: readonly AbortedTransaction[];
}

/**
 * The bytes of a snapshot: CRC-32C, version, end, the whole segment or -1, lengths of both indexes, number of
 * transactions, and these three.
 */
export function encodeIndexSnapshot({ index, whole, endOffset, aborted }: IndexSnapshot): Buffer {
  const { offsetBytes, timeBytes } = index;
  const header = new ByteWriter();
  header.i16(VERSION);
  header.i64(endOffset);
  header.i64(whole?.sizeBytes ?? NONE);
  header.i64(whole?.nextOffset ?? NONE);
  header.i64(whole?.lastTime?.timestamp ?? NONE);
  header.i32(whole?.lastTime?.relativeOffset ?? NONE);
  header.i32(offsetBytes.length);
  header.i32(timeBytes.length);
  header.i32(aborted.length);
  const transactions = new ByteWriter();
  for (const each of aborted) {
    transactions.i64(each.producerId);
    transactions.i64(each.firstOffset);
    transactions.i64(each.lastOffset);
    transactions.i64(each.lastStableOffset);
  }
  const content = Buffer.concat([...header.finish(), offsetBytes, timeBytes, ...transactions.finish()]);
  const crc = Buffer.alloc(CRC_BYTES);
  crc.writeUInt32BE(crc32c(content));
  return Buffer.concat([crc, content]);
}

/**
 * The inverse of `encodeIndexSnapshot`; undefined when the bytes are damaged, such as after a power cut, or the segment
 * has lost what they describe.
 * @param sizeBytes of the segment's file.
 */
export function decodeIndexSnapshot(bytes: Buffer, sizeBytes: number): IndexSnapshot | undefined {
  if (bytes.length < HEADER_BYTES || bytes.readUInt32BE(0) !== crc32c(bytes.subarray(CRC_BYTES))) return undefined;
  const reader = new ByteReader(bytes, CRC_BYTES);
  if (reader.i16() !== VERSION) return undefined;
  const endOffset = reader.i64();
  const whole = readWhole(reader);
  if (whole && whole.sizeBytes > sizeBytes) return undefined;
  const timesAt = HEADER_BYTES + reader.i32();
  const abortedAt = timesAt + reader.i32();
  const offsets = bytes.subarray(HEADER_BYTES, timesAt);
  const times = bytes.subarray(timesAt, abortedAt);
  if (!isPlausibleIndex(offsets, times, sizeBytes)) return undefined;
  const count = reader.i32();
  const transactions = new ByteReader(bytes, abortedAt);
  const aborted = Array.from({ length: count }, () => ({
    producerId: transactions.i64(),
    firstOffset: transactions.i64(),
    lastOffset: transactions.i64(),
    lastStableOffset: transactions.i64(),
  }));
  return { index: new SegmentIndex(offsets, times), whole, endOffset, aborted };
}

function readWhole(reader: ByteReader): WholeSegment | undefined {
  const sizeBytes = reader.i64();
  const nextOffset = reader.i64();
  const timestamp = reader.i64();
  const relativeOffset = reader.i32();
  if (sizeBytes === NONE) return undefined;
  return { sizeBytes, nextOffset, lastTime: relativeOffset === NONE ? undefined : { timestamp, relativeOffset } };
}
