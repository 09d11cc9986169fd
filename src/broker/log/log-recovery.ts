import type { Logger } from "../../base/logger.js";
import { BATCH_HEADER_BYTES, type BatchHeader, checkCrc, nextOffsetOf } from "../../protocol/records/record-batch.js";
import type { EpochStart } from "./epochs/leader-epochs.js";
import { headerAt, type ReadBytes } from "./segments/batch-walk.js";
import type { SealedFiles } from "./segments/sealed-files.js";
import { Segment } from "./segments/segment.js";
import { INDEX_SNAPSHOT, INDEX_SUFFIXES, offsetsOf, segmentName } from "./segments/segment-path.js";

const CHUNK_BYTES = 1024 * 1024;

/**
 * Opens the segments of a partition's folder, however the last process ended. (I10)
 *
 * A segment with plausible index files is trusted, and of the last one what its index snapshot vouches for. All else is
 * checked batch by batch and written once more; the caller forces it to disk. The first batch that is incomplete, damaged
 * or out of order is cut off with everything behind it, later segments included, so as not to leave a gap. After
 * `kill -9` only an unfinished write can be damaged, and that was not acknowledged.
 *
 * @param names of the files in the folder, once compactions are finished: a start with thousands of partitions asks the
 * disk only for what is there.
 * @param recoveryPoint everything before this offset is on disk; 0: unknown.
 * @param checked gets an entry for each epoch of the batches that are checked.
 * @param startOffset the log's start. A log that ends before it has lost only deleted records; it begins anew there,
 * as in Kafka, since records written below its start would be hidden.
 * @returns at least one segment, in rising order; the last one is open for appending. Those that were checked
 * have no index files yet: the producers must be known before, for the aborted transactions.
 */
export function recoverSegments(
  folder: string,
  names: ReadonlySet<string>,
  files: SealedFiles,
  indexIntervalBytes: number,
  startOffset: number,
  recoveryPoint: number,
  checked: EpochStart[],
  logger: Logger,
): Segment[] {
  const bases = offsetsOf(names, "log");
  const segments: Segment[] = [];
  try {
    for (const [at, base] of bases.entries()) {
      const following = bases[at + 1];
      const trusted = following === undefined ? undefined : Segment.openSealed(folder, base, following, files);
      const segment = trusted ?? Segment.open(folder, base, files, indexIntervalBytes);
      segments.push(segment);
      if (trusted) continue;
      const snapshot = segmentName(base, INDEX_SNAPSHOT);
      const from = following === undefined && names.has(snapshot) ? segment.loadIndexSnapshot(recoveryPoint) : 0;
      const cutBytes = admitValidBatches(segment, from, checked);
      // Otherwise it might vouch for what is written in the place of bytes that are cut off.
      if (names.has(snapshot) && (from === 0 || cutBytes > 0)) segment.dropIndexSnapshot();
      // Without an index it was never compacted, so that it must reach up to the next one.
      const isShort = following !== undefined && segment.nextOffset !== following && !segment.hasIndexFile;
      const dropped = cutBytes > 0 || isShort ? bases.slice(at + 1) : [];
      // Newest first: if this is interrupted, the rest has no gap.
      for (const later of dropped.reverse()) Segment.open(folder, later, files, indexIntervalBytes).remove();
      segment.restore(from);
      // Of one that stays as it is they are replaced: it may be compacted, and then must not lack its index.
      const hasIndexFiles = INDEX_SUFFIXES.some((suffix) => names.has(segmentName(base, suffix)));
      if (hasIndexFiles && (cutBytes > 0 || isShort || following === undefined)) segment.dropIndexFiles();
      if (cutBytes > 0 || isShort) {
        const cut = { folder, offset: segment.nextOffset, cutBytes, droppedSegments: dropped.length };
        logger.warn("Truncated the unfinished or damaged end of a log", cut);
        break;
      }
    }
    const end = segments.at(-1)?.nextOffset;
    if (end !== undefined && end >= startOffset) return segments;
    if (end !== undefined) logger.warn("A log ended before its start and begins anew", { folder, end, startOffset });
    for (const segment of segments.splice(0).reverse()) segment.remove();
    return [Segment.open(folder, startOffset, files, indexIntervalBytes)];
  } catch (cause) {
    for (const segment of segments) segment.close();
    throw cause;
  }
}

/**
 * Admits batches until one is incomplete, damaged or out of order. Returns the number of bytes that were not admitted.
 * @param from the position of the first one.
 * @param checked gets an entry for each of their epochs.
 */
function admitValidBatches(segment: Segment, from: number, checked: EpochStart[]): number {
  const size = segment.fileSize;
  let expected = segment.nextOffset;
  const end = walkIntactBatches(segment.read, from, size, (batch, header, position) => {
    if (header.baseOffset < expected || header.lastOffsetDelta < 0 || !checkCrc(batch, header)) return false;
    segment.admit(header, position);
    expected = nextOffsetOf(header);
    const { baseOffset, leaderEpoch } = header;
    if (checked.at(-1)?.epoch !== leaderEpoch) checked.push({ epoch: leaderEpoch, startOffset: baseOffset });
    return true;
  });
  return size - end;
}

/**
 * Visits whole batches with their bytes until one is incomplete or `visit` returns false; returns the position reached.
 */
function walkIntactBatches(
  read: ReadBytes,
  from: number,
  size: number,
  visit: (batch: Buffer, header: BatchHeader, position: number) => boolean,
): number {
  let position = from;
  let chunk: Buffer = Buffer.alloc(0);
  let chunkStart = from;
  while (position + BATCH_HEADER_BYTES <= size) {
    let at = position - chunkStart;
    const refill = (length: number) => {
      chunk = read(position, Math.min(length, size - position));
      chunkStart = position;
      at = 0;
    };
    if (at + BATCH_HEADER_BYTES > chunk.length) refill(CHUNK_BYTES);
    const bytes = 12 + chunk.readInt32BE(at + 8);
    // No check against the topic's size limits: they may have changed since the batch was written.
    if (bytes < BATCH_HEADER_BYTES || position + bytes > size) return position;
    if (at + bytes > chunk.length) refill(Math.max(bytes, CHUNK_BYTES));
    const header = headerAt(chunk, at);
    if (!header || !visit(chunk.subarray(at, at + bytes), header, position)) return position;
    position += bytes;
  }
  return position;
}
