import { expect, test } from "vitest";
import { S3SinkTask } from "../../../../connectors/s3/s3-sink-task.js";
import { answer, MemoryStore } from "./memory-store.js";
import { PassingClock, rowRecord, SINK_PROPS, SinkDriver } from "./sink-driver.js";

const NOW_MS = Date.UTC(2024, 4, 2);
const DAY_MS = 24 * 3_600_000;

function driverOf(store: MemoryStore): SinkDriver {
  return new SinkDriver(() => new S3SinkTask(() => store), [{ topic: "orders", partition: 1 }], {
    clock: new PassingClock(NOW_MS),
    props: { ...SINK_PROPS, "s3.part.retries": "1" },
  });
}

test("uploads that a killed task began more than a day ago are aborted, of the opened partitions only", async () => {
  const store = new MemoryStore();
  const add = (id: string, key: string, startedMs: number) =>
    store.uploads.set(id, { key, parts: new Map(), startedMs });
  add("old", "topics/orders/partition=1/orders+1+0000000000.json", NOW_MS - DAY_MS - 1);
  add("old-elsewhere", "topics/orders/country=de/orders+1+0000000009.json", NOW_MS - 2 * DAY_MS);
  add("recent", "topics/orders/partition=1/orders+1+0000000003.json", NOW_MS - DAY_MS);
  add("another-partition", "topics/orders/partition=11/orders+11+0000000000.json", 0);
  add("another-topic", "topics/orders+1+/partition=1/orders+1++1+0000000000.json", 0);
  add("another-folder", "backup/orders/partition=1/orders+1+0000000000.json", 0);
  await driverOf(store).start();
  expect([...store.uploads.keys()]).toEqual(["recent", "another-partition", "another-topic", "another-folder"]);
});

test("credentials that may not list uploads do not keep the task from working", async () => {
  const store = new MemoryStore();
  store.listUploads = () => Promise.reject(answer(403, "AccessDenied"));
  const driver = driverOf(store);
  await driver.start();
  for (let offset = 0; offset < 3; offset++) driver.append(rowRecord(offset, { partition: 1 }));
  await driver.deliverAll();
  await driver.commit();
  expect(store.keys()).toHaveLength(1);
});
