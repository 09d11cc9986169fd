import { describe, expect, test } from "vitest";
import { SimClock } from "../../../src/base/clock.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SeededRandom } from "../../../src/base/random.js";
import type { StoreRecord } from "../../../src/stores/log-transport.js";
import { OffsetStore } from "../../../src/stores/offset-store.js";
import { MemoryLog, openLogOver } from "../../support/memory-log.js";

const [A, B] = [{ p: "a" }, { p: "b" }];

/** A worker of a group, whose records reach the others when the test says so. */
class Worker {
  readonly log = new MemoryLog();
  readonly store: OffsetStore;
  readonly #clock = new SimClock();
  readonly #seen = new Set<unknown>();

  constructor() {
    const environment = { clock: this.#clock, random: new SeededRandom(1), logger: silentLogger };
    this.store = new OffsetStore(openLogOver(this.log, environment, "offsets"));
  }

  /** A worker that starts on a topic with these records. */
  static async on(records: readonly StoreRecord[]): Promise<Worker> {
    const worker = new Worker();
    for (const record of records) worker.receive(record);
    await worker.store.start();
    return worker;
  }

  receive(record: StoreRecord): void {
    this.log.append(record);
    this.#seen.add(this.#records.at(-1));
  }

  /** What it has written since the last call. */
  sent(): StoreRecord[] {
    const records = this.#records.filter((record) => !this.#seen.has(record));
    for (const record of records) this.#seen.add(record);
    return records;
  }

  all(): StoreRecord[] {
    return [...this.#records];
  }

  get #records(): readonly StoreRecord[] {
    return this.log.partitions[0] as readonly StoreRecord[];
  }

  async offsets(): Promise<unknown> {
    const listed = await this.store.list("c");
    return Object.fromEntries(listed.map(({ partition, offset }) => [partition["p"], offset?.["at"]]));
  }

  /** The records of the topic that compaction leaves, tombstones gone. */
  compacted(): StoreRecord[] {
    const newest = new Map(this.#records.map((record) => [String(record.key), record]));
    return [...newest.values()].filter(({ value }) => value !== null);
  }
}

/** A task on one worker has stored its offset, and stops with another one on the way. */
async function stopped() {
  const former = await Worker.on([]);
  await former.store.flush("c", [{ partition: A, offset: { at: 1 } }]);
  const before = former.sent();
  await former.store.flush("c", [
    { partition: A, offset: { at: 2 } },
    { partition: B, offset: { at: 2 } },
  ]);
  const leader = await Worker.on(before);
  return { leader, late: former.sent() };
}

describe("what a stopped task has sent and arrives after REST has changed the offsets", () => {
  test("has no effect on a reset, in partitions that were unknown then, either", async () => {
    const { leader, late } = await stopped();
    await leader.store.reset("c", 1_000);
    for (const record of late) leader.receive(record);
    expect(await leader.offsets()).toEqual({});
    expect(await (await Worker.on(leader.compacted())).offsets()).toEqual({});
  });

  test("has no effect on a reset of which it is read first", async () => {
    const { leader, late } = await stopped();
    await leader.store.reset("c", 1_000);
    expect(await (await Worker.on([...late, ...leader.sent()])).offsets()).toEqual({});
  });

  test("has no effect on altered offsets, which are written again for compaction", async () => {
    const { leader, late } = await stopped();
    await leader.store.alter("c", [{ partition: A, offset: { at: 7 } }], 1_000);
    leader.sent();
    for (const record of late) leader.receive(record);
    expect(await leader.offsets()).toEqual({ a: 7, b: 2 });
    expect(leader.sent()).toHaveLength(1);
    expect(await (await Worker.on(leader.compacted())).offsets()).toEqual({ a: 7, b: 2 });
  });

  test("has no effect on altered offsets when the worker that altered them is gone", async () => {
    const { leader, late } = await stopped();
    await leader.store.alter("c", [{ partition: A, offset: { at: 7 } }], 1_000);
    const other = await Worker.on(leader.all());
    for (const record of late) other.receive(record);
    expect(await other.offsets()).toEqual({ a: 7, b: 2 });
    expect(await (await Worker.on(other.compacted())).offsets()).toEqual({ a: 7, b: 2 });
  });

  test("takes nothing from a task that has written since, for a worker that reads both at once", async () => {
    const { leader, late } = await stopped();
    await leader.store.alter("c", [{ partition: A, offset: { at: 7 } }], 1_000);
    const successor = await Worker.on(leader.all());
    successor.sent();
    const thawed = await Worker.on(successor.all());
    await successor.store.flush("c", [{ partition: A, offset: { at: 8 } }]);
    for (const record of [...late, ...successor.sent()]) thawed.receive(record);
    expect(await thawed.offsets()).toEqual({ a: 8, b: 2 });
    expect(thawed.sent()).toEqual([]);
  });

  test("has no effect on offsets that were altered to none", async () => {
    const { leader, late } = await stopped();
    await leader.store.alter("c", [{ partition: A, offset: null }], 1_000);
    for (const record of late) leader.receive(record);
    expect(await leader.offsets()).toEqual({ b: 2 });
  });

  test("has no effect on the tasks that run since, and they write on", async () => {
    const { leader, late } = await stopped();
    await leader.store.alter("c", [{ partition: A, offset: { at: 7 } }], 1_000);
    const successor = await Worker.on(leader.all());
    await successor.store.flush("c", [{ partition: A, offset: { at: 8 } }]);
    for (const record of late) successor.receive(record);
    expect(await successor.offsets()).toEqual({ a: 8, b: 2 });
    await successor.store.flush("c", [{ partition: A, offset: { at: 9 } }]);
    expect(await (await Worker.on(successor.compacted())).offsets()).toEqual({ a: 9, b: 2 });
  });
});

test("an alteration that failed and arrives late has no effect on the one that repeats it", async () => {
  const [former, leader] = [await Worker.on([]), await Worker.on([])];
  await former.store.alter("c", [{ partition: A, offset: { at: 1 } }], 1_000);
  await leader.store.alter("c", [{ partition: A, offset: { at: 2 } }], 31_000);
  for (const record of former.sent()) leader.receive(record);
  expect(await leader.offsets()).toEqual({ a: 2 });
});

describe("what a former leader has altered and arrives after its successor has altered the offsets", () => {
  test.each([
    ["a reset", (store: OffsetStore) => store.reset("c", 1_000)],
    ["offsets", (store: OffsetStore) => store.alter("c", [{ partition: A, offset: { at: 3 } }], 1_000)],
    ["offsets altered to none", (store: OffsetStore) => store.alter("c", [{ partition: A, offset: null }], 1_000)],
  ])("takes nothing from it, nor through compaction: %s", async (_what, change) => {
    const former = await Worker.on([]);
    await former.store.flush("c", [{ partition: A, offset: { at: 1 } }]);
    const leader = await Worker.on(former.sent());
    await change(former.store);
    await leader.store.alter("c", [{ partition: A, offset: { at: 7 } }], 31_000);
    for (const record of former.sent()) leader.receive(record);
    expect(await leader.offsets()).toEqual({ a: 7 });
    expect(await (await Worker.on(leader.compacted())).offsets()).toEqual({ a: 7 });
  });

  test.each([
    ["a reset", (store: OffsetStore, nowMs: number) => store.reset("c", nowMs)],
    [
      "an alteration to none",
      (store: OffsetStore, nowMs: number) => store.alter("c", [{ partition: A, offset: null }], nowMs),
    ],
  ])("hides its era from no worker that starts once compaction has removed the rest: %s", async (_what, change) => {
    const former = await Worker.on([]);
    await former.store.flush("c", [{ partition: A, offset: { at: 1 } }]);
    const leader = await Worker.on(former.sent());
    await change(former.store, 1_000);
    await change(leader.store, 31_000);
    leader.sent();
    for (const record of former.sent()) leader.receive(record);
    expect(await leader.offsets()).toEqual({});
    const successor = await Worker.on(leader.compacted());
    leader.sent();
    await successor.store.flush("c", [{ partition: A, offset: { at: 2 } }]);
    for (const record of successor.sent()) leader.receive(record);
    expect(await leader.offsets()).toEqual({ a: 2 });
  });
});

test("a task of a worker that was frozen undoes no alteration, though that worker has read of it", async () => {
  const frozen = await Worker.on([]);
  const eras = await frozen.store.eras("c");
  const flush = (at: number) => frozen.store.flush("c", [{ partition: A, offset: { at } }], undefined, {}, eras);
  await flush(1);
  const leader = await Worker.on(frozen.sent());
  await leader.store.alter("c", [{ partition: A, offset: { at: 7 } }], 1_000);
  for (const record of leader.sent()) frozen.receive(record);
  await frozen.offsets();
  await flush(2);
  for (const record of frozen.sent()) leader.receive(record);
  expect(await leader.offsets()).toEqual({ a: 7 });
  await leader.store.reset("c", 2_000);
  for (const record of leader.sent()) frozen.receive(record);
  await frozen.offsets();
  await flush(3);
  for (const record of frozen.sent()) leader.receive(record);
  expect(await leader.offsets()).toEqual({});
});

test("offsets altered to none take none from the tasks of a worker that starts once compaction has removed that", async () => {
  const leader = await Worker.on([]);
  await leader.store.flush("c", [{ partition: B, offset: { at: 1 } }]);
  await leader.store.alter("c", [{ partition: A, offset: null }], 1_000);
  const successor = await Worker.on(leader.compacted());
  leader.sent();
  await successor.store.flush("c", [{ partition: A, offset: { at: 2 } }]);
  for (const record of successor.sent()) leader.receive(record);
  expect(await leader.offsets()).toEqual({ a: 2, b: 1 });
  expect(leader.sent()).toEqual([]);
});

test("an alteration stands over a former leader's reset that arrives after it", async () => {
  const former = await Worker.on([]);
  await former.store.flush("c", [{ partition: A, offset: { at: 1 } }]);
  const before = former.sent();
  await former.store.reset("c", 1_000);
  const late = former.sent();
  const leader = await Worker.on(before);
  await leader.store.alter("c", [{ partition: A, offset: { at: 7 } }], 2_000);
  const other = await Worker.on(leader.all());
  for (const record of late) other.receive(record);
  expect(await other.offsets()).toEqual({ a: 7 });
  expect(await (await Worker.on(other.compacted())).offsets()).toEqual({ a: 7 });
});

test("a reset stands when compaction has removed all but the marks of it and of an alteration to none", async () => {
  const { leader, late } = await stopped();
  await leader.store.reset("c", 1_000);
  await leader.store.alter("c", [{ partition: A, offset: null }], 2_000);
  for (const record of late) leader.receive(record);
  expect(await (await Worker.on(leader.compacted())).offsets()).toEqual({});
});

test("an alteration comes after a reset by a leader whose clock was ahead, although that arrives only now", async () => {
  const [former, leader] = [await Worker.on([]), await Worker.on([])];
  await former.store.reset("c", 60_000);
  leader.log.held = true;
  for (const record of former.sent()) leader.receive(record);
  const altered = leader.store.alter("c", [{ partition: A, offset: { at: 2 } }], 1_000);
  leader.log.held = false;
  leader.log.wake();
  await altered;
  expect(await leader.offsets()).toEqual({ a: 2 });
});

test("a Java worker's records count wherever they stand", async () => {
  const worker = await Worker.on([]);
  await worker.store.reset("c", 1_000);
  worker.receive({ key: Buffer.from('["c",{"p":"a"}]'), value: Buffer.from('{"at":3}') });
  expect(await worker.offsets()).toEqual({ a: 3 });
  await worker.store.alter("c", [{ partition: A, offset: { at: 5 } }], 2_000);
  worker.receive({ key: Buffer.from('["c",{"p":"a"}]'), value: Buffer.from('{"at":6}') });
  expect(await worker.offsets()).toEqual({ a: 6 });
});
