import { ByteReader } from "../../../protocol/byte-reader.js";
import { ByteWriter } from "../../../protocol/byte-writer.js";
import { crc32c } from "../../../protocol/crc32c.js";
import { isPlausibleIndex, SegmentIndex } from "./segment-index.js";
import type { AbortedTransaction } from "./transaction-index.js";

const VERSION = 1;
const CRC_BYTES = 4;
const HEADER_BYTES = CRC_BYTES + 2 + 8 + 3 * 4;

/** The indexes of an active segment, up to an offset. */
export interface IndexSnapshot {
  /** Only of batches that are on disk. */
  readonly index: SegmentIndex;
  /** The end of the log when the snapshot was taken: `aborted` holds all that ended before. */
  readonly endOffset: number;
  readonly aborted: readonly AbortedTransaction[];
}

/** The bytes of a snapshot: CRC-32C, version, end, lengths of both indexes, number of transactions, and these three. */
export function encodeIndexSnapshot({ index, endOffset, aborted }: IndexSnapshot): Buffer {
  const { offsetBytes, timeBytes } = index;
  const header = new ByteWriter();
  header.i16(VERSION);
  header.i64(endOffset);
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
 * The inverse of `encodeIndexSnapshot`; undefined when the bytes are damaged, such as after a power cut.
 * @param sizeBytes of the segment's file.
 */
export function decodeIndexSnapshot(bytes: Buffer, sizeBytes: number): IndexSnapshot | undefined {
  if (bytes.length < HEADER_BYTES || bytes.readUInt32BE(0) !== crc32c(bytes.subarray(CRC_BYTES))) return undefined;
  const reader = new ByteReader(bytes, CRC_BYTES);
  if (reader.i16() !== VERSION) return undefined;
  const endOffset = reader.i64();
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
  return { index: new SegmentIndex(offsets, times), endOffset, aborted };
}
