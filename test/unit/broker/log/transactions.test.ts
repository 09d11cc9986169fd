import { describe, expect, test } from "vitest";
import { deferred } from "../../../../src/base/deferred.js";
import type { PartitionLog } from "../../../../src/broker/log/partition-log.js";
import { ErrorCodes, type ErrorName } from "../../../../src/protocol/error-codes.js";
import { checkCrc, isLogAppendTime, readBatchHeader } from "../../../../src/protocol/records/record-batch.js";
import { diskWithFolder, endIn as end, openOn as opened, produceTo } from "../../../support/transactional-log.js";

const DURABLE = { "flush.messages": "1" };

function produce(log: PartitionLog, producerId: number, sequence: number, allows: ErrorName = "NONE") {
  return produceTo(log, { producerId, sequence, allows });
}

describe("a transaction in one partition", () => {
  test("begins only if the coordinator allows it, and holds back the last stable offset until it ends", () => {
    const log = opened(diskWithFolder());
    expect(produce(log, 7, 0, "INVALID_TXN_STATE").errorCode).toBe(ErrorCodes.INVALID_TXN_STATE);
    expect(log.logEndOffset).toBe(0);
    expect(produce(log, 7, 0)).toMatchObject({ errorCode: 0, baseOffset: 0 });
    // The coordinator may have begun to end it.
    expect(produce(log, 7, 1, "INVALID_TXN_STATE").errorCode).toBe(ErrorCodes.INVALID_TXN_STATE);
    expect(produce(log, 7, 1)).toMatchObject({ errorCode: 0, baseOffset: 1 });
    expect([log.highWatermark, log.lastStableOffset]).toEqual([2, 0]);
    expect(log.openTransactions).toEqual([{ producerId: 7, firstOffset: 0 }]);
    expect(end(log, 7, "COMMIT")).toBe(2);
    expect([log.highWatermark, log.lastStableOffset]).toEqual([3, 3]);
    expect(log.openTransactions).toEqual([]);
  });

  test("ends for readers once its marker is on disk, not before", async () => {
    const disk = diskWithFolder();
    const log = opened(disk, DURABLE);
    produce(log, 7, 0);
    await log.settled(1);
    const gate = deferred();
    disk.gate = gate.promise;
    const offset = end(log, 7, "ABORT");
    expect([log.lastStableOffset, log.durableEnd, log.logEndOffset]).toEqual([0, 1, 2]);
    gate.resolve();
    await log.settled(offset + 1);
    expect([log.lastStableOffset, log.durableEnd]).toEqual([2, 2]);
  });

  test("ends though the disk cannot tell how many bytes that makes readable", async () => {
    const disk = diskWithFolder();
    const log = opened(disk, { "segment.bytes": "400" });
    produce(log, 7, 0);
    for (let sequence = 0; log.segments.length < 3; sequence++)
      produceTo(log, { producerId: 8, sequence, isTransactional: false });
    await log.flushBefore(log.logEndOffset);
    expect(log.segments[0]!.sealed).toBe(true);
    let wokenBytes = 0;
    log.watch("read_committed", (bytes) => {
      wokenBytes += bytes;
    });
    disk.open = () => {
      throw Object.assign(new Error("EIO"), { code: "EIO" });
    };
    expect(end(log, 7, "COMMIT")).toBe(log.logEndOffset - 1);
    expect([log.lastStableOffset, wokenBytes > 0]).toEqual([log.logEndOffset, true]);
  });

  test("has a marker of the topic's own timestamp type, as in Kafka", () => {
    for (const type of ["CreateTime", "LogAppendTime"]) {
      const log = opened(diskWithFolder(), { "message.timestamp.type": type });
      end(log, 7, "COMMIT");
      const marker = log.reader.read(0, 1000, true);
      const header = readBatchHeader(marker);
      expect([isLogAppendTime(header), checkCrc(marker, header)]).toEqual([type === "LogAppendTime", true]);
    }
  });

  test("that is aborted is named to readers of its range", () => {
    const log = opened(diskWithFolder());
    produce(log, 7, 0);
    produce(log, 8, 0);
    end(log, 7, "ABORT");
    end(log, 8, "COMMIT");
    const aborted = { producerId: 7, firstOffset: 0, lastOffset: 2, lastStableOffset: 1 };
    expect(log.reader.abortedTransactions(0, 4)).toEqual([aborted]);
    expect(log.reader.abortedTransactions(1, 2)).toEqual([aborted]);
    expect(log.reader.abortedTransactions(3, 4)).toEqual([]);
  });

  test("wakes readers of committed records when it ends, with the bytes that became readable", () => {
    const log = opened(diskWithFolder());
    const woken: number[] = [];
    log.watch("read_committed", (bytes) => void woken.push(bytes));
    produce(log, 7, 0);
    produce(log, 8, 0);
    const first = log.sizeBytes / 2;
    expect(woken).toEqual([]);
    end(log, 7, "COMMIT");
    expect(woken).toEqual([first]);
    end(log, 8, "COMMIT");
    expect(woken).toEqual([first, log.sizeBytes - first]);
    expect(log.reader.read(0, 1000, true, log.endFor("read_committed"))).toHaveLength(log.sizeBytes);
  });

  test("whose first records are deleted no longer holds readers back before the log's start", () => {
    const log = opened(diskWithFolder());
    produce(log, 7, 0);
    produce(log, 7, 1);
    produce(log, 8, 0);
    let woken = 0;
    log.watch("read_committed", (bytes) => {
      woken += bytes;
    });
    log.raiseStart(2);
    expect([log.lastStableOffset, woken > 0]).toEqual([2, true]);
    expect(log.openTransactions).toHaveLength(2);
  });

  test("takes no marker and no batch of an older epoch", () => {
    const log = opened(diskWithFolder());
    produce(log, 7, 0);
    end(log, 7, "ABORT", 1);
    expect(() => end(log, 7, "COMMIT")).toThrow(
      expect.objectContaining({
        code: ErrorCodes.INVALID_PRODUCER_EPOCH,
        message: expect.stringContaining("producer 7"),
      }),
    );
    expect(produce(log, 7, 1).errorCode).toBe(ErrorCodes.INVALID_PRODUCER_EPOCH);
    expect(log.logEndOffset).toBe(2);
  });

  test("is the same after a clean stop, and after a kill", async () => {
    const disk = diskWithFolder();
    let log = opened(disk);
    produce(log, 7, 0);
    produce(log, 8, 0);
    end(log, 8, "ABORT");
    const before = [log.openTransactions, log.lastStableOffset, [...log.producers.entries()]];
    log.abandon();
    disk.kill();
    for (const epoch of [1, 2]) {
      log = opened(disk, {}, { leaderEpoch: epoch });
      expect([log.openTransactions, log.lastStableOffset, [...log.producers.entries()]]).toEqual(before);
      await log.close();
    }
  });
});
