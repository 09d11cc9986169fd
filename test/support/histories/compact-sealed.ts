import { adoptCleaned } from "../../../src/broker/log/cleaning/adopt-cleaned.js";
import { CleaningInLoop } from "../../../src/broker/log/cleaning/cleaning-in-loop.js";
import { describeCleaning } from "../../../src/broker/log/cleaning/cleaning-job.js";
import type { PartitionLog } from "../../../src/broker/log/partition-log.js";
import type { MemoryDisk } from "../memory-disk.js";

export interface CompactOptions {
  readonly nowMs?: number;
  readonly dedupeBufferBytes?: number;
  /** By default where the last segment ends that holds no open transaction. */
  readonly endOffset?: number;
  /** Called after each step, in which the log is served; the compaction ends if it resolves with false. */
  readonly between?: () => Promise<boolean> | boolean;
}

/**
 * Compacts what the cleaner would if the log were the dirtiest. Resolves with whether it did; false also when there is
 * nothing to compact.
 * @throws rejects as the cleaner's worker does.
 */
export async function compactSealed(log: PartitionLog, options: CompactOptions = {}): Promise<boolean> {
  const { nowMs = 0, dedupeBufferBytes = 1 << 16, between = () => true } = options;
  const sealed = log.segments.slice(0, -1);
  if (log.isClosed || log.offline || sealed.some((segment) => !segment.sealed)) return false;
  const last = sealed.findLast(({ nextOffset }) => nextOffset <= log.lastStableOffset);
  if (!last) return false;
  const plan = {
    firstDirtyOffset: sealed[0]!.baseOffset,
    endOffset: options.endOffset ?? last.nextOffset,
    dirtyRatio: 1,
  };
  const worker = new CleaningInLoop(log.files.disk, async () => {
    if (!(await between())) await worker.end();
  });
  log.isReserved = true;
  try {
    const job = describeCleaning(log, plan, { nowMs, dedupeBufferBytes });
    return (await worker.clean(job, (group) => adoptCleaned(log, group))) !== undefined;
  } finally {
    log.isReserved = false;
  }
}

/** The same on a disk that may fail: a failure leaves it to the next time. */
export async function tryToCompact(log: PartitionLog, disk: MemoryDisk, nowMs: number): Promise<void> {
  try {
    await compactSealed(log, { nowMs });
  } catch (cause) {
    if (disk.fault === undefined) throw cause;
  }
}
