import { beforeEach, expect, test } from "vitest";
import { S3SinkTask } from "../../../../connectors/s3/s3-sink-task.js";
import { SimClock } from "../../../../src/base/clock.js";
import { MemoryStore } from "./memory-store.js";
import { rowRecord, SINK_PROPS, SinkDriver } from "./sink-driver.js";

/** A store whose requests of objects neither succeed nor fail until the client gives up. */
class HangingStore extends MemoryStore {
  hangs = false;

  override putObject(...args: Parameters<MemoryStore["putObject"]>): Promise<void> {
    return this.hangs ? untilAborted(args[3]) : super.putObject(...args);
  }

  override getObject(...args: Parameters<MemoryStore["getObject"]>): ReturnType<MemoryStore["getObject"]> {
    return this.hangs ? untilAborted(args[1]) : super.getObject(...args);
  }

  override uploadPart(...args: Parameters<MemoryStore["uploadPart"]>): ReturnType<MemoryStore["uploadPart"]> {
    return this.hangs ? untilAborted(args[4]) : super.uploadPart(...args);
  }
}

function untilAborted(signal?: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
  });
}

let store: HangingStore;
let clock: SimClock;
let driver: SinkDriver;

async function start(props: Readonly<Record<string, string>> = {}): Promise<void> {
  driver = new SinkDriver(() => new S3SinkTask(() => store), [{ topic: "orders", partition: 0 }], {
    clock,
    props: { ...SINK_PROPS, ...props },
  });
  await driver.start();
}

/** The call's result once the clock has passed half of offset.flush.timeout.ms, and what the store may take is long over. */
async function afterPatience<T>(call: Promise<T>): Promise<T> {
  await clock.advance(2500);
  return call;
}

beforeEach(() => {
  store = new HangingStore();
  clock = new SimClock();
});

test("a rotation that hangs holds up neither put nor preCommit for long, and nothing is lost when it ends", async () => {
  await start();
  for (let offset = 0; offset < 3; offset++) driver.append(rowRecord(offset));
  await driver.deliver(3);
  await driver.commit();
  expect(driver.committed.get("orders-0")).toBe(3);
  store.hangs = true;
  for (let offset = 3; offset < 12; offset++) driver.append(rowRecord(offset));
  await driver.deliver(3);
  await afterPatience(driver.commit());
  expect(driver.committed.get("orders-0")).toBe(3);
  expect(await afterPatience(driver.deliver(6))).toBe("retry");
  expect(await afterPatience(driver.deliver(6))).toBe("retry");
  // No failure: the batch does not wait for retry.backoff.ms.
  expect(driver.retryDelaysMs).toEqual([100, 100]);
  store.hangs = false;
  // The hung attempt is cut off, and repeated.
  await clock.advance(60_000);
  await driver.deliverAll();
  await driver.commit();
  expect(driver.committed.get("orders-0")).toBe(12);
  expect(store.places()).toEqual(Array.from({ length: 12 }, (_, offset) => `0:${offset}`));
});

test("a part that hangs does not hold up put", async () => {
  await start({ "flush.size": "4", "s3.part.size": "5242880" });
  store.hangs = true;
  const fill = "x".repeat(2_000_000);
  for (let offset = 0; offset < 4; offset++) driver.append(rowRecord(offset, { fill }));
  expect(await afterPatience(driver.deliver(4))).toBe("retry");
  store.hangs = false;
  await clock.advance(300_000);
  await driver.deliverAll();
  await driver.commit();
  expect(store.places()).toEqual(["0:0", "0:1", "0:2", "0:3"]);
});

test.each([
  ["an upload", {}],
  ["a look for an existing object", { "rotate.schedule.interval.ms": "60000", timezone: "UTC" }],
])("a task closes at once during %s that hangs", async (_name, props) => {
  await start(props);
  store.hangs = true;
  for (let offset = 0; offset < 3; offset++) driver.append(rowRecord(offset));
  const delivered = driver.deliver(3);
  await clock.advance(2500);
  await delivered;
  await driver.task.close(driver.partitions);
  await driver.task.stop();
  expect(driver.committed.size).toBe(0);
});

test("preCommit returns while the comparison with an existing object hangs", async () => {
  await start();
  for (let offset = 0; offset < 3; offset++) driver.append(rowRecord(offset));
  await driver.deliver(3);
  await start();
  for (let offset = 0; offset < 3; offset++) driver.append(rowRecord(offset));
  store.getObject = (_key, signal) => untilAborted(signal);
  await driver.deliver(3);
  await afterPatience(driver.commit());
  expect(driver.committed.get("orders-0") ?? 0).toBe(0);
  await driver.stop();
});
