import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { offsetForTime } from "../../../../src/broker/log/offset-lookup.js";
import { append, batchOf, openTestLog, readAll } from "../../../support/broker-log.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-log-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const files = (suffix: string) => readdirSync(folder).filter((name) => name.endsWith(suffix));

describe("retention", () => {
  const configs = { "segment.bytes": "300", "retention.ms": "1000" };

  test("deletes old segments and moves the start; the rest is served, also after a restart", async () => {
    const clock = new SimClock();
    const log = openTestLog(folder, { configs, clock });
    for (let at = 0; at < 10; at++) {
      append(log, batchOf([{ value: `${at} ${"x".repeat(200)}`, timestampMs: clock.nowMs() }]));
      await clock.advance(200);
    }
    expect(await log.applyRetention(clock.nowMs())).toBe(5);
    expect(log.logStartOffset).toBe(5);
    expect(readAll(log).map(({ offset }) => offset)).toEqual([5, 6, 7, 8, 9]);
    expect(files(".log")).toHaveLength(5);
    log.abandon();
    const again = openTestLog(folder, { configs, clock });
    expect([again.logStartOffset, again.logEndOffset]).toEqual([5, 10]);
    again.abandon();
  });

  test("empties an idle log completely, and offsets continue", async () => {
    const clock = new SimClock();
    let log = openTestLog(folder, { configs, clock });
    for (let at = 0; at < 3; at++) append(log, batchOf([{ value: "v", timestampMs: clock.nowMs() }]));
    await clock.advance(1001);
    expect(await log.applyRetention(clock.nowMs())).toBe(1);
    expect([log.logStartOffset, log.logEndOffset, log.sizeBytes]).toEqual([3, 3, 0]);
    log.abandon();
    log = openTestLog(folder, { configs, clock });
    expect(append(log, batchOf([{ value: "next", timestampMs: clock.nowMs() }]))).toBe(3);
    await log.close();
  });

  test("by size keeps the newest segments", async () => {
    const log = openTestLog(folder, {
      configs: { "segment.bytes": "300", "retention.bytes": "600", "retention.ms": "-1" },
    });
    for (let at = 0; at < 10; at++) append(log, batchOf([{ value: "x".repeat(200) }]));
    await log.applyRetention(0);
    expect(log.sizeBytes).toBeGreaterThanOrEqual(600);
    expect(log.sizeBytes).toBeLessThan(900);
    log.abandon();
  });

  test("removes only whole segments of records deleted by request", async () => {
    const log = openTestLog(folder, { configs: { "segment.bytes": "300" } });
    for (let at = 0; at < 6; at++) append(log, batchOf([{ value: "x".repeat(100) }]));
    log.raiseStart(3);
    await log.applyRetention(0);
    expect(log.logStartOffset).toBe(3);
    expect(readAll(log).map(({ offset }) => offset)).toEqual([3, 4, 5]);
    expect(offsetForTime(log, 0, log.highWatermark).offset).toBe(3);
    log.abandon();
  });
});

test("a log with more segments than may be open at once is read completely", async () => {
  const log = openTestLog(folder, { configs: { "segment.bytes": "70" } });
  for (let at = 0; at < 300; at++) append(log, batchOf([{ value: `${at}`, timestampMs: at }]));
  await log.close();
  const again = openTestLog(folder, { configs: { "segment.bytes": "70" } });
  expect(again.segments.length).toBe(300);
  expect(readAll(again).map(({ value }) => Number(value!.toString()))).toEqual(
    Array.from({ length: 300 }, (_, at) => at),
  );
  for (const time of [0, 17, 255, 299]) expect(offsetForTime(again, time, again.highWatermark).offset).toBe(time);
  again.abandon();
});

test("records are forced to disk according to flush.messages and flush.ms, and stay readable", async () => {
  const clock = new SimClock();
  const log = openTestLog(folder, { configs: { "flush.messages": "2", "flush.ms": "100" }, clock });
  for (let at = 0; at < 5; at++) append(log, batchOf([{ value: `${at}` }]));
  await log.settled(4);
  await clock.advance(100);
  await log.tend(clock.nowMs(), 1000);
  expect(readAll(log)).toHaveLength(5);
  await log.close();
});
