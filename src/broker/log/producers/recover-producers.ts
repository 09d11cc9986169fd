import type { Disk } from "../../../base/files/disk.js";
import type { Logger } from "../../../base/logger.js";
import { isControlBatch } from "../../../protocol/records/record-batch.js";
import { readMarker } from "../../../protocol/records/transaction-marker.js";
import { walkHeaders } from "../segments/batch-walk.js";
import type { Segment } from "../segments/segment.js";
import { loadProducerSnapshot, writeProducerSnapshotDurably } from "./producer-snapshot.js";
import type { ProducerState } from "./producer-state.js";

/**
 * Brings `producers` up to the end of a log that is being opened: the newest snapshot, and the batches after it, by the
 * steps of an append. Segments that were opened without their index files learn their aborted transactions by that, so
 * it begins at the first of these, or where its index snapshot ends; sealed ones are not read, however many there are.
 *
 * @param names of the files in the folder when recovery began.
 * @param segments as recovery left them.
 * @returns the snapshot's offset, and whether the complete ones among them may be sealed now. Once they are, the cleaner may remove markers, without
 * which a replay from before them would differ; so the producers behind them are forced to disk first. A full disk may
 * prevent that.
 */
export function recoverProducers(
  folder: string,
  names: ReadonlySet<string>,
  disk: Disk,
  segments: readonly Segment[],
  producers: ProducerState,
  nowMs: number,
  logger: Logger,
): { readonly maySeal: boolean; readonly from: number } {
  const active = segments.at(-1)!;
  const unknown = segments.find((segment) => !segment.sealed) ?? active;
  const from = loadProducerSnapshot(folder, names, disk, unknown.describedEnd, active.nextOffset, producers, nowMs);
  for (const segment of segments.slice(0, -1)) if (segment.nextOffset > from) replay(segment, from, producers, nowMs);
  const maySeal = unknown === active || tryToWrite(folder, disk, active.baseOffset, producers, logger);
  active.forgetAborted(from);
  replay(active, from, producers, nowMs);
  return { maySeal, from };
}

function tryToWrite(folder: string, disk: Disk, offset: number, producers: ProducerState, logger: Logger): boolean {
  try {
    writeProducerSnapshotDurably(folder, disk, offset, producers);
    return true;
  } catch (cause) {
    logger.warn("The snapshot of a recovered log's producers could not be written yet", { folder, offset }, cause);
    return false;
  }
}

function replay(segment: Segment, from: number, producers: ProducerState, nowMs: number): void {
  const start = segment.positionOf(from);
  if (start === undefined) return;
  walkHeaders(segment.read, start, segment.size, (header, position) => {
    const { baseOffset, sizeBytes, maxTimestampMs } = header;
    if (!isControlBatch(header)) producers.note(header, baseOffset, nowMs);
    else {
      const marker = readMarker(segment.read(position, sizeBytes));
      const aborted = marker && producers.end(marker, baseOffset, maxTimestampMs, nowMs);
      if (aborted && !segment.sealed) segment.noteAborted(aborted);
    }
    return false;
  });
}
