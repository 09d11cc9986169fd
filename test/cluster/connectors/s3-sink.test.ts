import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { S3_SINK_CONFIG } from "../../../connectors/s3/config/s3-sink-config.js";
import s3Plugins from "../../../connectors/s3/index.js";
import { BufferedBytes } from "../../../connectors/s3/object/buffered-bytes.js";
import { ChunkPool } from "../../../connectors/s3/object/chunk-pool.js";
import { ConditionalWrites } from "../../../connectors/s3/object/conditional-writes.js";
import { ObjectUpload } from "../../../connectors/s3/object/object-upload.js";
import type { SpillFile } from "../../../connectors/s3/object/spill-file.js";
import { S3SinkTask } from "../../../connectors/s3/s3-sink-task.js";
import { AwsStoreClient } from "../../../connectors/s3/store/aws-store-client.js";
import { StoreCalls } from "../../../connectors/s3/store/store-calls.js";
import { storeSettings } from "../../../connectors/s3/store/store-settings.js";
import { type Props, parseConfig, SinkRecord, validateConfig } from "../../../src/api/index.js";
import { SystemClock } from "../../../src/base/clock.js";
import { deferred } from "../../../src/base/deferred.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SystemRandom } from "../../../src/base/random.js";
import {
  listKeys,
  readObject,
  startTestObjectStore,
  TEST_CREDENTIALS,
  type TestObjectStore,
} from "../../support/object-store.js";
import { type DriverOptions, rowRecord, SINK_PROPS, SinkDriver } from "../../unit/connectors/s3/sink-driver.js";

const ORDERS = [{ topic: "orders", partition: 0 }];
const SCHEDULED = { "rotate.schedule.interval.ms": "3600000", timezone: "UTC" };
const KEY = (offset: number) => `topics/orders/partition=0/orders+0+${String(offset).padStart(10, "0")}.json`;

let storage: TestObjectStore;

beforeEach(async () => {
  storage = await startTestObjectStore({ buckets: ["lake"] });
});
afterEach(() => storage.stop());

function propsOf(extra: Props = {}): Props {
  return {
    ...SINK_PROPS,
    "store.url": storage.store.endpoint,
    "s3.region": "us-east-1",
    "aws.access.key.id": TEST_CREDENTIALS.accessKeyId,
    "aws.secret.access.key": TEST_CREDENTIALS.secretAccessKey,
    "s3.retry.backoff.ms": "5",
    ...extra,
  };
}

function driverOf(extra: Props = {}, options: DriverOptions = {}): SinkDriver {
  const createTask = () => new S3SinkTask((settings, logger) => new AwsStoreClient(settings, logger));
  return new SinkDriver(createTask, ORDERS, { clock: new SystemClock(), ...options, props: propsOf(extra) });
}

async function rows(key: string): Promise<string[]> {
  const bytes = await readObject(storage.client, "lake", key);
  const text = (key.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString();
  return text.split("\n").slice(0, -1);
}

/** All keys but the probe's. */
async function keysOf(prefix = ""): Promise<string[]> {
  return (await listKeys(storage.client, "lake", prefix)).filter((key) => !key.includes("/_millrace/"));
}

async function places(): Promise<string[]> {
  const keys = await keysOf();
  const all = await Promise.all(keys.map(rows));
  return all.flat().map((row) => (JSON.parse(row) as { at: string }).at);
}

/** A file on disk that is read at once for its checksum, but only partly for sending, until it is closed. */
function openStuckFile(closed = deferred()): SpillFile {
  let length = 0;
  return {
    get length() {
      return length;
    },
    append: async (pieces) => {
      for (const piece of pieces) length += piece.length;
    },
    async *read(count, into) {
      const sent = into ? count : 1000;
      yield Buffer.alloc(sent);
      if (!into) await closed.promise;
    },
    drop: () => undefined,
    close: async () => closed.resolve(),
  };
}

function uploadsOf(openSpillFile: () => SpillFile) {
  const client = new AwsStoreClient(storeSettings(parseConfig(S3_SINK_CONFIG, propsOf())), silentLogger);
  const stopping = new AbortController().signal;
  const parts = { clock: new SystemClock(), random: new SystemRandom(), logger: silentLogger, stopping };
  const place = { bucket: "lake", endpoint: storage.store.endpoint };
  const settings = { attempts: 1, backoffMs: 1, concurrency: 4 };
  const calls = new StoreCalls(place, settings, { ...parts, waitingFor: () => undefined });
  const upload = (key: string) => {
    const bytes = new BufferedBytes(new ChunkPool(), openSpillFile);
    bytes.append(Buffer.alloc(100_000));
    const conditional = new ConditionalWrites("overwrite", "", client, calls, silentLogger);
    const whole = { partSize: 5_242_880, conditional };
    return new ObjectUpload(key, bytes, whole, client, calls, silentLogger, stopping);
  };
  return { client, upload };
}

test("a refusal before the whole body is sent leaves no connection waiting for the rest", async () => {
  const { client, upload } = uploadsOf(() => openStuckFile());
  storage.store.faults.add({ fault: { kind: "answer", code: "SlowDown" }, operations: ["PutObject"], count: 20 });
  // More than the client's connections.
  for (let at = 0; at < 20; at++) {
    const refused = upload(`refused-${at}`);
    await refused.bytes.spill();
    await expect(refused.finish()).rejects.toMatchObject({ code: "S3_UNAVAILABLE" });
    await refused.abort();
  }
  expect(await upload("taken").finish()).toBe("created");
  client.destroy();
}, 20_000);

test("an unreadable body fails at once", async () => {
  const unreadable = deferred();
  const { client, upload } = uploadsOf(() => openStuckFile(unreadable));
  const broken = upload("broken");
  await broken.bytes.spill();
  unreadable.reject(new Error("the disk is gone"));
  await expect(broken.finish()).rejects.toThrow(/writing object broken.*the disk is gone/);
  client.destroy();
}, 20_000);

function appendRows(driver: SinkDriver, from: number, to: number, fill = ""): void {
  for (let offset = from; offset < to; offset++) driver.append(rowRecord(offset, { fill }));
}

/** Runs the worker's loop until the partition is committed up to `end`. */
async function deliverUntilCommitted(driver: SinkDriver, end: number): Promise<void> {
  for (let turn = 0; turn < 50 && driver.committed.get("orders-0") !== end; turn++) {
    await driver.deliverAll();
    await driver.commit();
  }
}

/** Delivers everything, waits for running uploads, and lets the next batch judge them. */
async function deliverUntilSettled(driver: SinkDriver): Promise<void> {
  await driver.deliverAll();
  await driver.commit();
  await driver.deliverAll();
}

function placesUpTo(end: number): string[] {
  return Array.from({ length: end }, (_, offset) => `0:${offset}`);
}

describe("on a working store", () => {
  test("seven records and flush.size 3 make two objects, and only their offsets are committed", async () => {
    const driver = driverOf();
    await driver.start();
    appendRows(driver, 0, 7);
    await driver.deliverAll();
    await driver.commit();
    expect(await keysOf()).toEqual([KEY(0), KEY(3)]);
    expect(await rows(KEY(3))).toEqual(['{"at":"0:3"}', '{"at":"0:4"}', '{"at":"0:5"}']);
    expect(driver.committed.get("orders-0")).toBe(6);
    await driver.stop();
  });

  test("gzip makes one valid gzip file", async () => {
    const driver = driverOf({ "s3.compression.type": "gzip", "flush.size": "2000" });
    await driver.start();
    appendRows(driver, 0, 2000, "x".repeat(200));
    await driver.deliverAll();
    await driver.commit();
    expect(await keysOf()).toEqual([`${KEY(0)}.gz`]);
    expect(await rows(`${KEY(0)}.gz`)).toHaveLength(2000);
    await driver.stop();
  });

  test("an object larger than a part is uploaded in parts, also from disk, and is complete", async () => {
    const driver = driverOf({
      "s3.part.size": "5242880",
      "flush.size": "1300",
      "s3.buffer.memory.bytes": "1048576",
    });
    await driver.start();
    appendRows(driver, 0, 1300, "y".repeat(10_000));
    for (let batch = 0; batch < 13; batch++) await driver.deliver(100);
    await driver.commit();
    expect((await readObject(storage.client, "lake", KEY(0))).length).toBeGreaterThan(2 * 5_242_880);
    expect(await places()).toEqual(placesUpTo(1300));
    expect(storage.store.danglingUploads("lake")).toEqual([]);
    await driver.stop();
  });

  test("80 open files hold no more memory than configured, and nothing is lost on the way to disk and back", async () => {
    const partitions = Array.from({ length: 80 }, (_, partition) => ({ topic: "orders", partition }));
    let task: S3SinkTask | undefined;
    const createTask = () => {
      task = new S3SinkTask((settings, logger) => new AwsStoreClient(settings, logger));
      return task;
    };
    const memoryBytes = 8 * 2 ** 20;
    const props = propsOf({ "flush.size": "400", "s3.buffer.memory.bytes": String(memoryBytes) });
    const driver = new SinkDriver(createTask, partitions, { clock: new SystemClock(), props });
    await driver.start();
    for (const { partition } of partitions)
      for (let offset = 0; offset < 400; offset++)
        driver.append(rowRecord(offset, { partition, fill: "x".repeat(690) }));
    for (let offset = 0; offset < 400; offset += 10) await driver.deliver(10);
    await driver.commit();
    // 22 MiB of rows, in batches of 560 KiB that may need another chunk of every file.
    expect(task?.memory.peakBytes).toBeLessThan(memoryBytes + 80 * 65_536 + 600_000);
    expect((await places()).sort()).toEqual(
      partitions.flatMap(({ partition }) => Array.from({ length: 400 }, (_, at) => `${partition}:${at}`)).sort(),
    );
    expect([...driver.committed.values()]).toEqual(partitions.map(() => 400));
    await driver.stop();
  });

  test("stopping in the middle of a multipart upload leaves none behind", async () => {
    const driver = driverOf({ "s3.part.size": "5242880", "flush.size": "100000" });
    await driver.start();
    appendRows(driver, 0, 700, "y".repeat(10_000));
    await driver.deliverAll();
    expect(storage.store.danglingUploads("lake")).toHaveLength(1);
    await driver.stop();
    expect(storage.store.danglingUploads("lake")).toEqual([]);
  });
});

describe("on a failing store", () => {
  test("the task waits out a period of 503, reports it, and clears it", async () => {
    const driver = driverOf();
    await driver.start();
    storage.store.faults.add({ fault: { kind: "answer", code: "SlowDown" }, count: 7 });
    appendRows(driver, 0, 6);
    await deliverUntilCommitted(driver, 6);
    expect(await places()).toEqual(placesUpTo(6));
    expect(driver.committed.get("orders-0")).toBe(6);
    expect(driver.waits[0]).toMatch(/^S3 bucket lake at http:.*: 503 SlowDown/);
    expect(driver.waits.at(-1)).toBeNull();
    await driver.stop();
  });

  test("the task waits for a store that is unreachable from the start", async () => {
    const driver = driverOf();
    storage.store.faults.add({ fault: { kind: "drop-before" }, count: 5 });
    await driver.start();
    expect(driver.waits[0]).toMatch(/^S3 bucket lake at http:/);
    appendRows(driver, 0, 3);
    await deliverUntilCommitted(driver, 3);
    storage.store.faults.clear();
    expect(await places()).toEqual(placesUpTo(3));
    await driver.stop();
  });

  test.each(["drop-before", "drop-after"] as const)("%s of any request loses and duplicates nothing", async (kind) => {
    for (const mode of [{}, SCHEDULED] as const) {
      for (const operation of [
        "PutObject",
        "CreateMultipartUpload",
        "UploadPart",
        "CompleteMultipartUpload",
      ] as const) {
        const large = operation !== "PutObject";
        const driver = driverOf({
          ...mode,
          "flush.size": large ? "700" : "3",
          "s3.part.size": "5242880",
          "topics.dir": `${kind}-${operation}-${"timezone" in mode}`,
        });
        await driver.start();
        appendRows(driver, 0, large ? 700 : 6, large ? "z".repeat(10_000) : "");
        const fault = storage.store.faults.add({ fault: { kind }, operations: [operation], count: 1 });
        await deliverUntilCommitted(driver, large ? 700 : 6);
        expect(fault.hits, operation).toBe(1);
        expect(driver.committed.get("orders-0"), operation).toBe(large ? 700 : 6);
        const keys = await keysOf(`${kind}-${operation}-${"timezone" in mode}`);
        const found = (await Promise.all(keys.map(rows))).flat().map((row) => (JSON.parse(row) as { at: string }).at);
        expect(found, operation).toEqual(placesUpTo(large ? 700 : 6));
        await driver.stop();
      }
    }
  });

  test("a crash between upload and commit duplicates nothing, although the next run rotates elsewhere", async () => {
    const first = driverOf({ ...SCHEDULED, "flush.size": "3" });
    await first.start();
    appendRows(first, 0, 7);
    await first.deliverAll();
    await first.commit();
    // The second run starts without this commit: the process died before it reached the broker.
    const second = driverOf({ ...SCHEDULED, "flush.size": "4" });
    await second.start();
    appendRows(second, 0, 14);
    await second.deliverAll();
    await second.commit();
    expect((await keysOf()).map((key) => key.slice(-15, -5))).toEqual([
      "0000000000",
      "0000000003",
      "0000000006",
      "0000000010",
    ]);
    expect(await places()).toEqual(placesUpTo(14));
    expect(second.committed.get("orders-0")).toBe(14);
    await second.stop();
  });

  test("an object that another writer created meanwhile is kept, and the next one starts behind its records", async () => {
    const driver = driverOf({ ...SCHEDULED, "flush.size": "4" });
    await driver.start();
    appendRows(driver, 0, 8);
    await driver.deliver(3);
    const zombie = driverOf({ ...SCHEDULED, "flush.size": "2" });
    await zombie.start();
    appendRows(zombie, 0, 2);
    await zombie.deliverAll();
    await zombie.commit();
    await driver.deliverAll();
    await driver.commit();
    await driver.deliver(0);
    await driver.deliverAll();
    await driver.commit();
    expect(await rows(KEY(0))).toHaveLength(2);
    expect(await places()).toEqual(placesUpTo(6));
    expect(driver.committed.get("orders-0")).toBe(6);
    await Promise.all([driver.stop(), zombie.stop()]);
  });

  test("an object with other records fails the task, which names it, and stays unchanged", async () => {
    const other = driverOf({ "flush.size": "2" });
    await other.start();
    other.append(rowRecord(0, { fill: "another life" }));
    other.append(rowRecord(1));
    await other.deliverAll();
    await other.commit();
    await other.stop();
    const before = await readObject(storage.client, "lake", KEY(0));
    const driver = driverOf({ ...SCHEDULED, "flush.size": "4" });
    await driver.start();
    appendRows(driver, 0, 8);
    await expect(driver.deliverAll()).rejects.toThrow(`Object ${KEY(0)} exists already and holds other records`);
    expect(await readObject(storage.client, "lake", KEY(0))).toEqual(before);
    await driver.stop();
  });

  test("a store without conditional writes is refused with the key that turns them off", async () => {
    const driver = driverOf(SCHEDULED);
    await driver.start();
    storage.store.faults.add({ fault: { kind: "answer", code: "NotImplemented" }, operations: ["PutObject"] });
    appendRows(driver, 0, 3);
    await expect(deliverUntilSettled(driver)).rejects.toThrow(/Set enable\.conditional\.writes=false/);
    await driver.stop();
  });

  test("stop ends a back-off within a second", async () => {
    const driver = driverOf({ "s3.retry.backoff.ms": "600000", "s3.part.retries": "10" });
    await driver.start();
    const fault = storage.store.faults.add({ fault: { kind: "answer", code: "SlowDown" } });
    // The second rotation waits for the first.
    appendRows(driver, 0, 6);
    const put = driver.deliver(6);
    await fault.struck;
    const clock = new SystemClock();
    const startMs = clock.monotonicMs();
    driver.signalStop();
    expect(await put).toBe("retry");
    await driver.stop();
    expect(clock.monotonicMs() - startMs).toBeLessThan(1000);
  });
});

test("the plugin's entry reaches the AWS SDK by dynamic imports only", () => {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: URL) => {
    if (seen.has(file.href)) return;
    seen.add(file.href);
    const text = readFileSync(file, "utf8");
    for (const [, type, name = ""] of text.matchAll(/^(?:import|export) (type )?[^;]*?from "([^"]+)"/gm)) {
      if (type) continue;
      if (name.startsWith(".")) visit(new URL(name.replace(/\.js$/, ".ts"), file));
      else packages.add(name);
    }
  };
  visit(new URL("../../../connectors/s3/index.ts", import.meta.url));
  expect(seen.size).toBeGreaterThan(10);
  expect([...packages].filter((name) => !name.startsWith("node:"))).toEqual([]);
});

describe("faults of settings", () => {
  test.each([
    ["missing bucket", { "s3.bucket.name": "nowhere" }, /Non-existent S3 bucket: nowhere at http/],
    ["wrong secret", { "aws.secret.access.key": "not-the-secret" }, /aws\.secret\.access\.key.*SignatureDoesNotMatch/],
  ])("%s", async (_name, wrong, message) => {
    const driver = driverOf(wrong);
    const failure = await (async () => {
      await driver.start();
      appendRows(driver, 0, 3);
      await deliverUntilSettled(driver);
    })().then(
      () => undefined,
      (error: Error) => error,
    );
    expect(failure?.message).toMatch(message);
    expect(failure?.message).not.toContain("not-the-secret");
    await driver.stop();
  });

  test("validation names the missing bucket", async () => {
    const [plugin] = s3Plugins;
    const connector = plugin!.connector();
    const props = propsOf({ "s3.bucket.name": "nowhere" });
    const values = await connector.validate!(props, validateConfig(connector.config, props), {
      clock: new SystemClock(),
      random: new SystemRandom(),
      logger: silentLogger,
    });
    expect(values.find(({ name }) => name === "s3.bucket.name")?.errors[0]).toMatch(/Non-existent S3 bucket: nowhere/);
    expect(values.filter(({ errors }) => errors.length > 0)).toHaveLength(1);
  });

  test("a record without a value is refused by default, and skipped if configured", async () => {
    const tombstone = new SinkRecord("orders", 0, null, "k", null, null, 0, 1, "CreateTime");
    const failing = driverOf();
    await failing.start();
    failing.append(tombstone);
    await expect(failing.deliverAll()).rejects.toThrow(/behavior\.on\.null\.values/);
    await failing.stop();
    const ignoring = driverOf({ "behavior.on.null.values": "ignore" });
    await ignoring.start();
    ignoring.append(tombstone);
    await ignoring.deliverAll();
    await ignoring.commit();
    expect(ignoring.committed.get("orders-0")).toBe(1);
    await ignoring.stop();
  });
});
