import { mkdirSync, mkdtempSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { deferred } from "../../../../src/base/deferred.js";
import { type LogFields, silentLogger } from "../../../../src/base/logger.js";
import { BrokerProperties } from "../../../../src/broker/broker-properties.js";
import { SealedFiles } from "../../../../src/broker/log/log-files.js";
import { PartitionLog } from "../../../../src/broker/log/partition-log.js";
import { logConfigOf } from "../../../../src/broker/topics/topic-config.js";
import { append, batchOf, openTestLog, readAll } from "../../../support/broker-log.js";

const TINY = { "segment.bytes": "400", "index.interval.bytes": "100" };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-log-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a segment whose index files could not be written gets them once the disk works again", async () => {
  const warned = deferred<LogFields>();
  const config = logConfigOf(TINY, new BrokerProperties({}));
  const clock = new SimClock();
  const log = PartitionLog.open({
    folder,
    config: () => config,
    files: new SealedFiles(),
    clock,
    logger: { ...silentLogger, warn: (_, fields = {}) => warned.resolve(fields) },
    leaderEpoch: 0,
    logStartOffset: 0,
    checkFolder: () => undefined,
  });
  const first = log.segments[0]!;
  const inTheWay = first.path.replace(".log", ".timeindex");
  mkdirSync(inTheWay);
  while (log.segments.length < 2) append(log, batchOf([{ value: "x".repeat(50) }]));
  expect(await warned.promise).toEqual({ path: first.path });
  log.tend(clock.nowMs(), 1000);
  expect(first.sealed).toBe(false);
  rmdirSync(inTheWay);
  log.tend(clock.nowMs(), 1000);
  expect(first.sealed).toBe(true);
  const offsets = readAll(log).map(({ offset }) => offset);
  log.abandon();
  const reopened = openTestLog(folder, { configs: TINY });
  expect(readAll(reopened).map(({ offset }) => offset)).toEqual(offsets);
  reopened.abandon();
});
