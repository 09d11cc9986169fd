import { beforeEach, expect, test } from "vitest";
import { writeFileDurably } from "../../../../src/base/files/durable-files.js";
import { SeededRandom } from "../../../../src/base/random.js";
import type { PartitionLog } from "../../../../src/broker/log/partition-log.js";
import { append, batchOf, openServedLog, openTestLog, readAll } from "../../../support/broker-log.js";
import { MemoryDisk } from "../../../support/memory-disk.js";

const FOLDER = "/data/t-0";
const SNAPSHOT = `${FOLDER}/${"0".repeat(20)}.index-snapshot`;
const CONFIGS = { "index.interval.bytes": "100", "flush.messages": "1" };

let disk: MemoryDisk;
beforeEach(() => {
  disk = new MemoryDisk(new SeededRandom(1));
  disk.makeFolder(FOLDER);
  disk.syncFolder("/data");
  disk.syncFolder("/");
});

const open = (recoveryPoint: number, leaderEpoch = 0) =>
  openTestLog(FOLDER, { configs: CONFIGS, disk, recoveryPoint, leaderEpoch });

async function fill(log: PartitionLog, count: number): Promise<void> {
  for (let left = count; left > 0; left--) append(log, batchOf([{ value: `v${left}` }], stampOf(log)));
  await log.settled(log.logEndOffset);
}

const stampOf = (log: PartitionLog) => ({ producerId: 5, producerEpoch: 0, baseSequence: log.logEndOffset });

/** Opens the log again as after `kill -9`, and measures. */
function reopened(log: PartitionLog, recoveryPoint: number) {
  const { sizeBytes } = log;
  log.abandon();
  disk.kill();
  const [read, written] = [disk.readBytes, disk.writtenBytes];
  const again = open(recoveryPoint, 1);
  return { again, sizeBytes, readBytes: disk.readBytes - read, writtenBytes: disk.writtenBytes - written };
}

test("after a kill only what came after the recovery point is read and written again", async () => {
  const log = open(0);
  await fill(log, 300);
  const point = log.checkpoint();
  expect(point).toBe(300);
  await fill(log, 3);
  const { again, sizeBytes, readBytes, writtenBytes } = reopened(log, point);
  expect(readAll(again)).toHaveLength(303);
  expect(again.producers.entry(5)?.batches.at(-1)?.lastOffset).toBe(302);
  expect(readBytes).toBeLessThan(sizeBytes / 4);
  expect(writtenBytes).toBeLessThan(sizeBytes / 10);
});

test("the first append after a clean stop leaves what was checked before vouched for", async () => {
  const log = open(0);
  await fill(log, 300);
  await log.close();
  disk.restart();
  const resumed = open(300, 1);
  await fill(resumed, 3);
  const { again, sizeBytes, readBytes } = reopened(resumed, 300);
  expect(readAll(again)).toHaveLength(303);
  expect(readBytes).toBeLessThan(sizeBytes / 4);
});

test.each([
  ["the recovery point is unknown", 0, () => undefined],
  ["the index snapshot is damaged", 300, () => writeFileDurably(disk, SNAPSHOT, Buffer.alloc(200))],
  ["the index snapshot is gone", 300, () => disk.remove(SNAPSHOT)],
])("everything is checked where %s", async (_, point, spoil) => {
  const log = open(0);
  await fill(log, 300);
  log.checkpoint();
  spoil();
  const { again, sizeBytes, readBytes } = reopened(log, point);
  expect(readAll(again)).toHaveLength(300);
  expect(readBytes).toBeGreaterThan(sizeBytes);
});

test("a damaged end behind the recovery point is cut off, and what is vouched for stays", async () => {
  const log = open(0);
  await fill(log, 300);
  const point = log.checkpoint();
  await fill(log, 3);
  const path = log.segments[0]!.path;
  const bytes = disk.readFile(path)!;
  bytes[bytes.length - 1]! ^= 1;
  writeFileDurably(disk, path, bytes);
  const { again } = reopened(log, point);
  expect(again.logEndOffset).toBe(302);
  expect(readAll(again)).toHaveLength(302);
});

test("the transactions that were aborted before the recovery point are known after a kill", async () => {
  const log = open(0);
  append(log, batchOf([{ value: "aborted" }], { ...stampOf(log), isTransactional: true }));
  log.appendMarker({ producerId: 5, producerEpoch: 0, coordinatorEpoch: 0, kind: "ABORT" });
  await fill(log, 300);
  const known = log.reader.abortedTransactions(0, 10);
  expect(known).toHaveLength(1);
  const point = log.checkpoint();
  const { again } = reopened(log, point);
  expect(again.reader.abortedTransactions(0, 10)).toEqual(known);
});

test("a producer whose records are deleted is known after clean stops that a kill follows", async () => {
  const deleted = { producerId: 6, producerEpoch: 3, baseSequence: 0 };
  let log = open(0);
  append(log, batchOf([{ value: "deleted" }], deleted));
  log.raiseStart(1);
  await log.applyRetention(0);
  expect(log.logStartOffset).toBe(1);
  for (let epoch = 1; epoch < 4; epoch++) {
    await fill(log, 1);
    await log.close();
    log = open(log.durableEnd, epoch);
  }
  await fill(log, 1);
  log.abandon();
  disk.kill();
  expect(open(log.durableEnd, 5).producers.entry(6)).toMatchObject({ epoch: 3, batches: [{ lastOffset: 0 }] });
});

test("an index snapshot no longer vouches for a log that was cut in front of its last entries", async () => {
  const valued = async (log: PartitionLog, from: number, to: number, padding = 10) => {
    for (let at = from; at < to; at++) append(log, batchOf([{ value: `${at}`.padEnd(padding) }], stampOf(log)));
    await log.settled(log.logEndOffset);
  };
  const log = open(0);
  await valued(log, 0, 300);
  log.checkpoint();
  const { path, size } = log.segments[0]!;
  const bytes = disk.readFile(path)!;
  bytes[(size / 300) * 294 + 70]! ^= 1;
  writeFileDurably(disk, path, bytes);
  // The recovery point is older than the snapshot, and the damage lies between them.
  const { again: cut } = reopened(log, 290);
  expect(cut.logEndOffset).toBe(294);
  // Batches of other sizes than before, up to one that ends where the snapshot says.
  await valued(cut, 294, 295, 15);
  await valued(cut, 295, 296);
  await valued(cut, 296, 297, 5);
  await valued(cut, 297, 303);
  const point = cut.checkpoint();
  expect(point).toBe(303);
  const { again } = reopened(cut, point);
  for (let offset = 0; offset < 303; offset++) {
    const [first] = readAll(again, offset);
    expect([first?.offset, first?.value?.toString().trim()]).toEqual([offset, `${offset}`]);
  }
});

test("what recovery has checked is forced to disk once for all, in the background, before it is served", async () => {
  const log = open(0);
  await fill(log, 3);
  log.abandon();
  disk.kill();
  const synced: string[] = [];
  disk.onSync = (path) => void synced.push(path);
  const again = open(0, 1);
  expect(synced).toEqual([]);
  await again.forceRecovered();
  expect(synced).toEqual([again.segments[0]!.path, FOLDER]);
  await again.forceRecovered();
  expect(synced).toHaveLength(2);
  disk.restart();
  expect(readAll(open(0, 2))).toHaveLength(3);
});

test("a log that cannot force what recovery has checked is offline", async () => {
  const log = open(0);
  await fill(log, 3);
  log.abandon();
  disk.kill();
  disk.broken = { call: "sync", path: /\.log$/, code: "EIO" };
  const again = open(0, 1);
  await again.forceRecovered();
  expect(again.offline).toBeDefined();
});

/** Opens the log again, as the broker does before it serves it. Returns what that did to the disk. */
async function served(recoveryPoint: number, leaderEpoch: number) {
  const [read, written] = [disk.readBytes, disk.writtenBytes];
  const forced: string[] = [];
  disk.onSync = (path) => void forced.push(path.replace(/^.*\/0*/, ""));
  const log = open(recoveryPoint, leaderEpoch);
  await log.forceRecovered();
  disk.onSync = undefined;
  return { log, readBytes: disk.readBytes - read, writtenBytes: disk.writtenBytes - written, forced };
}

test("after a clean stop nothing of a log is checked, written or forced to disk again", async () => {
  const stopped = open(0);
  await fill(stopped, 300);
  await stopped.close();
  disk.kill();
  const { log, readBytes, writtenBytes, forced } = await served(300, 1);
  expect(readBytes).toBeLessThan(stopped.sizeBytes / 10);
  expect([writtenBytes, forced]).toEqual([0, []]);
  expect(readAll(log)).toHaveLength(300);
  expect(log.producers.entry(5)?.batches.at(-1)?.lastOffset).toBe(299);
});

test("nor of a log that had not grown between two checkpoints before a kill, however small", async () => {
  const killed = open(0);
  await fill(killed, 3);
  killed.checkpoint();
  const point = killed.checkpoint();
  killed.abandon();
  disk.kill();
  const { log, writtenBytes, forced } = await served(point, 1);
  expect([writtenBytes, forced, readAll(log).length]).toEqual([0, [], 3]);
});

test("what was appended since is written once more and forced; the folder holds the segment's name already", async () => {
  const stopped = open(0);
  await fill(stopped, 300);
  await stopped.close();
  disk.kill();
  const killed = open(300, 1);
  await fill(killed, 2);
  const { sizeBytes } = killed;
  killed.abandon();
  disk.kill();
  const { log, writtenBytes, forced } = await served(300, 2);
  expect(writtenBytes).toBe(sizeBytes - stopped.sizeBytes);
  expect(forced).toEqual([".log"]);
  expect(readAll(log)).toHaveLength(302);
});

test("neither the first append of a start nor a new segment waits for the disk in the loop that serves", async () => {
  const configs = { ...CONFIGS, "segment.bytes": "400" };
  const created = openTestLog(FOLDER, { configs, disk, leaderEpoch: 2 });
  disk.sync = () => expect.fail("a blocking sync");
  disk.syncFolder = () => expect.fail("a blocking sync");
  await fill(created, 1);
  await created.close();
  const log = await openServedLog(FOLDER, { configs, disk, leaderEpoch: 3 });
  await fill(log, 20);
  expect(log.segments.length).toBeGreaterThan(3);
  expect(log.segments.slice(0, -1).every(({ sealed }) => sealed)).toBe(true);
  expect(log.endOfEpoch(2)).toEqual({ leaderEpoch: 2, endOffset: 1 });
});

test("an epoch is known once a record of it counts, and after a kill before that", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    disk = new MemoryDisk(new SeededRandom(seed));
    disk.makeFolder(FOLDER);
    disk.syncFolder("/");
    const first = open(0, 1);
    await fill(first, 3);
    await first.close();
    const second = open(3, 4);
    append(second, batchOf([{ value: "x" }]));
    second.abandon();
    disk.kill();
    const killed = await served(3, 5);
    expect(killed.log.endOfEpoch(1)).toEqual({ leaderEpoch: 1, endOffset: 3 });
    await fill(killed.log, 1);
    killed.log.abandon();
    disk.restart();
    const { log } = await served(3, 6);
    expect([1, 4, 5].map((epoch) => log.endOfEpoch(epoch).endOffset)).toEqual([3, 4, 5]);
  }
});

test("a first append that a full disk refuses leaves the log online, and its repetition the right epoch", async () => {
  const log = open(0, 2);
  disk.capacityBytes = 0;
  expect(() => append(log, batchOf([{ value: "x" }]))).toThrow(expect.objectContaining({ code: 56 }));
  expect(log.offline).toBeUndefined();
  disk.capacityBytes = Number.POSITIVE_INFINITY;
  await fill(log, 1);
  log.abandon();
  disk.restart();
  expect(open(0, 3).endOfEpoch(2)).toEqual({ leaderEpoch: 2, endOffset: 1 });
});

test("an index snapshot does not vouch for a segment with other batches than it describes", async () => {
  const stopped = open(0);
  await fill(stopped, 300);
  await stopped.close();
  const other = openTestLog("/other", { configs: CONFIGS, disk });
  for (let left = 300; left > 0; left--) {
    append(other, batchOf([{ value: `v${left}`.padEnd(left === 1 ? 200 : 1) }], stampOf(other)));
  }
  writeFileDurably(disk, `${FOLDER}/${"0".repeat(20)}.log`, disk.readFile(`/other/${"0".repeat(20)}.log`)!);
  disk.kill();
  expect(readAll(open(300, 1)).at(-1)?.value).toHaveLength(200);
});
