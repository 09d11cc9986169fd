import { cleanLog } from "../../../src/broker/log/cleaning/clean-log.js";
import type { PartitionLog } from "../../../src/broker/log/partition-log.js";
import type { MemoryDisk } from "../memory-disk.js";

/** Compacts what the cleaner would if the log were the dirtiest; a failure of the disk leaves it to the next time. */
export async function compactSealed(log: PartitionLog, disk: MemoryDisk, nowMs: number): Promise<void> {
  const sealed = log.segments.slice(0, -1);
  if (log.offline || sealed.some((segment) => !segment.sealed)) return;
  const last = sealed.findLast(({ nextOffset }) => nextOffset <= log.lastStableOffset);
  if (!last) return;
  const plan = { firstDirtyOffset: sealed[0]!.baseOffset, endOffset: last.nextOffset, dirtyRatio: 1 };
  const cleaning = cleanLog(log, plan, { nowMs, dedupeBufferBytes: 1 << 16 });
  try {
    for (let step = cleaning.next(); !step.done; step = cleaning.next()) {
      if (step.value.fdToSync !== undefined) await disk.syncLater(step.value.fdToSync);
    }
  } catch (cause) {
    if (disk.fault === undefined) throw cause;
  } finally {
    cleaning.return(undefined);
  }
}
