import { ByteReader } from "../../../protocol/byte-reader.js";
import { ByteWriter } from "../../../protocol/byte-writer.js";

/** Bytes of one entry of a transaction index: version and four numbers (Kafka's `.txnindex`). */
const ENTRY_BYTES = 34;
const VERSION = 0;

/**
 * An aborted transaction. `lastOffset` is its marker's. `lastStableOffset`: when the marker was written, all
 * transactions that began before it had ended.
 */
export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly lastStableOffset: number;
}

/** The bytes of a segment's `.txnindex`: the aborted transactions whose markers it holds, in the order of these. */
export function encodeTransactionIndex(aborted: readonly AbortedTransaction[]): Buffer {
  const writer = new ByteWriter(Math.max(1, aborted.length * ENTRY_BYTES));
  for (const { producerId, firstOffset, lastOffset, lastStableOffset } of aborted) {
    writer.i16(VERSION);
    for (const number of [producerId, firstOffset, lastOffset, lastStableOffset]) writer.i64(number);
  }
  return Buffer.concat(writer.finish());
}

/** The inverse of `encodeTransactionIndex`; undefined when the bytes are not an index of such a segment. */
export function decodeTransactionIndex(
  bytes: Buffer,
  baseOffset: number,
  nextOffset: number,
): AbortedTransaction[] | undefined {
  if (bytes.length % ENTRY_BYTES !== 0) return undefined;
  const reader = new ByteReader(bytes);
  const aborted: AbortedTransaction[] = [];
  let lowest = baseOffset;
  while (reader.remaining > 0) {
    const version = reader.i16();
    const entry = {
      producerId: reader.i64(),
      firstOffset: reader.i64(),
      lastOffset: reader.i64(),
      lastStableOffset: reader.i64(),
    };
    const { firstOffset, lastOffset, lastStableOffset } = entry;
    const isInOrder = lastOffset >= lowest && lastOffset < nextOffset && firstOffset <= lastOffset;
    if (version !== VERSION || !isInOrder || lastStableOffset > lastOffset + 1) return undefined;
    lowest = lastOffset + 1;
    aborted.push(entry);
  }
  return aborted;
}
