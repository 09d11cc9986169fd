import { beforeEach, expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { deferred } from "../../../../src/base/deferred.js";
import { SeededRandom } from "../../../../src/base/random.js";
import { BrokerProperties } from "../../../../src/broker/broker-properties.js";
import type { CallMemory } from "../../../../src/broker/handler.js";
import { fetch as handler } from "../../../../src/broker/handlers/fetch.js";
import type { PartitionLog } from "../../../../src/broker/log/partition-log.js";
import { fetch as api } from "../../../../src/protocol/apis/fetch.js";
import { ErrorCodes } from "../../../../src/protocol/error-codes.js";
import { append, batchOf, openTestLog } from "../../../support/broker-log.js";
import { MemoryDisk } from "../../../support/memory-disk.js";
import { serve } from "../../../support/serve.js";

const SMALL = { "segment.bytes": "2000", "index.interval.bytes": "100" };
const batch = (value: string) => batchOf([{ value }]);

let disk: MemoryDisk;
let clock: SimClock;
let logs: PartitionLog[];
/** The memory for answers, as the connection has it. */
let memory: CallMemory & { roomBytes: number; reserved: number };
/** What was read, in the order of the reads: file and bytes. */
let reads: string[];

beforeEach(() => {
  clock = new SimClock();
  reads = [];
  memory = {
    roomBytes: Number.POSITIVE_INFINITY,
    reserved: 0,
    reserve: (bytes) => {
      memory.reserved += bytes;
    },
    room: () => Promise.resolve(),
    hold: () => () => undefined,
    take: Buffer.allocUnsafeSlow,
  };
  disk = new MemoryDisk(new SeededRandom(1));
  logs = [0, 1].map((partition) => {
    const folder = `/data/t-${partition}`;
    disk.makeFolder(folder);
    return openTestLog(folder, { disk, configs: SMALL, clock });
  });
  const opened = new Map<number, string>();
  const { open, read, readFile } = { open: disk.open, read: disk.read, readFile: disk.readFile };
  disk.open = (path, mode) => {
    const fd = open.call(disk, path, mode);
    opened.set(fd, path);
    return fd;
  };
  disk.read = (fd, target, at, length, position) => {
    const count = read.call(disk, fd, target, at, length, position);
    reads.push(`${count} of ${opened.get(fd)?.replace(/^.*\./, "") ?? "log"}`);
    return count;
  };
  disk.readFile = (path) => {
    reads.push(`all of ${path}`);
    return readFile.call(disk, path);
  };
});

/** Fetches from the given offset of each partition. */
async function ask(offsets: readonly number[], { minBytes = 1, maxWaitMs = 0, partitionMaxBytes = 1_000_000 } = {}) {
  const partitions = offsets.map((fetchOffset, partition) => ({ partition, fetchOffset, partitionMaxBytes }));
  const request = { maxWaitMs, minBytes, isolationLevel: 0, sessionId: 0, topics: [{ topic: "t", partitions }] };
  const broker = { topics: { get: () => ({ logs }) }, clock, properties: new BrokerProperties({}) };
  const answer = await serve(handler, api, 12, { ...request, rackId: "" }, { broker, memory });
  return answer.responses[0]!.partitions;
}

test("a fetch at the ends of partitions reads nothing from the disk, however long it waits", async () => {
  for (const log of logs) append(log, batch("old"));
  const answer = ask([1, 1], { maxWaitMs: 500 });
  await clock.advance(500);
  expect((await answer).map(({ records }) => records!.length)).toEqual([0, 0]);
  expect(reads).toEqual([]);
});

test("a fetch that waits for more bytes than there are reads each partition once, when it is answered", async () => {
  for (const log of logs) append(log, batch("first"));
  await ask([0, 0]);
  for (const log of logs) append(log, batch("second"));
  reads = [];
  const answered = deferred<number[]>();
  void ask([1, 1], { minBytes: 300, maxWaitMs: 500 }).then((partitions) =>
    answered.resolve(partitions.map(({ records }) => records!.length)),
  );
  await clock.settled();
  expect(reads).toEqual([]);
  append(logs[0]!, batch("x".repeat(300)));
  const [first, second] = await answered.promise;
  expect([first! > 300, second! > 60]).toEqual([true, true]);
  expect(reads).toHaveLength(2);
});

test("a fetch with enough bytes in older segments does not wait", async () => {
  for (let at = 0; at < 40; at++) append(logs[0]!, batch("x".repeat(100)));
  const [partition] = await ask([3, 0], { minBytes: 1_000_000, maxWaitMs: 500 });
  expect(partition!.records!.length).toBeGreaterThan(100);
});

test("a cold read reads a few entries of an index, not its files", async () => {
  for (let at = 0; at < 40; at++) append(logs[0]!, batch("x".repeat(100)));
  await logs[0]!.flushBefore(40);
  expect(logs[0]!.segments[0]!.sealed).toBe(true);
  reads = [];
  await ask([7], { partitionMaxBytes: 300 });
  expect(reads.filter((read) => read.endsWith("of index")).length).toBeLessThan(7);
  expect(reads.filter((read) => read.startsWith("all of"))).toEqual([]);
});

test("an offline partition is answered at once, also to a reader at its end", async () => {
  append(logs[0]!, batch("first"));
  logs[0]!.fail("testing", new Error("EIO"));
  const [partition] = await ask([1], { maxWaitMs: 500 });
  expect(partition!.errorCode).toBe(ErrorCodes.KAFKA_STORAGE_ERROR);
});

test("a fetch takes no more records than there is memory for, and waits for some", async () => {
  for (let at = 0; at < 10; at++) append(logs[0]!, batch("x".repeat(100)));
  memory.roomBytes = 500;
  const [part] = await ask([0]);
  expect(part!.records!.length).toBeGreaterThan(100);
  expect(part!.records!.length).toBeLessThanOrEqual(500);
  expect(memory.reserved).toBe(part!.records!.length);
  memory.roomBytes = 0;
  const freed = deferred();
  memory.room = () => freed.promise;
  reads = [];
  const waiting = ask([0]);
  expect((await ask([10]))[0]!.records).toHaveLength(0);
  await clock.settled();
  expect(reads).toEqual([]);
  memory.roomBytes = 10_000;
  freed.resolve();
  expect((await waiting)[0]!.records!.length).toBeGreaterThan(1000);
});
