import { expect, test } from "vitest";
import { S3SinkTask } from "../../../../connectors/s3/s3-sink-task.js";
import type { Props } from "../../../../src/api/index.js";
import { MemoryStore } from "./memory-store.js";
import { rowRecord, SINK_PROPS, SinkDriver } from "./sink-driver.js";

const FILL = "x".repeat(2_000_000);
const AT = (count: number) => Array.from({ length: count }, (_, offset) => `0:${offset}`);

async function started(store: MemoryStore, props: Props): Promise<SinkDriver> {
  const driver = new SinkDriver(() => new S3SinkTask(() => store), [{ topic: "orders", partition: 0 }], {
    props: { ...SINK_PROPS, "s3.part.size": "5242880", ...props },
  });
  await driver.start();
  return driver;
}

function append(driver: SinkDriver, from: number, to: number): void {
  for (let offset = from; offset < to; offset++) driver.append(rowRecord(offset, { fill: FILL }));
}

const modes: [string, Props][] = [
  ["rotation by records", {}],
  ["scheduled rotation", { "rotate.schedule.interval.ms": "3600000", timezone: "UTC" }],
];

// As a bucket's rule AbortIncompleteMultipartUpload does, or another task's clean-up of orphans.
test.each(modes)("an upload that is aborted between two parts is written again: %s", async (_name, props) => {
  const store = new MemoryStore();
  const driver = await started(store, { "flush.size": "8", ...props });
  append(driver, 0, 3);
  await driver.deliverAll();
  expect(store.requests.filter((request) => request.startsWith("UploadPart topics/orders"))).toHaveLength(1);
  store.uploads.clear();
  append(driver, 3, 8);
  await driver.deliverAll();
  await driver.commit();
  await driver.deliver(0);
  await driver.commit();
  expect(store.places()).toEqual(AT(8));
  expect(driver.committed.get("orders-0")).toBe(8);
});

test("an upload that is aborted before its last part is written again, after the files before it", async () => {
  const store = new MemoryStore();
  const driver = await started(store, { "flush.size": "4" });
  append(driver, 0, 7);
  await driver.deliverAll();
  await driver.commit();
  expect(driver.committed.get("orders-0")).toBe(4);
  store.uploads.clear();
  append(driver, 7, 8);
  await driver.deliverAll();
  await driver.commit();
  await driver.deliverAll();
  await driver.commit();
  expect(store.places()).toEqual(AT(8));
  expect(driver.committed.get("orders-0")).toBe(8);
});
