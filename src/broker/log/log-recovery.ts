import { closeSync, openSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { removeFile, syncFolder } from "../../base/durable-files.js";
import type { Logger } from "../../base/logger.js";
import { MalformedError } from "../../protocol/malformed-error.js";
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  checkCrc,
  nextOffsetOf,
  readBatchHeader,
} from "../../protocol/records/record-batch.js";
import { lastOffset, type ReadBytes, walkHeaders } from "./batch-walk.js";
import { readAt, type SealedFiles, sizeOf } from "./log-files.js";
import { Segment, segmentName } from "./segment.js";

const CHUNK_BYTES = 1024 * 1024;

/**
 * Opens the segments of a partition's folder, however the last process ended. (I10)
 *
 * A segment with plausible index files is trusted. Any other is checked batch by batch. The first batch that is
 * incomplete, damaged or out of order is cut off with everything behind it, later segments included, so as not to
 * leave a gap. After `kill -9` only an unfinished write can be damaged, and that was not acknowledged.
 *
 * @returns at least one segment, in rising order; the last one is open for appending.
 */
export function recoverSegments(
  folder: string,
  files: SealedFiles,
  indexIntervalBytes: number,
  startOffset: number,
  logger: Logger,
): Segment[] {
  finishReplacements(folder, files, logger);
  const bases = segmentBases(folder);
  if (bases.length === 0) return [Segment.open(folder, startOffset, files, indexIntervalBytes)];
  const segments: Segment[] = [];
  for (const [at, base] of bases.entries()) {
    const following = bases[at + 1];
    const sealed = following === undefined ? undefined : Segment.openSealed(folder, base, following, files);
    if (sealed) {
      segments.push(sealed);
      continue;
    }
    const segment = Segment.open(folder, base, files, indexIntervalBytes);
    segments.push(segment);
    if (following === undefined && resumes(segment)) continue;
    const checked = Segment.open(folder, base, files, indexIntervalBytes);
    segments.pop()!.close();
    segments.push(checked);
    const whole = admitValidBatches(checked);
    if (!whole) {
      const cutBytes = checked.fileSize - checked.size;
      checked.truncateToAdmitted();
      const dropped = bases.slice(at + 1);
      for (const later of dropped) Segment.open(folder, later, files, indexIntervalBytes).remove();
      const cut = { folder, offset: checked.nextOffset, cutBytes, droppedSegments: dropped.length };
      logger.warn("Truncated the unfinished or damaged end of a log", cut);
      return segments;
    }
    if (following !== undefined) checked.sealNow();
  }
  return segments;
}

/** Whether the index files of a clean stop match the segment; it is then ready for appending. */
function resumes(segment: Segment): boolean {
  try {
    return segment.resume();
  } catch (error) {
    if (error instanceof MalformedError) return false;
    throw error;
  }
}

/** Admits batches until one is incomplete, damaged or out of order. Returns whether all of the segment was admitted. */
function admitValidBatches(segment: Segment): boolean {
  const size = segment.fileSize;
  let expected = segment.baseOffset;
  const end = walkIntactBatches(segment.read, size, (batch, header, position) => {
    if (header.baseOffset < expected || header.lastOffsetDelta < 0 || !checkCrc(batch, header)) return false;
    segment.admit(header, position);
    expected = nextOffsetOf(header);
    return true;
  });
  return end === size;
}

/**
 * Visits whole batches with their bytes until one is incomplete or `visit` returns false; returns the position reached.
 */
function walkIntactBatches(
  read: ReadBytes,
  size: number,
  visit: (batch: Buffer, header: BatchHeader, position: number) => boolean,
): number {
  let position = 0;
  let chunk: Buffer = Buffer.alloc(0);
  let chunkStart = 0;
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

/** The header at `at`; undefined when the bytes there are not one. */
function headerAt(chunk: Buffer, at: number): BatchHeader | undefined {
  try {
    return readBatchHeader(chunk, at);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

/** Finishes or undoes an interrupted compaction: a `.swap` is complete and counts, a `.cleaned` never did. */
function finishReplacements(folder: string, files: SealedFiles, logger: Logger): void {
  for (const name of readdirSync(folder)) {
    if (/\.(cleaned|deleted|tmp)$/.test(name)) removeFile(join(folder, name));
  }
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith(".log.swap")) continue;
    const base = Number(name.slice(0, 20));
    const last = lastOffsetOf(join(folder, name));
    logger.info("Finishing an interrupted compaction", { folder, segment: base });
    replaceBySwap(
      folder,
      base,
      segmentBases(folder).filter((b) => b >= base && b <= Math.max(base, last)),
      files,
    );
  }
}

/**
 * Replaces the segments that `<base>.log.swap` was made from. They are deleted oldest first: as long as a record
 * exists, so does the tombstone behind it, however often this is interrupted and repeated.
 */
export function replaceBySwap(folder: string, base: number, replaced: readonly number[], files: SealedFiles): void {
  for (const old of replaced) {
    files.forget(join(folder, `${segmentName(old)}.log`));
    for (const suffix of ["index", "timeindex"]) removeFile(join(folder, `${segmentName(old)}.${suffix}`));
    if (old !== base) removeFile(join(folder, `${segmentName(old)}.log`));
  }
  renameSync(join(folder, `${segmentName(base)}.log.swap`), join(folder, `${segmentName(base)}.log`));
  syncFolder(folder);
}

function lastOffsetOf(path: string): number {
  const fd = openSync(path, "r");
  let last = -1;
  try {
    walkHeaders(
      (position, length) => readAt(fd, position, length),
      0,
      sizeOf(fd),
      (header) => {
        last = lastOffset(header);
        return false;
      },
    );
  } finally {
    closeSync(fd);
  }
  return last;
}

/** Base offsets of the segments in a partition's folder, rising. */
function segmentBases(folder: string): number[] {
  return readdirSync(folder)
    .filter((name) => /^\d{20}\.log$/.test(name))
    .map((name) => Number(name.slice(0, 20)))
    .sort((a, b) => a - b);
}
