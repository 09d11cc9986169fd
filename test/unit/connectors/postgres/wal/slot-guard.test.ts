import { expect, test } from "vitest";
import { alarmFigures, type RaisedAlarm, SlotGuard } from "../../../../../connectors/postgres/wal/slot-guard.js";
import type { SlotUsage } from "../../../../../connectors/postgres/wal/slot-usage.js";
import type { SourceRetention } from "../../../../../src/api/index.js";
import { SimClock } from "../../../../../src/base/clock.js";
import { silentLogger } from "../../../../../src/base/logger.js";

class Scene {
  readonly clock = new SimClock();
  readonly warnings: string[] = [];
  readonly alarms: RaisedAlarm[] = [];
  readonly reports: (SourceRetention | null)[] = [];
  answer: SlotUsage | undefined | Error;
  reads = 0;
  readonly guard = new SlotGuard({
    slotName: "shop",
    intervalMs: 60_000,
    limitBytes: 1000,
    read: async () => {
      this.reads++;
      if (this.answer instanceof Error) throw this.answer;
      return this.answer;
    },
    report: (retention) => void this.reports.push(retention),
    clock: this.clock,
    raise: (raised) => void this.alarms.push(raised),
    logger: { ...silentLogger, warn: (message) => void this.warnings.push(message) },
  });

  async look(answer: SlotUsage | undefined | Error): Promise<void> {
    this.answer = answer;
    await this.clock.advance(60_000);
  }
}

const usage = (bytes: number, more: Partial<SlotUsage> = {}): SlotUsage => ({
  bytes,
  isActive: false,
  isLost: false,
  serverLimitBytes: null,
  ...more,
});

test("reports each look, and warns of an alarm once, and again after ten minutes", async () => {
  const scene = new Scene();
  scene.guard.start();
  await scene.look(undefined);
  await scene.look(usage(100));
  await scene.look(usage(500));
  expect(scene.reports).toEqual([
    null,
    { bytes: 100, bytesPerSecond: undefined, limitBytes: 1000, secondsToLimit: undefined },
    { bytes: 500, bytesPerSecond: 400 / 60, limitBytes: 1000, secondsToLimit: 75 },
  ]);
  expect(scene.alarms).toHaveLength(1);
  expect(scene.alarms[0]!.alarm).toBe("at half its limit");
  expect(alarmFigures(scene.alarms[0]!)).toEqual({
    isRead: false,
    bytes: 500,
    limitBytes: 1000,
    bytesPerSecond: 7,
    secondsToLimit: 75,
  });
  for (let minute = 0; minute < 9; minute++) await scene.look(usage(500));
  expect(scene.alarms).toHaveLength(1);
  await scene.look(usage(500));
  expect(scene.alarms).toHaveLength(2);
  // Another alarm comes at once; so does the same one after all was well.
  await scene.look(usage(1000));
  await scene.look(usage(10));
  await scene.look(usage(1000));
  await scene.look(usage(1000, { isLost: true }));
  expect(scene.alarms.slice(2).map(({ alarm }) => alarm)).toEqual(["at its limit", "at its limit", "lost"]);
  expect(scene.warnings).toEqual([]);
});

test("what cannot be seen is unknown, warned of once, and tried again until the end", async () => {
  const scene = new Scene();
  scene.guard.start();
  await scene.look(new Error("away"));
  await scene.look(new Error("away"));
  expect(scene.reports).toEqual([null, null]);
  expect(scene.warnings).toEqual(["The replication slot cannot be watched, which is tried again"]);
  await scene.look(usage(1));
  await scene.look(new Error("away"));
  expect(scene.warnings).toHaveLength(2);
  scene.guard.stop();
  await scene.look(usage(1));
  expect(scene.reads).toBe(4);
});
