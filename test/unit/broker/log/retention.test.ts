import { expect, test } from "vitest";
import { append, batchOf, readAll } from "../../../support/broker-log.js";
import type { MemoryDisk } from "../../../support/memory-disk.js";
import { diskWithFolder, openOn, produceTo } from "../../../support/transactional-log.js";

const CONFIGS = { "segment.bytes": "400", "index.interval.bytes": "100", "flush.messages": "1", "retention.ms": "-1" };

const snapshotsOf = (disk: MemoryDisk) => disk.list("/data/t-0").filter(({ name }) => name.endsWith(".snapshot"));

test("retention deletes while the log is served: it waits for the disk in the background, and renames before it removes", async () => {
  const disk = diskWithFolder();
  const log = openOn(disk, { ...CONFIGS, "retention.bytes": "300" });
  for (const value of ["a", "b", "c", "d"]) append(log, batchOf([{ value: value.repeat(300) }]));
  await log.settled(4);
  const blocking: string[] = [];
  disk.sync = () => void blocking.push("sync");
  disk.syncFolder = () => void blocking.push("syncFolder");
  const { remove, removeLater } = disk;
  disk.remove = (path) => {
    if (/\.log/.test(path)) blocking.push(path);
    remove.call(disk, path);
  };
  const seen: unknown[] = [];
  disk.removeLater = async (path) => {
    seen.push([path.slice(-14), log.logStartOffset]);
    disk.remove = remove;
    await removeLater.call(disk, path);
  };
  expect(await log.applyRetention(0)).toBe(3);
  expect(blocking).toEqual([]);
  expect(seen).toEqual([
    ["00.log.deleted", 3],
    ["01.log.deleted", 3],
    ["02.log.deleted", 3],
  ]);
  expect(readAll(log).map(({ offset }) => offset)).toEqual([3]);
});

test("a file that could not be removed is removed by the next run", async () => {
  const disk = diskWithFolder();
  const log = openOn(disk, CONFIGS);
  for (const value of ["a", "b", "c"]) append(log, batchOf([{ value: value.repeat(300) }]));
  await log.settled(3);
  log.raiseStart(2);
  disk.broken = { call: "write", path: /deleted$/, code: "EIO" };
  const { rename } = disk;
  disk.rename = (from, to) => {
    disk.broken = undefined;
    rename.call(disk, from, to);
    disk.broken = { call: "write", path: /deleted$/, code: "EIO" };
  };
  await expect(log.applyRetention(0)).rejects.toMatchObject({ codeName: "KAFKA_STORAGE_ERROR" });
  disk.broken = undefined;
  await log.applyRetention(0);
  expect(disk.list("/data/t-0").filter(({ name }) => name.endsWith(".deleted"))).toEqual([]);
  expect(readAll(log).map(({ offset }) => offset)).toEqual([2]);
});

test("the segments that alone tell of a producer stay until a snapshot does", async () => {
  const disk = diskWithFolder();
  let log = openOn(disk, CONFIGS);
  produceTo(log, { producerId: 7, sequence: 0, isTransactional: false, records: [{ value: "x".repeat(300) }] });
  // No segment is sealed, and the next start has no space for the producers behind them.
  disk.broken = { call: "write", path: /index/, code: "ENOSPC" };
  for (const value of ["b", "c"]) append(log, batchOf([{ value: value.repeat(300) }]));
  await log.settled(3);
  log.abandon();
  disk.kill();
  disk.broken = undefined;
  for (const { name } of snapshotsOf(disk)) disk.remove(`/data/t-0/${name}`);
  disk.capacityBytes = 0;
  log = openOn(disk, CONFIGS, { leaderEpoch: 1 });
  disk.capacityBytes = Number.POSITIVE_INFINITY;
  await log.forceRecovered();
  log.raiseStart(2);
  for (let runs = 0; runs < 3; runs++) {
    await log.applyRetention(0);
    append(log, batchOf([{ value: "d" }]));
    await log.settled(log.logEndOffset);
  }
  expect(log.segments[0]!.baseOffset).toBe(2);
  log.abandon();
  disk.restart();
  log = openOn(disk, CONFIGS, { leaderEpoch: 2, logStartOffset: 2 });
  expect(log.producers.entry(7)).toMatchObject({ batches: [{ lastOffset: 0 }] });
});

test("a segment that cannot be sealed leaves a producer of deleted records known after a power cut", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const disk = diskWithFolder(seed);
    let log = openOn(disk, CONFIGS);
    produceTo(log, { producerId: 7, sequence: 0, isTransactional: false, records: [{ value: "x".repeat(300) }] });
    const appended = (value: string) => append(log, batchOf([{ value: value.repeat(300) }]));
    appended("b");
    await log.settled(2);
    log.raiseStart(1);
    expect(await log.applyRetention(0)).toBe(1);
    // Of the segments that one sync completes, only the producers at the start of the last one are forced to disk.
    disk.broken = { call: "write", path: /03\.index/, code: "EIO" };
    for (const value of ["c", "d", "e", "f"]) appended(value);
    await log.settled(6);
    expect(log.segments.map(({ sealed }) => sealed)).toContain(true);
    appended("g");
    await log.settled(7);
    log.abandon();
    disk.broken = undefined;
    disk.restart();
    log = openOn(disk, CONFIGS, { leaderEpoch: 1, logStartOffset: 1 });
    expect(log.producers.entry(7)).toMatchObject({ batches: [{ lastOffset: 0 }] });
  }
});
