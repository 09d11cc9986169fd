import { expect, test } from "vitest";
import type { PartitionLog } from "../../../../../src/broker/log/partition-log.js";
import type { MemoryDisk } from "../../../../support/memory-disk.js";
import { diskWithFolder, openOn, produceTo } from "../../../../support/transactional-log.js";

/** Every batch has a segment of its own. */
const CONFIGS = { "segment.bytes": "100", "flush.messages": "1" };
/** What a power cut takes is drawn from these. */
const SEEDS = Array.from({ length: 8 }, (_, seed) => seed);

function write(log: PartitionLog, producerId: number, sequence: number): void {
  expect(produceTo(log, { producerId, sequence, isTransactional: producerId === 1 }).errorCode).toBe(0);
}

async function writeDurably(log: PartitionLog, producerId: number, sequence: number): Promise<void> {
  write(log, producerId, sequence);
  await log.settled(log.logEndOffset);
}

/** The log after a power cut. */
async function afterPowerCut(disk: MemoryDisk): Promise<PartitionLog> {
  disk.restart();
  const log = openOn(disk, CONFIGS, { leaderEpoch: 1 });
  await log.forceRecovered();
  return log;
}

test.each(SEEDS)(
  "a transaction whose records are deleted stays open though a segment before sealed ones is not sealed (power cut %i)",
  async (seed) => {
    const disk = diskWithFolder(seed);
    const log = openOn(disk, CONFIGS);
    await writeDurably(log, 1, 0);
    await writeDurably(log, 2, 0);
    await writeDurably(log, 2, 1);
    log.raiseStart(1);
    expect(await log.applyRetention(0)).toBe(1);
    // Three segments begin before the disk is asked for any of them; of the first, the index files cannot be written.
    disk.broken = { call: "write", path: /03\.index/, code: "EIO" };
    for (const sequence of [2, 3, 4]) write(log, 2, sequence);
    await log.settled(log.logEndOffset);
    expect(log.segments.map(({ sealed }) => sealed)).toEqual([true, true, false, true, false]);
    await writeDurably(log, 2, 5);
    disk.broken = undefined;
    expect((await afterPowerCut(disk)).openTransactions).toEqual([{ producerId: 1, firstOffset: 0 }]);
  },
);

test.each(SEEDS)(
  "a producer whose records are deleted is known after a clean stop that a power cut follows (power cut %i)",
  async (seed) => {
    const disk = diskWithFolder(seed);
    const log = openOn(disk, { ...CONFIGS, "retention.ms": "1" });
    await writeDurably(log, 2, 0);
    await writeDurably(log, 2, 1);
    expect(await log.applyRetention(Number.MAX_SAFE_INTEGER)).toBe(2);
    await log.close();
    const next = await afterPowerCut(disk);
    expect(next.producers.entry(2)?.batches.at(-1)?.lastSequence).toBe(1);
  },
);
