import { beforeEach, describe, expect, test } from "vitest";
import type { PartitionLog } from "../../../../../src/broker/log/partition-log.js";
import { isControlBatch, nextOffsetOf, walkBatches } from "../../../../../src/protocol/records/record-batch.js";
import { append, batchOf, readAll } from "../../../../support/broker-log.js";
import { compactSealed } from "../../../../support/histories/compact-sealed.js";
import type { MemoryDisk } from "../../../../support/memory-disk.js";
import { diskWithFolder, endIn, openOn, produceTo } from "../../../../support/transactional-log.js";

const CONFIGS = {
  "cleanup.policy": "compact",
  "segment.bytes": "400",
  "flush.messages": "1",
  "delete.retention.ms": "1000",
};

let disk: MemoryDisk;
let log: PartitionLog;
beforeEach(() => {
  disk = diskWithFolder();
  log = openOn(disk, CONFIGS);
});

function write(producerId: number, sequence: number, key: string, value: string, epoch = 0): void {
  expect(produceTo(log, { producerId, sequence, epoch, records: [{ key, value }] }).errorCode).toBe(0);
}

/** Fills the active segment, so that everything before is sealed. */
async function seal(): Promise<void> {
  const { baseOffset } = log.segments.at(-1)!;
  while (log.segments.at(-1)!.baseOffset === baseOffset)
    append(log, batchOf([{ key: "fill", value: "x".repeat(300) }]));
  await log.settled(log.logEndOffset);
  expect(log.segments.slice(0, -1).every(({ sealed }) => sealed)).toBe(true);
}

async function clean(nowMs: number): Promise<void> {
  expect(await compactSealed(log, { nowMs })).toBe(true);
}

function left(): string[] {
  return readAll(log)
    .filter(({ key }) => key!.toString() !== "fill")
    .map(({ offset, value }) => `${offset} ${value}`);
}

function markers(): number[] {
  const offsets: number[] = [];
  for (let offset = 0; offset < log.logEndOffset; ) {
    for (const { header } of walkBatches(log.reader.read(offset, 100_000, true))) {
      offset = nextOffsetOf(header);
      if (isControlBatch(header)) offsets.push(header.baseOffset);
    }
  }
  return offsets;
}

describe("compacting a log with transactions", () => {
  test("drops the records of aborted ones, which supersede nothing, and keeps those of committed ones", async () => {
    write(7, 0, "a", "committed");
    endIn(log, 7, "COMMIT");
    write(7, 1, "a", "aborted");
    endIn(log, 7, "ABORT");
    await seal();
    await clean(0);
    expect(left()).toEqual(["0 committed"]);
  });

  test("drops a marker once no batch of its transaction is left, and a reader had delete.retention.ms to see it", async () => {
    write(7, 0, "a", "aborted");
    endIn(log, 7, "ABORT", 1);
    write(7, 0, "a", "old", 1);
    endIn(log, 7, "COMMIT", 1);
    write(7, 1, "a", "new", 1);
    endIn(log, 7, "COMMIT", 1);
    await seal();
    await clean(5000);
    expect([left(), markers()]).toEqual([["4 new"], [1, 3, 5]]);
    await clean(5999);
    expect(markers()).toEqual([1, 3, 5]);
    expect(log.reader.abortedTransactions(0, 6)).toHaveLength(1);
    await clean(6000);
    // Without its marker an aborted transaction must not be named: the reader would drop the next one.
    expect([left(), markers(), log.reader.abortedTransactions(0, 6)]).toEqual([["4 new"], [5], []]);
    disk.kill();
    log = openOn(disk, CONFIGS, { leaderEpoch: 1 });
    expect([left(), log.reader.abortedTransactions(0, 6), log.openTransactions]).toEqual([["4 new"], [], []]);
  });

  test("keeps the marker that alone tells a producer's epoch", async () => {
    write(7, 0, "a", "aborted");
    endIn(log, 7, "ABORT", 1);
    await seal();
    await clean(0);
    await clean(1000);
    expect([left(), markers()]).toEqual([[], [1]]);
  });

  test("keeps the header of a producer's last batch, and its marker, so that its sequence goes on", async () => {
    write(7, 0, "a", "aborted");
    endIn(log, 7, "ABORT");
    await seal();
    await clean(0);
    await clean(1000);
    expect([left(), markers()]).toEqual([[], [1]]);
    write(7, 1, "a", "next");
  });
});

test("the aborted transactions of sealed segments are known after a kill and after a power cut", async () => {
  write(7, 0, "a", "aborted");
  endIn(log, 7, "ABORT");
  await seal();
  write(8, 0, "b", "aborted");
  endIn(log, 8, "ABORT");
  await log.settled(log.logEndOffset);
  const before = log.reader.abortedTransactions(0, 100);
  expect(before).toHaveLength(2);
  disk.kill();
  log = openOn(disk, CONFIGS, { leaderEpoch: 1 });
  expect(log.reader.abortedTransactions(0, 100)).toEqual(before);
  disk.restart();
  log = openOn(disk, CONFIGS, { leaderEpoch: 2 });
  expect(log.reader.abortedTransactions(0, 100)).toEqual(before);
});

describe("after a start on a full disk, compaction and a crash leave no ended transaction open", () => {
  /** The snapshot at the start of the active segment knows that the transaction has ended; the one before does not. */
  async function startOnFullDisk(): Promise<void> {
    disk.broken = { call: "write", path: /index/, code: "ENOSPC" };
    write(7, 0, "a", "old".padEnd(200, "x"));
    append(log, batchOf([{ key: "fill", value: "x".repeat(300) }]));
    endIn(log, 7, "COMMIT");
    append(log, batchOf([{ key: "a", value: "new".padEnd(200, "x") }]));
    append(log, batchOf([{ key: "fill", value: "x".repeat(100) }]));
    await log.settled(log.logEndOffset);
    log.abandon();
    disk.kill();
    disk.broken = undefined;
    disk.capacityBytes = 0;
    await start(1);
    expect(log.segments.map(({ sealed }) => sealed)).toContain(false);
    disk.capacityBytes = Number.POSITIVE_INFINITY;
  }

  async function start(leaderEpoch: number): Promise<void> {
    log = openOn(disk, CONFIGS, { leaderEpoch });
    await log.forceRecovered();
  }

  /** Without the transaction's producer, its marker can be dropped. */
  async function cleanAndCrash(): Promise<void> {
    await log.tend(1e15, 1);
    const isSealed = log.segments.slice(0, -1).every(({ sealed }) => sealed);
    if (isSealed) for (const nowMs of [0, 1e15]) await clean(nowMs);
    log.abandon();
    disk.kill();
    await start(3);
    expect([log.openTransactions, log.lastStableOffset]).toEqual([[], log.logEndOffset]);
  }

  test("with a clean stop and a power cut between them", async () => {
    for (let seed = 1; seed <= 10; seed++) {
      disk = diskWithFolder(seed);
      log = openOn(disk, CONFIGS);
      await startOnFullDisk();
      await log.close();
      disk.restart();
      await start(2);
      await cleanAndCrash();
    }
  });

  test("though more is written in between", async () => {
    await startOnFullDisk();
    append(log, batchOf([{ key: "b", value: "b" }]));
    await log.settled(log.logEndOffset);
    await cleanAndCrash();
  });
});
