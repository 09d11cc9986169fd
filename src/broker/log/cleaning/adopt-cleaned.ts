import type { PartitionLog } from "../partition-log.js";
import { removeCleaned } from "../segments/cleaned-segment.js";
import { Segment } from "../segments/segment.js";
import { SegmentSwap } from "../segments/segment-swap.js";
import type { CleanedGroup } from "./cleaning-job.js";

/**
 * Puts a rewritten group into the place of the segments that it was made from, while the log is served: between two
 * syncs, which run in the background, there are only renames.
 *
 * The new segment counts, and is on disk, before the log reads from it, and the log reads from it before the old ones
 * go. A crash leaves the old ones, or a `.swap` with which the next start goes on.
 *
 * Each step first makes sure that the log is open: the folder of a deleted topic has another name, and a topic created
 * since may have a folder of the old one. Another process may have taken the data folder, too.
 *
 * @returns whether the log has adopted it; false: it was closed before, and the files are left to the next start.
 * @throws rejects with the disk's error when the group never counted, and nothing of it is left; with KafkaError
 * KAFKA_STORAGE_ERROR when the log is offline, now or before; with DataFolderLostError.
 */
export async function adoptCleaned(log: PartitionLog, group: CleanedGroup): Promise<boolean> {
  if (log.isClosed) return false;
  if (log.offline) throw log.offline;
  const { segment } = group;
  const { folder, files } = log;
  const swap = segment && new SegmentSwap(folder, segment.baseOffset, files);
  if (segment && swap) {
    log.checkFolder();
    try {
      swap.begin();
    } catch (cause) {
      // Another cleaning may group the segments differently, and take the aborted transactions for its own.
      offlineUnless(log, () => {
        // The disk may fail after it has renamed the file.
        files.disk.remove(swap.path);
        removeCleaned(files.disk, folder, segment.baseOffset);
      });
      throw cause;
    }
  }
  try {
    // The segment before must not lose its index files, or it would be taken for cut off where an empty group began.
    await files.disk.syncFolderLater(folder);
    if (log.isClosed) return false;
    log.checkFolder();
    const replaced = log.segments.filter(({ baseOffset }) => group.bases.includes(baseOffset));
    const fresh = segment && Segment.ofSwap(folder, segment, replaced.at(-1)!.nextOffset, files);
    log.replaceSegments(replaced, fresh);
    for (const old of replaced) old.close();
    if (swap && fresh) return await takePlace(log, swap, group.bases, fresh);
    // Oldest first, and each on disk before the next: a tombstone must outlive the records it deletes.
    for (const old of replaced) {
      if (log.isClosed) return true;
      log.checkFolder();
      old.retire();
      await files.disk.syncFolderLater(folder);
      if (log.isClosed) return true;
      await old.removeRetired();
    }
    return true;
  } catch (cause) {
    if (log.isClosed) return false;
    throw log.fail("replacing compacted segments of", cause);
  }
}

async function takePlace(
  log: PartitionLog,
  swap: SegmentSwap,
  bases: readonly number[],
  fresh: Segment,
): Promise<boolean> {
  const { disk } = log.files;
  for (const step of swap.takePlace(bases, () => fresh.takeName())) {
    if (step.kind === "sync") await disk.syncFolderLater(log.folder);
    else await disk.removeLater(step.path);
    if (log.isClosed) return true;
    log.checkFolder();
  }
  return true;
}

/** A step that must not fail: the log is offline until the next start, which repairs it. */
function offlineUnless(log: PartitionLog, step: () => void): void {
  try {
    step();
  } catch (cause) {
    throw log.fail("replacing compacted segments of", cause);
  }
}
