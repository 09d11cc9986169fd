import { expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { ThreadMeter } from "../../../../src/base/metrics/thread-load.js";

test("a thread's load has its memory, its time, and the longest delay of its timers", async () => {
  const clock = new SimClock();
  const meter = new ThreadMeter(clock);
  await clock.advance(3_000);
  const load = meter.load();
  expect(load.delayMaxMs).toBe(0);
  expect(load.heapUsedBytes).toBeGreaterThan(1e6);
  expect(load.heapTotalBytes).toBeGreaterThanOrEqual(load.heapUsedBytes);
  expect(load.activeMs + load.idleMs).toBeGreaterThan(0);
});
