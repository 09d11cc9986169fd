import { expect, test } from "vitest";
import { S3SinkTask } from "../../../../connectors/s3/s3-sink-task.js";
import type { Props } from "../../../../src/api/index.js";
import { answer, MemoryStore } from "./memory-store.js";
import { rowRecord, SINK_PROPS, SinkDriver } from "./sink-driver.js";

const TAGGED = { "s3.object.tagging": "true", "s3.object.tagging.key.value.pairs": "team:lake, source:kafka:orders" };
const KEY = "topics/orders/partition=0/orders+0+0000000010.json";
const TAGS = { startOffset: "10", endOffset: "14", recordCount: "3", team: "lake", source: "kafka:orders" };

async function started(store: MemoryStore, props: Props = {}): Promise<SinkDriver> {
  const driver = new SinkDriver(() => new S3SinkTask(() => store), [{ topic: "orders", partition: 0 }], {
    props: { ...SINK_PROPS, "s3.part.retries": "1", ...TAGGED, ...props },
  });
  await driver.start();
  for (const offset of [10, 12, 14]) driver.append(rowRecord(offset));
  return driver;
}

test("objects are tagged with their offsets, their count, and the given pairs", async () => {
  const store = new MemoryStore();
  const driver = await started(store);
  await driver.deliverAll();
  await driver.commit();
  expect(Object.fromEntries(store.tags)).toEqual({ [KEY]: TAGS });
  expect(driver.committed.get("orders-0")).toBe(15);
});

test("without the key no request for tags is sent", async () => {
  const store = new MemoryStore();
  const driver = await started(store, { "s3.object.tagging": "false" });
  await driver.deliverAll();
  await driver.commit();
  expect(store.requests.filter((request) => request.startsWith("PutObjectTagging"))).toEqual([]);
});

test("an object whose stored answer was lost is tagged, too", async () => {
  const store = new MemoryStore();
  const driver = await started(store);
  store.faults = ["applied-but-lost"];
  await driver.deliver(3);
  await driver.commit();
  expect(driver.committed.size).toBe(0);
  await driver.task.put([]);
  expect(Object.fromEntries(store.tags)).toEqual({ [KEY]: TAGS });
});

test.each([
  ["ignore", 15],
  ["fail", undefined],
])("a store that is busy is waited for only if tags are required (%s)", async (behaviour, committed) => {
  const store = new MemoryStore();
  const driver = await started(store, { "s3.object.behavior.on.tagging.error": behaviour });
  store.faults = [undefined, "busy"];
  await driver.deliver(3);
  await driver.commit();
  expect(driver.committed.get("orders-0")).toBe(committed);
  await driver.task.put([]).catch(() => undefined);
  await driver.deliverAll();
  await driver.commit();
  expect(driver.committed.get("orders-0")).toBe(15);
  expect(store.tags.size).toBe(behaviour === "fail" ? 1 : 0);
});

test("a refusal fails the task only if tags are required", async () => {
  for (const behaviour of ["ignore", "FAIL"]) {
    const store = new MemoryStore();
    store.tagObject = () => Promise.reject(answer(403, "AccessDenied"));
    const driver = await started(store, { "s3.object.behavior.on.tagging.error": behaviour });
    await driver.deliver(3);
    await driver.commit();
    const next = driver.task.put([]);
    if (behaviour === "ignore") await next;
    else await expect(next).rejects.toThrow(/tagging object .*AccessDenied.*s3:PutObjectTagging/);
  }
});

test("more pairs than an object takes are refused", async () => {
  const pairs = Array.from({ length: 8 }, (_, at) => `k${at}:v`).join();
  await expect(started(new MemoryStore(), { "s3.object.tagging.key.value.pairs": pairs })).rejects.toThrow(/ten tags/);
});
