import { expect, test } from "vitest";
import { judgeUsage, type SlotUsage } from "../../../../../connectors/postgres/wal/slot-usage.js";

const MIB = 2 ** 20;
const HOUR_MS = 3_600_000;

const usage = (bytes: number, more: Partial<SlotUsage> = {}): SlotUsage => ({
  bytes,
  isActive: true,
  isLost: false,
  serverLimitBytes: null,
  ...more,
});
const judge = (first: SlotUsage, last: SlotUsage, afterMs: number, ownLimitBytes = 0) =>
  judgeUsage(
    [
      { usage: first, atMs: 0 },
      { usage: last, atMs: afterMs },
    ],
    ownLimitBytes,
  );

test("growth and the time to the limit are those since the first sample", () => {
  expect(judge(usage(100 * MIB), usage(160 * MIB), 60_000, 1000 * MIB)).toEqual({
    retention: { bytes: 160 * MIB, bytesPerSecond: MIB, limitBytes: 1000 * MIB, secondsToLimit: 840 },
    alarm: "at its limit soon",
  });
  // Nothing is known of growth yet, and a slot that is read shrinks.
  expect(judgeUsage([{ usage: usage(5), atMs: 3 }], 100).retention).toEqual({
    bytes: 5,
    bytesPerSecond: undefined,
    limitBytes: 100,
    secondsToLimit: undefined,
  });
  expect(judge(usage(9), usage(3), 1000, 100).retention).toMatchObject({
    bytesPerSecond: -6,
    secondsToLimit: undefined,
  });
});

test("the lower limit counts, and without one nothing is an alarm but a slot that is lost", () => {
  const both = judge(usage(0), usage(10, { serverLimitBytes: 50 }), 1000, 100);
  expect(both.retention.limitBytes).toBe(50);
  expect(judge(usage(0), usage(10, { serverLimitBytes: 500 }), 1000, 100).retention.limitBytes).toBe(100);
  expect(judge(usage(0), usage(10 ** 15), 1000).alarm).toBeNull();
  expect(judge(usage(0), usage(1, { isLost: true }), 1000).alarm).toBe("lost");
  // A server that keeps nothing for slots (max_slot_wal_keep_size=0).
  expect(judge(usage(0), usage(1, { serverLimitBytes: 0 }), 1000, 100).alarm).toBe("at its limit");
});

test("alarms: at the limit, at half of it, or soon if a tenth is reached", () => {
  const alarm = (bytes: number, before: number, afterMs = HOUR_MS) =>
    judge(usage(before), usage(bytes), afterMs, 1000).alarm;
  expect(alarm(1000, 1000)).toBe("at its limit");
  expect(alarm(500, 500)).toBe("at half its limit");
  expect(alarm(499, 499)).toBeNull();
  expect(alarm(499, 0, HOUR_MS / 2)).toBe("at its limit soon");
  expect(alarm(400, 0, HOUR_MS)).toBeNull();
  expect(alarm(90, 0, 1000)).toBeNull();
});
