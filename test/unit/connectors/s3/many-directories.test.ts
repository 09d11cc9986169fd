import { readdirSync, readlinkSync } from "node:fs";
import { expect, test } from "vitest";
import { S3SinkTask } from "../../../../connectors/s3/s3-sink-task.js";
import { MemoryStore } from "./memory-store.js";
import { PassingClock, rowRecord, SINK_PROPS, SinkDriver } from "./sink-driver.js";

const MIB = 1024 * 1024;
const START_MS = Date.UTC(2024, 0, 1);
const HOUR_MS = 3_600_000;
const DIRECTORIES = 2000;
const ROUNDS = 12;

/** Temporary files of sinks that this process holds open; undefined where the system does not tell. */
function temporaryFiles(): number | undefined {
  if (process.platform !== "linux") return undefined;
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes("millrace-s3-");
    } catch {
      return false; // closed meanwhile, such as the listing's own
    }
  }).length;
}

test.each(["none", "gzip"])("2,000 open directories hold little memory and few files (%s)", async (compression) => {
  const store = new MemoryStore();
  const task = new S3SinkTask(() => store);
  const driver = new SinkDriver(() => task, [{ topic: "orders", partition: 0 }], {
    clock: new PassingClock(START_MS),
    props: {
      ...SINK_PROPS,
      "flush.size": String(DIRECTORIES * ROUNDS),
      "s3.compression.type": compression,
      "partitioner.class": "io.confluent.connect.storage.partitioner.HourlyPartitioner",
      "timestamp.extractor": "Record",
      locale: "en",
      timezone: "UTC",
    },
  });
  await driver.start();
  const fill = "x".repeat(600);
  for (let offset = 0; offset < DIRECTORIES * ROUNDS; offset++)
    driver.append(rowRecord(offset, { fill, timestampMs: START_MS + (offset % DIRECTORIES) * HOUR_MS }));
  let mostFiles = 0;
  for (let put = 0; put < ROUNDS; put++) {
    await driver.deliver(DIRECTORIES);
    expect(task.memory.heldBytes).toBeLessThanOrEqual(8 * MIB);
    mostFiles = Math.max(mostFiles, temporaryFiles() ?? 0);
  }
  await driver.commit();
  expect(driver.committed.get("orders-0")).toBe(DIRECTORIES * ROUNDS);
  // Within a batch every file may take its next chunk, twice the size of its last.
  expect(task.memory.peakBytes).toBeLessThan(2 * 8 * MIB);
  expect(mostFiles).toBeLessThanOrEqual(1);
  expect(store.keys()).toHaveLength(DIRECTORIES);
  expect(new Set(store.places()).size).toBe(DIRECTORIES * ROUNDS);
});
