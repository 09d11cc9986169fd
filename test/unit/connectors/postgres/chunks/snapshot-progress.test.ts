import { expect, test } from "vitest";
import { SnapshotProgress } from "../../../../../connectors/postgres/chunks/snapshot-progress.js";
import type { Logger } from "../../../../../src/api/index.js";
import { SimClock } from "../../../../../src/base/clock.js";
import { silentLogger } from "../../../../../src/base/logger.js";

test("a snapshot's progress is rows, share, rate and time left, and its end is 100 %", async () => {
  const clock = new SimClock();
  const lines: unknown[] = [];
  const logger: Logger = { ...silentLogger, info: (message, fields) => lines.push([message, fields]) };
  const progress = new SnapshotProgress(clock, logger);
  expect(progress.gauges()).toEqual({});
  progress.begin(2, 1000);
  await clock.advance(5000);
  progress.add(100);
  expect(lines).toEqual([]);
  await clock.advance(5000);
  progress.add(150);
  const halfway = {
    snapshot_running: 1,
    snapshot_tables: 2,
    snapshot_rows: 250,
    snapshot_rows_per_second: 25,
    snapshot_rows_estimated: 1000,
    snapshot_percent: 25,
    snapshot_seconds_left: 30,
  };
  expect(progress.gauges()).toEqual(halfway);
  expect(lines).toEqual([["Snapshot in progress", halfway]]);
  progress.add(2000);
  expect(progress.gauges()).toMatchObject({ snapshot_percent: 99, snapshot_seconds_left: 0 });
  progress.end();
  expect(progress.gauges()).toMatchObject({
    snapshot_running: 0,
    snapshot_percent: 100,
    snapshot_rows_estimated: 2250,
  });
});

test("without statistics no share is claimed", () => {
  const progress = new SnapshotProgress(new SimClock(), silentLogger);
  progress.begin(1, null);
  progress.add(5);
  expect(progress.gauges()).toEqual({
    snapshot_running: 1,
    snapshot_tables: 1,
    snapshot_rows: 5,
    snapshot_rows_per_second: 0,
  });
});
