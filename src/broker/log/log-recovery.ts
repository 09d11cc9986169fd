import { join } from "node:path";
import { readAt } from "../../base/files/durable-files.js";
import type { Logger } from "../../base/logger.js";
import { BATCH_HEADER_BYTES, type BatchHeader, checkCrc, nextOffsetOf } from "../../protocol/records/record-batch.js";
import type { EpochStart } from "./epochs/leader-epochs.js";
import { headerAt, lastOffset, type ReadBytes, walkHeaders } from "./segments/batch-walk.js";
import type { SealedFiles } from "./segments/sealed-files.js";
import { Segment } from "./segments/segment.js";
import { SegmentSwap } from "./segments/segment-swap.js";

const CHUNK_BYTES = 1024 * 1024;

/**
 * Opens the segments of a partition's folder, however the last process ended. (I10)
 *
 * A segment with plausible index files is trusted, and of the last one what its index snapshot vouches for. All else is
 * checked batch by batch and written once more; the caller forces it to disk. The first batch that is incomplete, damaged
 * or out of order is cut off with everything behind it, later segments included, so as not to leave a gap. After
 * `kill -9` only an unfinished write can be damaged, and that was not acknowledged.
 *
 * @param recoveryPoint everything before this offset is on disk; 0: unknown.
 * @param checked gets an entry for each epoch of the batches that are checked.
 * @param startOffset the log's start. A log that ends before it has lost only deleted records; it begins anew there,
 * as in Kafka, since records written below its start would be hidden.
 * @returns at least one segment, in rising order; the last one is open for appending. Those that were checked
 * have no index files yet: the producers must be known before, for the aborted transactions.
 */
export function recoverSegments(
  folder: string,
  files: SealedFiles,
  indexIntervalBytes: number,
  startOffset: number,
  recoveryPoint: number,
  checked: EpochStart[],
  logger: Logger,
): Segment[] {
  finishReplacements(folder, files, indexIntervalBytes, logger);
  const bases = segmentBases(folder, files);
  const segments: Segment[] = [];
  try {
    for (const [at, base] of bases.entries()) {
      const following = bases[at + 1];
      const trusted = following === undefined ? undefined : Segment.openSealed(folder, base, following, files);
      const segment = trusted ?? Segment.open(folder, base, files, indexIntervalBytes);
      segments.push(segment);
      if (trusted) continue;
      const from = following === undefined ? segment.loadIndexSnapshot(recoveryPoint) : 0;
      const cutBytes = admitValidBatches(segment, from, checked);
      // Otherwise it might vouch for what is written in the place of bytes that are cut off.
      if (from === 0 || cutBytes > 0) segment.dropIndexSnapshot();
      // Without an index it was never compacted, so that it must reach up to the next one.
      const isShort = following !== undefined && segment.nextOffset !== following && !segment.hasIndexFile;
      const dropped = cutBytes > 0 || isShort ? bases.slice(at + 1) : [];
      // Newest first: if this is interrupted, the rest has no gap.
      for (const later of dropped.reverse()) Segment.open(folder, later, files, indexIntervalBytes).remove();
      segment.restore(from);
      // Of one that stays as it is they are replaced: it may be compacted, and then must not lack its index.
      if (cutBytes > 0 || isShort || following === undefined) segment.dropIndexFiles();
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

/**
 * Finishes or undoes an interrupted compaction: a `.log.swap` is complete and counts, a `.cleaned` never did. Also
 * deletes index files that have lost their segment.
 */
function finishReplacements(folder: string, files: SealedFiles, indexIntervalBytes: number, logger: Logger): void {
  const { disk } = files;
  const names = disk.list(folder).map(({ name }) => name);
  const logs = new Set(names.filter((name) => /\.log(\.swap)?$/.test(name)).map((name) => name.slice(0, 20)));
  for (const name of names) {
    const isLeftOver = /\.(cleaned|deleted|tmp)$/.test(name);
    const isOrphan = /^\d{20}\.(time|txn)?index/.test(name) && !logs.has(name.slice(0, 20));
    // Of a compaction that was interrupted before its `.swap`; another one would take it for its own.
    const isEarly = /index\.swap$/.test(name) && !names.includes(`${name.slice(0, 20)}.log.swap`);
    if (isLeftOver || isOrphan || isEarly) disk.remove(join(folder, name));
  }
  for (const name of names.sort()) {
    if (!name.endsWith(".log.swap")) continue;
    const base = Number(name.slice(0, 20));
    const last = lastOffsetOf(join(folder, name), files);
    logger.info("Finishing an interrupted compaction", { folder, segment: base });
    const replaced = segmentBases(folder, files).filter((b) => b >= base && b <= Math.max(base, last));
    const swap = new SegmentSwap(folder, base, files);
    swap.restoreIndex(indexIntervalBytes);
    // Its name must not be lost once what it replaces is gone.
    disk.syncFolder(folder);
    for (const step of swap.takePlace(replaced)) {
      if (step.kind === "sync") disk.syncFolder(folder);
      else disk.remove(step.path);
    }
  }
}

function lastOffsetOf(path: string, { disk }: SealedFiles): number {
  const fd = disk.open(path, "read");
  let last = -1;
  try {
    walkHeaders(
      (position, length) => readAt(disk, fd, position, length),
      0,
      disk.size(fd),
      (header) => {
        last = lastOffset(header);
        return false;
      },
    );
  } finally {
    disk.close(fd);
  }
  return last;
}

/** Base offsets of the segments in a partition's folder, rising. */
function segmentBases(folder: string, { disk }: SealedFiles): number[] {
  return disk
    .list(folder)
    .map(({ name }) => name)
    .filter((name) => /^\d{20}\.log$/.test(name))
    .map((name) => Number(name.slice(0, 20)))
    .sort((a, b) => a - b);
}
