import { describe, expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { deferred } from "../../../../src/base/deferred.js";
import { type LogFields, silentLogger } from "../../../../src/base/logger.js";
import { SeededRandom } from "../../../../src/base/random.js";
import { appendProduced } from "../../../../src/broker/log/append-produced.js";
import { offsetOfMaxTimestamp } from "../../../../src/broker/log/offset-lookup.js";
import { ErrorCodes } from "../../../../src/protocol/error-codes.js";
import { append, batchOf, openTestLog, readAll, type TestLogOptions } from "../../../support/broker-log.js";
import { MemoryDisk } from "../../../support/memory-disk.js";

const FOLDER = "/data/t-0";
const TINY = { "segment.bytes": "400", "index.interval.bytes": "100" };
const DURABLE = { ...TINY, "flush.messages": "1" };
const STORAGE = { code: ErrorCodes.KAFKA_STORAGE_ERROR };
const ARRIVAL = { nowMs: 1_700_000_000_000, apiVersion: 9 };

function diskWithFolder(): MemoryDisk {
  const disk = new MemoryDisk(new SeededRandom(1));
  disk.makeFolder(FOLDER);
  disk.syncFolder("/");
  return disk;
}

const batch = (value: string) => batchOf([{ value }]);
const valuesOf = (log: Parameters<typeof readAll>[0]) => readAll(log).map(({ value }) => value!.toString().slice(0, 5));

function opened(disk: MemoryDisk, configs: Readonly<Record<string, string>>, options: TestLogOptions = {}) {
  return openTestLog(FOLDER, { configs, disk, ...options });
}

describe("with flush.messages=1", () => {
  test("a batch is neither acknowledged nor read before it is on disk, and then survives a power cut", async () => {
    const disk = diskWithFolder();
    const log = opened(disk, DURABLE);
    const gate = deferred();
    disk.gate = gate.promise;
    let woken = 0;
    log.watch("read_uncommitted", (bytes) => {
      woken += bytes;
    });
    append(log, batch("first"));
    expect([log.logEndOffset, log.highWatermark, woken, log.reader.read(0, 1000, true).length]).toEqual([1, 0, 0, 0]);
    gate.resolve();
    await log.settled(1);
    expect([log.highWatermark, woken]).toEqual([1, log.sizeBytes]);
    disk.restart();
    expect(valuesOf(opened(disk, DURABLE))).toEqual(["first"]);
  });

  test("batches that are appended during a sync share the next one", async () => {
    const disk = diskWithFolder();
    const log = opened(disk, { "flush.messages": "1" });
    append(log, batch("first"));
    await log.settled(1);
    const gate = deferred();
    disk.gate = gate.promise;
    const asked = deferred();
    const syncLater = disk.syncLater.bind(disk);
    let syncs = 0;
    disk.syncLater = (fd) => {
      syncs++;
      asked.resolve();
      return syncLater(fd);
    };
    // Those of one turn of the event loop share a sync, too.
    for (const value of ["a", "b"]) append(log, batch(value));
    await asked.promise;
    for (const value of ["c", "d", "e"]) append(log, batch(value));
    gate.resolve();
    await log.settled(6);
    expect(syncs).toBe(2);
  });

  test("a log whose sync failed is offline: nothing more is acknowledged, a retry neither, and nothing is sealed", async () => {
    const disk = diskWithFolder();
    const errors: LogFields[] = [];
    const logger = { ...silentLogger, error: (_: string, fields: LogFields = {}) => void errors.push(fields) };
    const log = opened(disk, DURABLE, { logger });
    const stamped = (sequence: number) =>
      batchOf([{ value: "x".repeat(200) }], { producerId: 7, producerEpoch: 0, baseSequence: sequence });
    expect(appendProduced(log, stamped(0), ARRIVAL, "t-0").errorCode).toBe(ErrorCodes.NONE);
    await log.settled(1);
    disk.broken = { call: "sync", path: /\.log$/, code: "EIO" };
    expect(appendProduced(log, stamped(1), ARRIVAL, "t-0").errorCode).toBe(ErrorCodes.NONE);
    await expect(log.settled(2)).rejects.toMatchObject(STORAGE);
    disk.broken = undefined;
    // The retry is in the log, and that is not enough.
    appendProduced(log, stamped(1), ARRIVAL, "t-0");
    await expect(log.settled(log.logEndOffset)).rejects.toMatchObject(STORAGE);
    expect(appendProduced(log, stamped(2), ARRIVAL, "t-0").errorCode).toBe(ErrorCodes.KAFKA_STORAGE_ERROR);
    expect(() => log.reader.read(0, 100, true)).toThrow(expect.objectContaining(STORAGE));
    expect(errors).toEqual([{ folder: FOLDER }]);
    await log.tend(0, 1);
    await log.close();
    expect(disk.list(FOLDER).filter(({ name }) => name.endsWith(".index"))).toEqual([]);

    // The page cache still holds the bytes that the disk lacks; the next start must not build on them.
    disk.kill();
    const again = opened(disk, DURABLE, { leaderEpoch: 1 });
    append(again, batch("after"));
    await again.settled(3);
    disk.restart();
    expect(valuesOf(opened(disk, DURABLE, { leaderEpoch: 2 }))).toEqual(["xxxxx", "xxxxx", "after"]);
  });

  test("a clean stop waits for the sync under way, and does not hide its failure", async () => {
    const disk = diskWithFolder();
    const log = opened(disk, DURABLE);
    append(log, batch("first"));
    await log.settled(1);
    const gate = deferred();
    disk.gate = gate.promise;
    append(log, batch("second"));
    const acknowledged = expect(log.settled(2)).rejects.toMatchObject(STORAGE);
    disk.broken = { call: "sync", path: /\.log$/, code: "EIO" };
    const closed = log.close();
    gate.resolve();
    await closed;
    await acknowledged;
    expect(disk.list(FOLDER).filter(({ name }) => name.endsWith(".index"))).toEqual([]);
    expect(disk.openFiles).toEqual([]);
  });
});

test("the largest timestamp is that of the records that can be read, wherever the end for readers lies", async () => {
  const seed = Number(process.env["MILLRACE_SEED"] ?? 1);
  console.log(`MILLRACE_SEED=${seed}`);
  const random = new SeededRandom(seed);
  const disk = diskWithFolder();
  const log = opened(disk, { "segment.bytes": "1000", "index.interval.bytes": "200", "flush.messages": "1" });
  const times: number[] = [];
  for (let round = 0; round < 40; round++) {
    const durable = times.length;
    const gate = deferred();
    disk.gate = gate.promise;
    for (let count = random.integer(8); count >= 0; count--) {
      const timestampMs = random.integer(4) === 0 ? 5000 + times.length : random.integer(5000);
      append(log, batchOf([{ value: "x".repeat(random.integer(100)), timestampMs }]));
      times.push(timestampMs);
    }
    expect(log.highWatermark).toBe(durable);
    const expected = Math.max(-1, ...times.slice(0, durable));
    expect(log.reader.maxTimestampBefore(durable)).toBe(expected);
    const { offset, timestamp } = offsetOfMaxTimestamp(log, durable);
    expect([offset, timestamp]).toEqual([times.slice(0, durable).indexOf(expected), expected]);
    gate.resolve();
    await log.settled(times.length);
  }
});

test("flush.messages bounds the acknowledged records that are not on disk", async () => {
  const disk = diskWithFolder();
  const log = opened(disk, { "flush.messages": "3" });
  const gate = deferred();
  disk.gate = gate.promise;
  for (const value of ["a", "b", "c"]) append(log, batch(value));
  expect(log.highWatermark).toBe(2);
  gate.resolve();
  await log.settled(3);
  expect(log.highWatermark).toBe(3);
});

describe("a flush beside a sync under way", () => {
  test("acknowledges nothing in a segment whose name is not on disk yet", async () => {
    const disk = diskWithFolder();
    const log = opened(disk, { "flush.messages": "3", "segment.bytes": "400" });
    const asked = deferred();
    const gate = deferred();
    const syncFolderLater = disk.syncFolderLater.bind(disk);
    disk.syncFolderLater = (path) => {
      asked.resolve();
      return gate.promise.then(() => syncFolderLater(path));
    };
    append(log, batch("x".repeat(300)));
    append(log, batch("x".repeat(100)));
    await asked.promise;
    append(log, batchOf([{ value: "a" }, { value: "b" }, { value: "c" }]));
    const flushed = log.flushBefore(2);
    expect([log.segments.length, log.highWatermark]).toEqual([2, 2]);
    gate.resolve();
    await flushed;
    await log.settled(5);
    disk.restart();
    expect(opened(disk, {}).logEndOffset).toBe(5);
  });

  test("fails with it: Linux reports a failure once", async () => {
    const disk = diskWithFolder();
    const log = opened(disk, { "flush.messages": "3" });
    const asked = deferred();
    const gate = deferred();
    disk.syncLater = async () => {
      asked.resolve();
      await gate.promise;
      throw new Error("EIO");
    };
    for (const value of ["a", "b", "c"]) append(log, batch(value));
    const settled = log.settled(3)!;
    await asked.promise;
    const flushed = log.flushBefore(2);
    gate.resolve();
    await expect(flushed).rejects.toMatchObject(STORAGE);
    await expect(settled).rejects.toMatchObject(STORAGE);
  });
});

test("with Kafka's default a batch is acknowledged at once, and flush.ms forces it to disk", async () => {
  const disk = diskWithFolder();
  const clock = new SimClock();
  const log = opened(disk, { "flush.ms": "100" }, { clock });
  append(log, batch("first"));
  expect([log.settled(1), valuesOf(log)]).toEqual([undefined, ["first"]]);
  await clock.advance(100);
  await log.tend(clock.nowMs(), 1000);
  await log.close();
  disk.restart();
  expect(valuesOf(opened(disk, {}))).toEqual(["first"]);
});

test("a segment whose index files could not be written gets them once the disk works again", async () => {
  const disk = diskWithFolder();
  const warned = deferred<LogFields>();
  const logger = { ...silentLogger, warn: (_: string, fields: LogFields = {}) => warned.resolve(fields) };
  const log = opened(disk, TINY, { logger });
  const [first] = log.segments;
  disk.broken = { call: "write", path: /\.timeindex/, code: "ENOSPC" };
  while (log.segments.length < 2) append(log, batch("x".repeat(50)));
  expect(await warned.promise).toEqual({ path: first!.path });
  await log.tend(0, 1000);
  expect(first!.sealed).toBe(false);
  disk.broken = undefined;
  await log.tend(0, 1000);
  expect(first!.sealed).toBe(true);
});

test("retention frees a full disk, though the active segment cannot be replaced", async () => {
  const disk = diskWithFolder();
  const log = opened(disk, { ...TINY, "retention.ms": "1" });
  while (log.segments.length < 4) append(log, batch("x".repeat(150)));
  disk.broken = { call: "write", path: /(log|snapshot)$/, code: "ENOSPC" };
  const remove = disk.remove.bind(disk);
  disk.remove = (path) => {
    const { broken } = disk;
    disk.broken = undefined;
    remove(path);
    disk.broken = broken;
  };
  await expect(log.applyRetention(ARRIVAL.nowMs + 1000)).rejects.toThrow(expect.objectContaining(STORAGE));
  expect(log.segments).toHaveLength(1);
  expect(log.logStartOffset).toBe(log.segments[0]!.baseOffset);
});

test("a segment that retention failed to remove is removed by the next run, and leaves no gap", async () => {
  const disk = diskWithFolder();
  const log = opened(disk, { ...DURABLE, "retention.bytes": "300" });
  for (const value of ["a", "b", "c", "d"]) append(log, batch(value.repeat(300)));
  await log.settled(4);
  disk.broken = { call: "write", path: /00\.log/, code: "EIO" };
  await expect(log.applyRetention(0)).rejects.toThrow(expect.objectContaining(STORAGE));
  disk.broken = undefined;
  expect([log.logStartOffset, valuesOf(log)]).toEqual([1, ["bbbbb", "ccccc", "ddddd"]]);
  expect(await log.applyRetention(0)).toBe(3);
  await log.close();
  disk.kill();
  const again = opened(disk, DURABLE);
  expect([again.logStartOffset, valuesOf(again)]).toEqual([3, ["ddddd"]]);
});

describe("at a start", () => {
  test("a segment that was cut between two batches ends the log: what follows it would leave a gap", async () => {
    const disk = diskWithFolder();
    const log = opened(disk, TINY);
    for (let at = 0; log.segments.length < 3; at++) append(log, batch(`${at}`.padEnd(80, "x")));
    const [, second] = log.segments;
    const { path, baseOffset, size } = second!;
    disk.kill();
    const fd = disk.open(path, "write");
    disk.truncate(fd, size / 2);
    disk.close(fd);
    for (const suffix of ["index", "timeindex"]) disk.remove(path.replace(/log$/, suffix));
    const reopened = opened(disk, TINY, { leaderEpoch: 1 });
    expect([reopened.logEndOffset, reopened.segments.length]).toEqual([baseOffset + 1, 2]);
    expect(readAll(reopened).map(({ offset }) => offset)).toEqual(
      Array.from({ length: baseOffset + 1 }, (_, at) => at),
    );
  });

  test("a log is served on a full disk, and its segments get their index files once there is room", async () => {
    const disk = diskWithFolder();
    const log = opened(disk, DURABLE);
    disk.broken = { call: "write", path: /index/, code: "ENOSPC" };
    for (const value of ["a", "b", "c"]) append(log, batch(value.repeat(300)));
    await log.settled(3);
    disk.kill();
    const again = opened(disk, DURABLE);
    await again.forceRecovered();
    expect(valuesOf(again)).toEqual(["aaaaa", "bbbbb", "ccccc"]);
    expect(again.segments.map(({ sealed }) => sealed)).toEqual([false, false, false]);
    disk.broken = undefined;
    await again.tend(0, 1);
    expect(again.segments.map(({ sealed }) => sealed)).toEqual([true, true, false]);
  });

  test("a log that ends before its start begins anew there: records below the start would be hidden", () => {
    const disk = diskWithFolder();
    append(opened(disk, TINY), batch("lost"));
    disk.kill();
    const log = opened(disk, TINY, { logStartOffset: 5 });
    expect([log.logStartOffset, log.logEndOffset]).toEqual([5, 5]);
    expect(append(log, batch("next"))).toBe(5);
  });
});

test("what a failed append leaves at a segment's end does not cost the segments behind it after a kill", () => {
  const disk = diskWithFolder();
  const log = opened(disk, TINY);
  append(log, batch("first"));
  disk.broken = { call: "write", path: /\.log$/, code: "ENOSPC" };
  for (let at = 0; at < 5; at++)
    expect(() => append(log, batch("x".repeat(150)))).toThrow(expect.objectContaining(STORAGE));
  disk.broken = undefined;
  append(log, batch("second".padEnd(350, "x")));
  expect([log.segments.length, log.highWatermark]).toEqual([2, 2]);
  log.abandon();
  disk.kill();
  expect(valuesOf(opened(disk, TINY, { leaderEpoch: 1 }))).toEqual(["first", "secon"]);
});

test("nothing is appended to a log that is being closed: it would count as forced to disk", async () => {
  const disk = diskWithFolder();
  const log = opened(disk, TINY);
  append(log, batch("first"));
  const gate = deferred();
  disk.gate = gate.promise;
  const closed = log.close();
  expect(() => append(log, batch("late"))).toThrow(expect.objectContaining(STORAGE));
  gate.resolve();
  await closed;
  disk.restart();
  expect(valuesOf(opened(disk, TINY))).toEqual(["first"]);
});
