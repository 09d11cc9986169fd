import { expect, test } from "vitest";
import { makeFolderDurably } from "../../../../src/base/files/durable-files.js";
import { SeededRandom } from "../../../../src/base/random.js";
import { appendProduced } from "../../../../src/broker/log/append-produced.js";
import type { PartitionLog } from "../../../../src/broker/log/partition-log.js";
import { batchOf, openServedLog, readAll } from "../../../support/broker-log.js";
import { runCompactionHistory } from "../../../support/histories/compaction-history.js";
import { runLogHistory } from "../../../support/histories/log-history.js";
import { runTopicHistory } from "../../../support/histories/topic-history.js";
import { runTransactionHistory } from "../../../support/histories/transaction-history.js";
import { MemoryDisk } from "../../../support/memory-disk.js";

test("after power cuts, kills and a failing disk every acknowledged record is there once and in order (I10)", async () => {
  for (let seed = 1; seed <= 30; seed++) await runLogHistory(seed);
});

test("compactions that are cut anywhere keep the newest acknowledged record of every key (I10)", async () => {
  for (let seed = 30; seed < 50; seed++) await runCompactionHistory(seed);
});

test("topics that are created, configured, shortened and deleted on a failing disk are what was acknowledged (I10)", async () => {
  for (let seed = 1; seed <= 8; seed++) await runTopicHistory(seed);
});

test("readers of committed records see those and no others, over aborts, compactions and crashes (I10)", async () => {
  // The seeds that have found faults, and a few more.
  for (const seed of [329, 442, 464, 2445, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) await runTransactionHistory(seed);
  for (let seed = 12; seed < 24; seed++) await runTransactionHistory(seed, true);
});

test("a power cut that takes the name of the first segment, and not the second's, makes no duplicates of what is gone", async () => {
  for (let seed = 1; seed <= 50; seed++) {
    const disk = new MemoryDisk(new SeededRandom(seed), "by name");
    makeFolderDurably(disk, "/data/t-0");
    const options = { disk, configs: { "segment.bytes": "100" } };
    const batch = (value: string, baseSequence: number) =>
      batchOf([{ value }], { producerId: 1, producerEpoch: 0, baseSequence });
    const send = (log: PartitionLog, value: string, sequence: number) =>
      appendProduced(log, batch(value, sequence), { nowMs: 1_700_000_000_000, apiVersion: 9 }, "t-0").errorCode;
    const before = await openServedLog("/data/t-0", options);
    expect([send(before, "a", 0), send(before, "b", 1)]).toEqual([0, 0]);
    expect(before.segments).toHaveLength(2);
    before.abandon();
    disk.restart();

    const after = await openServedLog("/data/t-0", { ...options, leaderEpoch: 1 });
    expect([send(after, "a", 0), send(after, "b", 1)]).toEqual([0, 0]);
    await after.settled(after.logEndOffset);
    expect(
      readAll(after).map(({ value }) => value?.toString()),
      `seed ${seed}`,
    ).toEqual(["a", "b"]);
    after.abandon();
  }
});
