import { expect, test } from "vitest";
import type { SpillFile } from "../../../../connectors/s3/object/spill-file.js";
import { S3SinkTask } from "../../../../connectors/s3/s3-sink-task.js";
import { MemoryStore } from "./memory-store.js";
import { PassingClock, rowRecord, SINK_PROPS, SinkDriver } from "./sink-driver.js";

const START_MS = Date.UTC(2024, 4, 1, 12);
const HOUR_MS = 3_600_000;
const DAY = "topics/orders/year=2024/month=05/day=01";
const PROPS = {
  ...SINK_PROPS,
  "rotate.schedule.interval.ms": "60000",
  timezone: "UTC",
  locale: "en",
  "partitioner.class": "io.confluent.connect.storage.partitioner.HourlyPartitioner",
  "timestamp.extractor": "Record",
};

function keyOf(hour: number, offset: number): string {
  return `${DAY}/hour=${hour}/orders+0+${String(offset).padStart(10, "0")}.json`;
}

function rows(...offsets: number[]): Buffer {
  return Buffer.from(offsets.map((offset) => `{"at":"0:${offset}"}\n`).join(""));
}

/** A store, a clock, and a driver of one partition whose records, in order of offsets, fall into `hours`. */
async function setUp(flushSize: number, hours: readonly number[]) {
  const store = new MemoryStore();
  const clock = new PassingClock(START_MS);
  const createTask = () => new S3SinkTask(() => store);
  const props = { ...PROPS, "flush.size": String(flushSize) };
  const driver = new SinkDriver(createTask, [{ topic: "orders", partition: 0 }], { clock, props });
  hours.forEach((hour, offset) => {
    driver.append(rowRecord(offset, { timestampMs: START_MS + hour * HOUR_MS }));
  });
  await driver.start();
  return { store, clock, driver };
}

test("a rewind reaches the first record since the last rotation, including those received during its upload", async () => {
  const { store, clock, driver } = await setUp(3, [0, 0, 0, 0, 0, 0, 0, 0]);
  await driver.deliver(5);
  await driver.commit();
  expect(driver.committed.get("orders-0")).toBe(3);
  // Another worker, still running, finishes its own file that starts at 3, with one record.
  store.objects.set(keyOf(12, 3), rows(3));
  await driver.deliver(1);
  await driver.commit();
  await driver.deliverAll();
  clock.ms += 60_000;
  await driver.deliver(0);
  await driver.commit();
  expect(store.rows()).toEqual(
    new Map([
      [keyOf(12, 0), ['{"at":"0:0"}', '{"at":"0:1"}', '{"at":"0:2"}']],
      [keyOf(12, 3), ['{"at":"0:3"}']],
      [keyOf(12, 4), ['{"at":"0:4"}', '{"at":"0:5"}', '{"at":"0:6"}']],
      [keyOf(12, 7), ['{"at":"0:7"}']],
    ]),
  );
  expect(driver.committed.get("orders-0")).toBe(8);
});

test("no offset is committed inside an object of an earlier run that is only partly compared", async () => {
  const { store, clock, driver } = await setUp(1000, [0, 1, 1, 0, 1]);
  store.objects.set(keyOf(12, 0), rows(0, 3));
  await driver.deliver(3);
  clock.ms += 60_000;
  await driver.deliver(0);
  await driver.commit();
  expect(store.keys()).toEqual([keyOf(12, 0), keyOf(13, 1)]);
  expect(driver.committed.get("orders-0") ?? 0).toBe(0);
  // A crash: the next run starts at the committed offset.
  await driver.start();
  await driver.deliverAll();
  clock.ms += 60_000;
  await driver.deliver(0);
  await driver.commit();
  expect(store.places().sort()).toEqual(["0:0", "0:1", "0:2", "0:3", "0:4"]);
  expect(driver.committed.get("orders-0")).toBe(5);
});

test("the search for objects of earlier runs ends with one request per directory and run", async () => {
  const { store, driver } = await setUp(2, [0, 0, 0, 0, 1, 1]);
  await driver.deliverAll();
  await driver.commit();
  expect(store.requests.filter((request) => request.startsWith("GetObject"))).toEqual([
    `GetObject ${keyOf(12, 0)}`,
    `GetObject ${keyOf(13, 4)}`,
  ]);
});

test("a refused record is reported and skipped, and the first good one opens the file", async () => {
  const store = new MemoryStore();
  const driver = new SinkDriver(() => new S3SinkTask(() => store), [{ topic: "orders", partition: 0 }], {
    tolerant: true,
    props: {
      ...SINK_PROPS,
      "partitioner.class": PROPS["partitioner.class"],
      locale: "en",
      timezone: "UTC",
      "timestamp.extractor": "RecordField",
      "timestamp.field": "when",
    },
  });
  await driver.start();
  driver.append(rowRecord(0));
  for (let offset = 1; offset < 4; offset++) {
    const record = rowRecord(offset);
    (record.value as Map<string, number>).set("when", START_MS);
    driver.append(record);
  }
  driver.append(rowRecord(4));
  await driver.deliverAll();
  await driver.commit();
  expect(store.keys()).toEqual([keyOf(12, 1)]);
  expect(driver.reported.map(({ offset }) => offset)).toEqual([0, 4]);
  expect(driver.reported[0]?.message).toMatch(/field when \(timestamp\.field\)/);
  expect(driver.committed.get("orders-0")).toBe(5);
});

test("a recreated topic is read as new: its records are not mistaken for known ones", async () => {
  const { store, driver } = await setUp(2, [0, 0, 0]);
  await driver.deliverAll();
  await driver.commit();
  expect(driver.committed.get("orders-0")).toBe(2);
  const log = driver.logs.get("orders-0")!;
  log.length = 0;
  const anew = (offset: number) => rowRecord(offset, { timestampMs: START_MS + HOUR_MS });
  await driver.task.put([anew(0), anew(1)]);
  await driver.commit();
  expect(store.keys()).toEqual([keyOf(12, 0), keyOf(12, 2), keyOf(13, 0)]);
});

test("a recreated topic is read as new also if the store fails while its predecessor's files are finished", async () => {
  const { store, driver } = await setUp(2, [0, 0, 0]);
  await driver.deliverAll();
  store.refuses = (key) => key.endsWith("+0000000002.json");
  const anew = [0, 1].map((offset) => rowRecord(offset, { timestampMs: START_MS + HOUR_MS }));
  await expect(driver.task.put(anew)).rejects.toMatchObject({ code: "S3_UNAVAILABLE" });
  store.refuses = () => false;
  await driver.task.put(anew);
  await driver.commit();
  expect(store.keys()).toEqual([keyOf(12, 0), keyOf(12, 2), keyOf(13, 0)]);
});

/** A temporary folder without room. */
const FULL: SpillFile = {
  length: 0,
  append: () => Promise.reject(new Error("ENOSPC: no space left on device")),
  read: async function* () {},
  drop: () => undefined,
  close: async () => undefined,
};

test("the task waits for a full temporary folder: no record is lost or duplicated", async () => {
  const store = new MemoryStore();
  const createTask = () =>
    new S3SinkTask(
      () => store,
      () => ({ ...FULL }),
    );
  const props = { ...SINK_PROPS, "flush.size": "30", "s3.buffer.memory.bytes": "1048576" };
  const driver = new SinkDriver(createTask, [{ topic: "orders", partition: 0 }], { props });
  await driver.start();
  for (let offset = 0; offset < 30; offset++) driver.append(rowRecord(offset, { fill: "x".repeat(100_000) }));
  expect(await driver.deliver(20)).toBe("retry");
  await expect(driver.task.put([])).rejects.toThrow(/temporary folder .* ENOSPC.*s3\.buffer\.memory\.bytes/);
  // The redelivered batch and the records after it finish the file.
  await driver.task.put(driver.logs.get("orders-0")!);
  await driver.commit();
  expect(store.places()).toEqual(Array.from({ length: 30 }, (_, offset) => `0:${offset}`));
});

test("while one partition's batch is retried, others commit what they finished before it, and no more", async () => {
  const store = new MemoryStore();
  const partitions = [0, 1].map((partition) => ({ topic: "orders", partition }));
  const props = { ...SINK_PROPS, "flush.size": "2", "s3.part.retries": "1" };
  const driver = new SinkDriver(() => new S3SinkTask(() => store), partitions, { props });
  await driver.start();
  for (let offset = 0; offset < 3; offset++) driver.append(rowRecord(offset));
  // Three objects of partition 0, the last two from the batch that is delivered again for partition 1.
  await driver.deliver(3);
  for (let offset = 3; offset < 7; offset++) driver.append(rowRecord(offset));
  for (let offset = 0; offset < 5; offset++) driver.append(rowRecord(offset, { partition: 1 }));
  store.refuses = (key) => key.includes("orders+1+");
  expect(await driver.deliver(10)).toBe("retry");
  for (let again = 0; again < 2; again++) {
    await driver.commit();
    expect(Object.fromEntries(driver.committed)).toEqual({ "orders-0": 2 });
    expect(store.keys().filter((key) => key.includes("orders+0+"))).toHaveLength(3);
    expect(await driver.deliver(10)).toBe("retry");
  }
  store.refuses = () => false;
  await driver.deliverAll();
  await driver.commit();
  expect(Object.fromEntries(driver.committed)).toEqual({ "orders-0": 6, "orders-1": 4 });
  expect(new Set(store.places()).size).toBe(store.places().length);
});

test("an idle partition whose whole batch is finished keeps its boundary while another one's batch is retried", async () => {
  const store = new MemoryStore();
  const partitions = [0, 1].map((partition) => ({ topic: "orders", partition }));
  const props = { ...SINK_PROPS, "flush.size": "2", "s3.part.retries": "1" };
  const driver = new SinkDriver(() => new S3SinkTask(() => store), partitions, { props });
  await driver.start();
  for (let offset = 0; offset < 2; offset++) driver.append(rowRecord(offset));
  await driver.deliver(2);
  for (let offset = 2; offset < 6; offset++) driver.append(rowRecord(offset));
  for (let offset = 0; offset < 5; offset++) driver.append(rowRecord(offset, { partition: 1 }));
  store.refuses = (key) => key.includes("orders+1+");
  expect(await driver.deliver(10)).toBe("retry");
  await driver.commit();
  expect(Object.fromEntries(driver.committed)).toEqual({ "orders-0": 2 });
  expect(store.keys().filter((key) => key.includes("orders+0+"))).toHaveLength(3);
});
