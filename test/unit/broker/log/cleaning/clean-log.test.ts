import { expect, test } from "vitest";
import { writeFileDurably } from "../../../../../src/base/files/durable-files.js";
import { SeededRandom } from "../../../../../src/base/random.js";
import { cleanLog } from "../../../../../src/broker/log/cleaning/clean-log.js";
import type { PartitionLog } from "../../../../../src/broker/log/partition-log.js";
import { append, batchOf, openTestLog, readAll } from "../../../../support/broker-log.js";
import { MemoryDisk } from "../../../../support/memory-disk.js";

const FOLDER = "/data/t-0";
const COMPACTED = { "cleanup.policy": "compact", "flush.messages": "1" };

function opened(disk: MemoryDisk, segmentBytes: number, leaderEpoch: number): PartitionLog {
  const configs = { ...COMPACTED, "segment.bytes": String(segmentBytes) };
  return openTestLog(FOLDER, { disk, leaderEpoch, configs });
}

/** A log of which each batch is a segment; the values are their keys, repeated to the size. */
async function logOf(batches: readonly Readonly<Record<string, number>>[]): Promise<MemoryDisk> {
  const disk = new MemoryDisk(new SeededRandom(1));
  disk.makeFolder(FOLDER);
  disk.syncFolder("/");
  const log = opened(disk, 1, 0);
  for (const sizes of batches) {
    append(log, batchOf(Object.entries(sizes).map(([key, size]) => ({ key, value: key.repeat(size) }))));
  }
  await log.settled(log.logEndOffset);
  await log.close();
  return disk;
}

/** @param between called after each step. */
async function clean(log: PartitionLog, disk: MemoryDisk, between: () => void = () => undefined): Promise<void> {
  const sealed = log.segments.slice(0, -1);
  const plan = { firstDirtyOffset: sealed[0]!.baseOffset, endOffset: sealed.at(-1)!.nextOffset, dirtyRatio: 1 };
  const cleaning = cleanLog(log, plan, { nowMs: 0, dedupeBufferBytes: 1 << 16 });
  try {
    for (let step = cleaning.next(); !step.done; step = cleaning.next()) {
      if (step.value.fdToSync !== undefined) await disk.syncLater(step.value.fdToSync);
      between();
    }
  } finally {
    cleaning.return(undefined);
  }
}

const keysOf = (log: PartitionLog) => readAll(log).map(({ key }) => key!.toString());

test("a cleaning on a full disk leaves nothing with which the next start would undo a later one", async () => {
  // The first cleaning takes a and b together, and fails. The second one, for which the first segment has become
  // smaller, takes y and a together, and b and c.
  const disk = await logOf([{ z: 240, y: 250 }, { a: 230 }, { b: 230 }, { c: 300 }, { z: 10 }, { q: 250 }]);
  const log = opened(disk, 850, 1);
  disk.broken = { call: "write", path: /02\.(time)?index\.swap/, code: "ENOSPC" };
  await expect(clean(log, disk)).rejects.toMatchObject({ code: "ENOSPC" });
  disk.broken = undefined;
  expect(keysOf(log)).toEqual(["y", "a", "b", "c", "z", "q"]);
  await clean(log, disk);
  await log.close();
  expect(keysOf(opened(disk, 850, 2))).toEqual(["y", "a", "b", "c", "z", "q"]);
});

test("a log whose segments cannot be replaced is offline, and the next start replaces them", async () => {
  const disk = await logOf([{ a: 10 }, { b: 10 }, { a: 20 }, { q: 10 }]);
  const log = opened(disk, 850, 1);
  disk.broken = { call: "write", path: /02\.log$/, code: "EIO" };
  await expect(clean(log, disk)).rejects.toMatchObject({ codeName: "KAFKA_STORAGE_ERROR" });
  expect(() => append(log, batchOf([{ key: "r", value: "r" }]))).toThrow(log.offline);
  log.abandon();
  disk.broken = undefined;
  disk.kill();
  expect(keysOf(opened(disk, 850, 2))).toEqual(["b", "a", "q"]);
});

test("a compacted segment whose index cannot be read back does not leave the log silently: the next start reads it", async () => {
  const disk = await logOf([{ a: 10 }, { b: 10 }, { a: 20 }, { q: 10 }]);
  const log = opened(disk, 850, 1);
  const rename = disk.rename.bind(disk);
  disk.rename = (from, to) => {
    rename(from, to);
    if (/\d\.index$/.test(to)) writeFileDurably(disk, to, Buffer.alloc(7));
  };
  await expect(clean(log, disk)).rejects.toMatchObject({ codeName: "KAFKA_STORAGE_ERROR" });
  expect(log.offline).toBeDefined();
  log.abandon();
  disk.kill();
  expect(keysOf(opened(disk, 850, 2))).toEqual(["b", "a", "q"]);
});

test("a cleaning that fails before its result counts leaves no transactions to a later one", async () => {
  const disk = await logOf([]);
  const written = opened(disk, 1, 1);
  append(written, batchOf([{ key: "a", value: "a" }]));
  const stamp = { producerId: 7, producerEpoch: 0, baseSequence: 0, isTransactional: true };
  append(written, batchOf([{ key: "b", value: "b" }], stamp));
  written.appendMarker({ producerId: 7, producerEpoch: 0, coordinatorEpoch: 0, kind: "ABORT" });
  append(written, batchOf([{ key: "q", value: "q" }]));
  await written.settled(written.logEndOffset);
  await written.close();
  const together = opened(disk, 850, 2);
  disk.broken = { call: "write", path: /00\.log\.swap$/, code: "ENOSPC" };
  await expect(clean(together, disk)).rejects.toMatchObject({ code: "ENOSPC" });
  disk.broken = undefined;
  expect(disk.list(FOLDER).filter(({ name }) => /swap|cleaned/.test(name))).toEqual([]);
});

test("a cleaning reads little in each step, and not again what it has written, so that requests are served soon", async () => {
  const disk = await logOf([]);
  const log = opened(disk, 600_000, 1);
  for (let at = 0; at < 100; at++) append(log, batchOf([{ key: `k${at}`, value: "v".repeat(10_000) }]));
  await log.settled(log.logEndOffset);
  expect(log.segments.map(({ sealed }) => sealed)).toEqual([true, false]);
  const steps: number[] = [];
  let last = disk.readBytes;
  await clean(log, disk, () => {
    steps.push(disk.readBytes - last);
    last = disk.readBytes;
  });
  expect(keysOf(log)).toHaveLength(100);
  expect(Math.max(...steps)).toBeLessThan(100 * 1024);
});
