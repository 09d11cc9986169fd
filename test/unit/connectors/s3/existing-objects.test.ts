import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { SpillFile } from "../../../../connectors/s3/object/spill-file.js";
import { SpillLog } from "../../../../connectors/s3/object/spill-log.js";
import { S3SinkTask } from "../../../../connectors/s3/s3-sink-task.js";
import type { Props } from "../../../../src/api/index.js";
import { MemoryStore, PROBE_KEY } from "./memory-store.js";
import { rowRecord, SINK_PROPS, SinkDriver } from "./sink-driver.js";

const ORDERS = [{ topic: "orders", partition: 0 }];
const SCHEDULED = { "rotate.schedule.interval.ms": "60000", timezone: "UTC" };
const KEY = (offset: number, extension = ".json") =>
  `topics/orders/partition=0/orders+0+${String(offset).padStart(10, "0")}${extension}`;

function driverOf(store: MemoryStore, props: Props = {}): SinkDriver {
  return new SinkDriver(() => new S3SinkTask(() => store), ORDERS, { props: { ...SINK_PROPS, ...props } });
}

/** Writes records of a topic whose rows begin with `fill`. */
async function run(store: MemoryStore, fill: string, count: number, props: Props = {}): Promise<SinkDriver> {
  const driver = driverOf(store, props);
  await driver.start();
  for (let offset = 0; offset < count; offset++) driver.append(rowRecord(offset, { fill }));
  await driver.deliverAll();
  await driver.commit();
  return driver;
}

describe("a store that ignores If-None-Match", () => {
  test.each(["PutObject", "CompleteMultipartUpload"] as const)(
    "of %s is refused at the start where nothing else keeps objects from being overwritten",
    async (operation) => {
      const store = new MemoryStore();
      store.ignoresConditionOf.add(operation);
      const starting = driverOf(store, SCHEDULED).start();
      await expect(starting).rejects.toMatchObject({ code: "S3_CONDITIONAL_WRITES_UNSUPPORTED" });
      await expect(starting).rejects.toThrow(/enable\.conditional\.writes=false/);
      expect(store.uploads.size).toBe(0);
    },
  );

  test("serves rotation that depends on the records alone", async () => {
    const store = new MemoryStore();
    store.ignoresConditionOf.add("PutObject");
    await run(store, "a", 3);
    expect([...store.objects.keys()]).toEqual([KEY(0)]);
  });
});

test("a store that honours it is asked once per task, and the object that shows it stays", async () => {
  const store = new MemoryStore();
  const driver = driverOf(store, SCHEDULED);
  await driver.start();
  expect(store.requests).toEqual([
    "HeadBucket ",
    `PutObject ${PROBE_KEY}`,
    `PutObject ${PROBE_KEY}`,
    `CreateMultipartUpload ${PROBE_KEY}`,
    `UploadPart ${PROBE_KEY}`,
    `CompleteMultipartUpload ${PROBE_KEY}`,
    `AbortMultipartUpload ${PROBE_KEY}`,
    "ListMultipartUploads topics/orders/",
  ]);
  expect(store.uploads.size).toBe(0);
  await driver.stop();
  store.requests.length = 0;
  await driver.start();
  expect(store.requests.filter((request) => request.startsWith("PutObject"))).toHaveLength(1);
});

test("a store that does not answer at the start is asked before the first batch", async () => {
  const store = new MemoryStore();
  store.refuses = () => true;
  store.ignoresConditionOf.add("PutObject");
  const driver = driverOf(store, SCHEDULED);
  await driver.start();
  driver.append(rowRecord(0));
  expect(await driver.deliver(1)).toBe("retry");
  store.refuses = () => false;
  await expect(driver.deliver(1)).rejects.toMatchObject({ code: "S3_CONDITIONAL_WRITES_UNSUPPORTED" });
});

describe("an object of an earlier topic of that name", () => {
  const formats: [string, Props, string][] = [
    ["plain", {}, ".json"],
    ["gzip", { "s3.compression.type": "gzip" }, ".json.gz"],
  ];
  test.each(formats)("is not overwritten, %s, by a task that runs on", async (_name, props, extension) => {
    const store = new MemoryStore();
    const driver = await run(store, "old", 3, props);
    const old = store.objects.get(KEY(0, extension));
    await driver.task.put([0, 1, 2].map((offset) => rowRecord(offset, { fill: "new" })));
    const committing = driver.commit().then(() => driver.task.put([]));
    await expect(committing).rejects.toMatchObject({ code: "S3_OBJECT_CONFLICT" });
    await expect(committing).rejects.toThrow(/orders\+0\+0000000000.*topics\.dir.*enable\.conditional\.writes=false/);
    expect(store.objects.get(KEY(0, extension))).toEqual(old);
  });

  test.each(formats)("nor, %s, by one that starts anew", async (_name, props, extension) => {
    const store = new MemoryStore();
    await run(store, "old", 3, props);
    const old = store.objects.get(KEY(0, extension));
    const second = await run(store, "new", 3, props);
    await expect(second.task.put([])).rejects.toMatchObject({ code: "S3_OBJECT_CONFLICT" });
    expect(second.committed.get("orders-0") ?? 0).toBe(0);
    expect(store.objects.get(KEY(0, extension))).toEqual(old);
  });

  test("is known by its first row where rotation is scheduled, however long it is", async () => {
    const store = new MemoryStore();
    const first = await run(store, "old", 3, SCHEDULED);
    await first.stop();
    const second = driverOf(store, SCHEDULED);
    await second.start();
    second.append(rowRecord(0, { fill: "new" }));
    await expect(second.deliver(1)).rejects.toMatchObject({ code: "S3_OBJECT_CONFLICT" });
    expect(store.rows().get(KEY(0))).toHaveLength(3);
  });

  test("is overwritten with enable.conditional.writes=false", async () => {
    const store = new MemoryStore();
    await run(store, "old", 3);
    const second = await run(store, "new", 3, { "enable.conditional.writes": "false" });
    await second.task.put([]);
    expect(second.committed.get("orders-0")).toBe(3);
    expect(store.rows().get(KEY(0))?.[0]).toContain("new");
  });
});

describe("an object of an earlier run whose offsets were not committed", () => {
  const extensions: [string, Props, string][] = [
    ["plain", {}, ".json"],
    ["gzip", { "s3.compression.type": "gzip" }, ".json.gz"],
  ];
  test.each(extensions)("is ours, %s", async (_name, props, extension) => {
    const store = new MemoryStore();
    await run(store, "a", 3, props);
    const second = await run(store, "a", 6, props);
    await second.task.put([]);
    await second.commit();
    expect(second.committed.get("orders-0")).toBe(6);
    expect(store.keys()).toEqual([KEY(0, extension), KEY(3, extension)]);
  });

  test.each(extensions)("is replaced, %s, if flush.size is another now", async (_name, props, extension) => {
    const store = new MemoryStore();
    await run(store, "a", 4, { ...props, "flush.size": "4" });
    for (const flushSize of ["2", "6"]) {
      const again = await run(store, "a", 6, { ...props, "flush.size": flushSize });
      await again.task.put([]);
      await again.commit();
      expect(again.committed.get("orders-0")).toBe(6);
    }
    expect(store.rows().get(KEY(0, extension))).toHaveLength(6);
  });
});

describe("a shorter object in the way of a file whose parts are uploaded", () => {
  const formats: [string, Props, string][] = [
    ["plain", {}, ".json"],
    ["gzip", { "s3.compression.type": "gzip" }, ".json.gz"],
  ];
  const noise = (seed: string) => createHash("shake256", { outputLength: 1_500_000 }).update(seed).digest("base64");
  const parts = { "flush.size": "6", "s3.part.size": "5242880" };

  async function runAgain(store: MemoryStore, props: Props, seed: string): Promise<SinkDriver> {
    const driver = driverOf(store, { ...props, ...parts });
    await driver.start();
    for (let offset = 0; offset < 6; offset++) driver.append(rowRecord(offset, { fill: noise(`${seed}${offset}`) }));
    await driver.deliverAll();
    await driver.commit();
    expect(store.requests.some((request) => request.startsWith("UploadPart"))).toBe(true);
    return driver;
  }

  async function writeShort(store: MemoryStore, props: Props): Promise<void> {
    const driver = driverOf(store, { ...props, "flush.size": "2" });
    await driver.start();
    for (let offset = 0; offset < 2; offset++) driver.append(rowRecord(offset, { fill: noise(`a${offset}`) }));
    await driver.deliverAll();
    await driver.task.preCommit([]);
  }

  test.each(formats)(
    "is replaced, %s, if it is of an earlier run with another flush.size",
    async (_, props, extension) => {
      const store = new MemoryStore();
      await writeShort(store, props);
      const again = await runAgain(store, props, "a");
      await again.task.put([]);
      await again.commit();
      expect(again.committed.get("orders-0")).toBe(6);
      expect(store.rows().get(KEY(0, extension))).toHaveLength(6);
    },
  );

  test.each(formats)("is not overwritten, %s, if it is another topic's", async (_, props, extension) => {
    const store = new MemoryStore();
    await writeShort(store, props);
    const again = await runAgain(store, props, "b");
    await expect(again.task.put([])).rejects.toMatchObject({ code: "S3_OBJECT_CONFLICT" });
    expect(store.rows().get(KEY(0, extension))).toHaveLength(2);
  });
});

test("a disk that fails while a file is compared with a shorter object fails the task, not its process", async () => {
  const store = new MemoryStore();
  const gzip = { "s3.compression.type": "gzip", "s3.buffer.memory.bytes": "1048576" };
  await run(store, "a", 2, { ...gzip, "flush.size": "2" });
  let isBroken = false;
  const log = new SpillLog();
  const spillFile = (): SpillFile => {
    const file = log.open();
    const read = file.read.bind(file);
    file.read = async function* (count, into) {
      if (isBroken) throw new Error("EIO: i/o error, read");
      yield* read(count, into);
    };
    return file;
  };
  const get = store.getObject.bind(store);
  store.getObject = (key, signal) => {
    isBroken = true;
    return get(key, signal);
  };
  const noise = createHash("shake256", { outputLength: 1_200_000 }).update("noise").digest("base64");
  const driver = new SinkDriver(() => new S3SinkTask(() => store, spillFile), ORDERS, {
    props: { ...SINK_PROPS, ...gzip, "flush.size": "4" },
  });
  await driver.start();
  for (let offset = 0; offset < 2; offset++) driver.append(rowRecord(offset, { fill: "a" }));
  for (let offset = 2; offset < 4; offset++) driver.append(rowRecord(offset, { fill: noise }));
  await driver.deliver(4);
  await driver.commit();
  expect(isBroken).toBe(true);
  await expect(driver.task.put([])).rejects.toThrow("EIO: i/o error, read");
});

test("a store that refuses the header is served without it where it is only a precaution", async () => {
  const store = new MemoryStore();
  const put = store.putObject.bind(store);
  store.putObject = async (key, body, onlyIfAbsent) => {
    if (onlyIfAbsent) throw Object.assign(new Error("unknown header"), refusal);
    return put(key, body, onlyIfAbsent);
  };
  const driver = await run(store, "a", 6);
  await driver.task.put([]);
  await driver.commit();
  expect(store.keys()).toEqual([KEY(0), KEY(3)]);
});

const refusal = { name: "InvalidArgument", $metadata: { httpStatusCode: 400 } };
