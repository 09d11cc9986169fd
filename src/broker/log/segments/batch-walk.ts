import { MalformedError } from "../../../protocol/malformed-error.js";
import {
  BATCH_HEADER_BYTES,
  BATCH_PREFIX_BYTES,
  type BatchHeader,
  nextOffsetOf,
  readBatchHeader,
} from "../../../protocol/records/record-batch.js";

const CHUNK_BYTES = 64 * 1024;

/** Reads up to `length` bytes at `position`. */
export type ReadBytes = (position: number, length: number) => Buffer;

/** Offset of a batch's last record, even if compaction has removed that record. */
export function lastOffset(header: BatchHeader): number {
  return header.baseOffset + header.lastOffsetDelta;
}

/**
 * Visits the headers of the batches between two positions of a log, without reading the bodies of large ones. Stops
 * when `visit` returns true.
 *
 * @returns the position of the batch at which `visit` stopped, or the end of the last whole batch.
 */
export function walkHeaders(
  read: ReadBytes,
  from: number,
  to: number,
  visit: (header: BatchHeader, position: number) => boolean,
  chunkBytes = CHUNK_BYTES,
): number {
  let position = from;
  let chunk: Buffer = Buffer.alloc(0);
  let chunkStart = from;
  while (position + BATCH_HEADER_BYTES <= to) {
    let at = position - chunkStart;
    if (at + BATCH_HEADER_BYTES > chunk.length) {
      chunk = read(position, Math.min(chunkBytes, to - position));
      chunkStart = position;
      at = 0;
      if (chunk.length < BATCH_HEADER_BYTES) return position;
    }
    const header = readBatchHeader(chunk, at);
    const end = position + header.sizeBytes;
    if (end > to) return position;
    if (visit(header, position)) return position;
    position = end;
  }
  return position;
}

/** The header at `at`; undefined when the bytes there are not one. */
export function headerAt(bytes: Buffer, at: number): BatchHeader | undefined {
  if (bytes.length < at + BATCH_HEADER_BYTES) return undefined;
  try {
    return readBatchHeader(bytes, at);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

/** The offset behind the last of the whole batches that `bytes` hold; there is at least one. */
export function endOfBatches(bytes: Buffer): number {
  let at = 0;
  for (;;) {
    const next = at + BATCH_PREFIX_BYTES + bytes.readInt32BE(at + 8);
    if (next >= bytes.length) return nextOffsetOf(readBatchHeader(bytes, at));
    at = next;
  }
}
