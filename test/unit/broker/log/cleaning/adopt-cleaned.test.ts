import { describe, expect, test } from "vitest";
import { makeFolderDurably, writeFileDurably } from "../../../../../src/base/files/durable-files.js";
import { SeededRandom } from "../../../../../src/base/random.js";
import { adoptCleaned } from "../../../../../src/broker/log/cleaning/adopt-cleaned.js";
import { describeCleaning } from "../../../../../src/broker/log/cleaning/cleaning-job.js";
import { writeCleaned } from "../../../../../src/broker/log/cleaning/write-cleaned.js";
import type { PartitionLog } from "../../../../../src/broker/log/partition-log.js";
import { MalformedError } from "../../../../../src/protocol/malformed-error.js";
import { append, batchOf, openTestLog, readAll } from "../../../../support/broker-log.js";
import { compactSealed } from "../../../../support/histories/compact-sealed.js";
import { MemoryDisk } from "../../../../support/memory-disk.js";

const FOLDER = "/data/t-0";
const COMPACTED = { "cleanup.policy": "compact", "flush.messages": "1" };

function opened(disk: MemoryDisk, segmentBytes: number, leaderEpoch: number): PartitionLog {
  const configs = { ...COMPACTED, "segment.bytes": String(segmentBytes) };
  return openTestLog(FOLDER, { disk, leaderEpoch, configs });
}

/** A log of which each batch is a segment; the values are their keys, repeated to the size. */
async function logOf(
  batches: readonly Readonly<Record<string, number>>[],
  disk = new MemoryDisk(new SeededRandom(1)),
): Promise<MemoryDisk> {
  makeFolderDurably(disk, FOLDER);
  const log = opened(disk, 1, 0);
  for (const sizes of batches) {
    append(log, batchOf(Object.entries(sizes).map(([key, size]) => ({ key, value: key.repeat(size) }))));
  }
  await log.settled(log.logEndOffset);
  await log.close();
  return disk;
}

const keysOf = (log: PartitionLog) => readAll(log).map(({ key }) => key!.toString());

test("a cleaning on a full disk leaves nothing with which the next start would undo a later one", async () => {
  // The first cleaning takes a and b together, and fails. The second one, for which the first segment has become
  // smaller, takes y and a together, and b and c.
  const disk = await logOf([{ z: 240, y: 250 }, { a: 230 }, { b: 230 }, { c: 300 }, { z: 10 }, { q: 250 }]);
  const log = opened(disk, 850, 1);
  disk.broken = { call: "write", path: /02\.(time)?index\.swap/, code: "ENOSPC" };
  await expect(compactSealed(log)).rejects.toMatchObject({ code: "ENOSPC" });
  disk.broken = undefined;
  expect(keysOf(log)).toEqual(["y", "a", "b", "c", "z", "q"]);
  await compactSealed(log);
  await log.close();
  expect(keysOf(opened(disk, 850, 2))).toEqual(["y", "a", "b", "c", "z", "q"]);
});

test("a log whose segments cannot be replaced is offline, and the next start replaces them", async () => {
  const disk = await logOf([{ a: 10 }, { b: 10 }, { a: 20 }, { q: 10 }]);
  const log = opened(disk, 850, 1);
  disk.broken = { call: "write", path: /02\.log/, code: "EIO" };
  await expect(compactSealed(log)).rejects.toMatchObject({ codeName: "KAFKA_STORAGE_ERROR" });
  expect(() => append(log, batchOf([{ key: "r", value: "r" }]))).toThrow(log.offline);
  log.abandon();
  disk.broken = undefined;
  disk.kill();
  expect(keysOf(opened(disk, 850, 2))).toEqual(["b", "a", "q"]);
});

test("a compacted segment whose index cannot be read back never takes a place", async () => {
  const disk = await logOf([{ a: 10 }, { b: 10 }, { a: 20 }, { q: 10 }]);
  const log = opened(disk, 850, 1);
  const rename = disk.rename.bind(disk);
  disk.rename = (from, to) => {
    rename(from, to);
    if (/\d\.index\.swap$/.test(to)) writeFileDurably(disk, to, Buffer.alloc(7));
  };
  await expect(compactSealed(log)).rejects.toBeInstanceOf(MalformedError);
  disk.rename = rename;
  expect([log.offline, keysOf(log)]).toEqual([undefined, ["a", "b", "a", "q"]]);
  expect(disk.list(FOLDER).filter(({ name }) => /swap|cleaned/.test(name))).toEqual([]);
  expect(await compactSealed(log)).toBe(true);
  expect(keysOf(log)).toEqual(["b", "a", "q"]);
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
  await expect(compactSealed(together)).rejects.toMatchObject({ code: "ENOSPC" });
  disk.broken = undefined;
  expect(disk.list(FOLDER).filter(({ name }) => /swap|cleaned/.test(name))).toEqual([]);
});

test("a disk that fails after it has made a compacted segment count leaves none to the next start", async () => {
  const disk = await logOf([{ a: 10 }, { b: 10 }, { a: 20 }, { q: 10 }]);
  const log = opened(disk, 850, 1);
  const { rename } = disk;
  disk.rename = (from, to) => {
    rename.call(disk, from, to);
    if (to.endsWith(".log.swap")) throw Object.assign(new Error("EIO"), { code: "EIO", syscall: "rename" });
  };
  await expect(compactSealed(log)).rejects.toMatchObject({ code: "EIO" });
  expect(log.offline).toBe(undefined);
  expect(disk.list(FOLDER).filter(({ name }) => /swap|cleaned/.test(name))).toEqual([]);
});

test("a start that tidies up after a kill loses nothing if the power fails before the disk has all of that", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const batches = [{ a: 700 }, { z: 240 }, { y: 250 }, { y: 300 }, { q: 250 }];
    const disk = await logOf(batches, new MemoryDisk(new SeededRandom(seed), "by name"));
    let log = opened(disk, 850, 1);
    // The second segment ends before the next one begins.
    await compactSealed(log);
    append(log, batchOf([{ key: "z", value: "new" }]));
    await log.settled(log.logEndOffset);
    await log.close();
    log = opened(disk, 1, 2);
    append(log, batchOf([{ key: "w", value: "w" }]));
    await log.settled(log.logEndOffset);
    disk.syncFolder(FOLDER);
    const { syncFolderLater } = disk;
    disk.syncFolderLater = async (path) => {
      if (disk.list(FOLDER).some(({ name }) => name.endsWith("01.log.deleted"))) log.abandon();
      else await syncFolderLater.call(disk, path);
    };
    await compactSealed(log);
    disk.syncFolderLater = syncFolderLater;
    expect(log.isClosed).toBe(true);
    disk.kill();
    opened(disk, 1, 3).abandon();
    disk.restart();
    expect(keysOf(opened(disk, 1, 4)).filter((key) => key !== "z")).toEqual(["a", "y", "q", "w"]);
  }
});

test("a log of which the disk has changed a key is not compacted: it could supersede another key's record", async () => {
  const disk = await logOf([{ a: 10 }, { b: 10 }, { q: 10 }]);
  const log = opened(disk, 850, 1);
  const fd = disk.open(`${FOLDER}/00000000000000000001.log`, "write");
  const at = disk.readFile(`${FOLDER}/00000000000000000001.log`)!.indexOf("bbbbb") - 2;
  disk.write(fd, Buffer.from("a"), 0, 1, at);
  disk.close(fd);
  expect(keysOf(log)).toEqual(["a", "a", "q"]);
  await expect(compactSealed(log)).rejects.toThrow(`The records at offset 1 in ${FOLDER} are damaged`);
  expect(keysOf(log)).toEqual(["a", "a", "q"]);
});

describe("a log adopts a compacted segment", () => {
  const CONTENT = [{ a: 10 }, { b: 10 }, { a: 20 }, { q: 10 }];
  const job = (log: PartitionLog) => {
    const plan = { firstDirtyOffset: 0, endOffset: log.segments.at(-1)!.baseOffset, dirtyRatio: 1 };
    return describeCleaning(log, plan, { nowMs: 0, dedupeBufferBytes: 1 << 16 });
  };
  /** The first group that a cleaning of the log writes. */
  const written = (log: PartitionLog, disk: MemoryDisk) => {
    for (const step of writeCleaned(job(log), disk)) if (step) return step;
    throw new Error("no group");
  };

  test("without a blocking sync, or a file that is read or removed in the loop that serves", async () => {
    const disk = await logOf(CONTENT);
    const log = opened(disk, 850, 1);
    const group = written(log, disk);
    const blocking: string[] = [];
    disk.sync = () => void blocking.push("sync");
    disk.syncFolder = () => void blocking.push("syncFolder");
    const { remove } = disk;
    disk.remove = (path) => {
      if (disk.readFile(path) !== undefined && !/index$/.test(path)) blocking.push(path);
      remove.call(disk, path);
    };
    disk.removeLater = async (path) => remove.call(disk, path);
    disk.readBytes = 0;
    expect(await adoptCleaned(log, group)).toBe(true);
    expect([blocking, disk.readBytes]).toEqual([[], 0]);
    expect(keysOf(log)).toEqual(["b", "a", "q"]);
  });

  test("made from files that nobody keeps open: they would keep their space", async () => {
    const disk = await logOf(CONTENT);
    const log = opened(disk, 1, 1);
    const open: string[][] = [];
    for (const step of writeCleaned(job(log), disk)) {
      if (!step) continue;
      log.files.close();
      open.push(disk.openFiles.map((path) => path.slice(-6)).filter((name) => /0[0-2]\.log/.test(name)));
    }
    expect(open).toEqual([["01.log", "02.log"], ["02.log"], []]);
  });

  test("and reads from it, on disk, before the old ones go", async () => {
    const disk = await logOf(CONTENT);
    const log = opened(disk, 850, 1);
    const group = written(log, disk);
    const removed: string[] = [];
    const { removeLater } = disk;
    disk.removeLater = async (path) => {
      removed.push(path.slice(-14));
      expect(keysOf(log)).toEqual(["b", "a", "q"]);
      await removeLater.call(disk, path);
    };
    expect(await adoptCleaned(log, group)).toBe(true);
    expect(removed).toEqual(["01.log.deleted", "02.log.deleted", "00.log.deleted"]);
    expect(disk.list(FOLDER).map(({ name }) => name.slice(18))).toContain("00.log");
  });

  /** Adopts a group, and closes the log after that many waits for the disk. Returns the number of waits. */
  async function closedAfter(waits: number): Promise<number> {
    const disk = await logOf(CONTENT);
    const log = opened(disk, 850, 1);
    const group = written(log, disk);
    const names = () => disk.list(FOLDER).map(({ name }) => name);
    let count = 0;
    let atClose: string[] | undefined;
    const { syncFolderLater, removeLater } = disk;
    const counted = (call: (path: string) => Promise<void>) => async (path: string) => {
      await call.call(disk, path);
      if (++count !== waits) return;
      log.abandon();
      atClose = names();
    };
    disk.syncFolderLater = counted(syncFolderLater);
    disk.removeLater = counted(removeLater);
    await adoptCleaned(log, group);
    expect(names()).toEqual(atClose ?? names());
    log.abandon();
    disk.kill();
    expect(keysOf(opened(disk, 850, 2))).toEqual(["b", "a", "q"]);
    return count;
  }

  test("unless it is closed meanwhile: its folder may be that of a later topic; the next start goes on", async () => {
    const waits = await closedAfter(Number.POSITIVE_INFINITY);
    expect(waits).toBe(7);
    for (let at = 1; at <= waits; at++) await closedAfter(at);
  });

  test("and nothing of it in a folder that another process has taken, at whatever step", async () => {
    for (let allowed = 0; allowed < 5; allowed++) {
      const disk = await logOf(CONTENT);
      let checks = 0;
      let isLost = false;
      const names = () => disk.list(FOLDER).map(({ name }) => name);
      const log = openTestLog(FOLDER, {
        disk,
        leaderEpoch: 1,
        configs: { ...COMPACTED, "segment.bytes": "850" },
        checkFolder: () => {
          isLost ||= ++checks > allowed;
          if (isLost) throw new Error("lost");
        },
      });
      const group = written(log, disk);
      const { rename } = disk;
      disk.rename = (from, to) => {
        expect(isLost).toBe(false);
        rename.call(disk, from, to);
      };
      await expect(adoptCleaned(log, group)).rejects.toThrow(/lost|offline/);
      const isUntouched = names().some((name) => name.endsWith(".cleaned"));
      expect([isLost, isUntouched]).toEqual([true, allowed === 0]);
    }
  });

  test("nor in one that another process takes while the new segment is forced to disk", async () => {
    const disk = await logOf(CONTENT);
    let isLost = false;
    const configs = { ...COMPACTED, "segment.bytes": "850" };
    const checkFolder = () => {
      if (isLost) throw new Error("lost");
    };
    const log = openTestLog(FOLDER, { disk, leaderEpoch: 1, configs, checkFolder });
    const group = written(log, disk);
    const names = () => disk.list(FOLDER).map(({ name }) => name);
    let atLoss: string[] = [];
    const { syncFolderLater } = disk;
    disk.syncFolderLater = async (path) => {
      await syncFolderLater.call(disk, path);
      isLost = true;
      atLoss = names();
    };
    await expect(adoptCleaned(log, group)).rejects.toThrow(/offline/);
    expect(names()).toEqual(atLoss);
  });
});
