import { describe, expect, test } from "vitest";
import { RetriableError } from "../../../src/api/index.js";
import { SimClock } from "../../../src/base/clock.js";
import { deferred } from "../../../src/base/deferred.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SeededRandom } from "../../../src/base/random.js";
import { OffsetStore, type OwnOffsetsTopic } from "../../../src/stores/offset-store.js";
import { MemoryLog, openLogOver } from "../../support/memory-log.js";

const OWN = { "offsets.storage.topic": "own" };
const [A, B] = [{ p: "a" }, { p: "b" }];
const KEY = (partition: object) => JSON.stringify(["c", partition]);

/** A store whose connectors have the topic that their key names. */
async function rig() {
  const clock = new SimClock();
  const environment = { clock, random: new SeededRandom(1), logger: silentLogger };
  const worker = new MemoryLog();
  const own = new Map<string, MemoryLog>();
  const closed: string[] = [];
  const faults: Error[] = [];
  const topicOf = (topic: string): OwnOffsetsTopic => ({
    identity: topic,
    async open() {
      const fault = faults.shift();
      if (fault) throw fault;
      if (topic === "offsets") return undefined;
      const log = own.get(topic) ?? new MemoryLog();
      own.set(topic, log);
      return { openLog: openLogOver(log, environment, topic), close: async () => void closed.push(topic) };
    },
  });
  const store = new OffsetStore(openLogOver(worker, environment, "offsets"), {
    clock,
    logger: silentLogger,
    find: (_connector, props) => {
      const topic = props["offsets.storage.topic"];
      return topic === undefined ? undefined : topicOf(topic);
    },
  });
  await store.start();
  /** A commit of a task that ends before the worker's topic, which refuses it once, has it. */
  const commitAndEnd = async () => {
    let isOver = false;
    worker.fates.push("refused");
    const permit = () => {
      if (isOver) throw new Error("over");
    };
    await store.flush("c", [{ partition: A, offset: { at: 1 } }], permit, OWN);
    isOver = true;
  };
  return { clock, store, worker, own, closed, faults, commitAndEnd };
}

describe("the offsets of a connector with a topic of its own", () => {
  test("are read from there, and what it lacks from the worker's", async () => {
    const { store } = await rig();
    await store.flush("c", [
      { partition: A, offset: { at: 1 } },
      { partition: B, offset: { at: 1 } },
    ]);
    await store.flush("c", [{ partition: A, offset: { at: 2 } }], undefined, OWN);
    const expected = [
      { partition: A, offset: { at: 2 } },
      { partition: B, offset: { at: 1 } },
      { partition: { p: "none" }, offset: null },
    ];
    expect(await store.read("c", [A, B, { p: "none" }], OWN)).toEqual(expected);
    expect(await store.list("c", OWN)).toEqual(expected.slice(0, 2));
    await store.close();
  });

  test("are written there, and then to the worker's, so that the connector can move back", async () => {
    const { store, worker, own } = await rig();
    await store.flush("c", [{ partition: A, offset: { at: 1 } }], undefined, OWN);
    expect(own.get("own")!.texts).toEqual([[KEY(A), '{"at":1}']]);
    expect(worker.texts).toEqual([[KEY(A), '{"at":1}']]);
    expect(await store.list("c")).toEqual([{ partition: A, offset: { at: 1 } }]);
    await store.close();
  });

  test("count as stored while the worker's topic does not answer, which gets the newest later", async () => {
    const { store, worker, clock } = await rig();
    const gate = deferred();
    worker.sendGate = gate.promise;
    for (const at of [1, 2, 3]) await store.flush("c", [{ partition: A, offset: { at } }], undefined, OWN);
    expect(worker.texts).toEqual([]);
    worker.sendGate = undefined;
    gate.resolve();
    await clock.settled();
    expect(worker.texts).toEqual([
      [KEY(A), '{"at":1}'],
      [KEY(A), '{"at":3}'],
    ]);
    await store.close();
  });

  test("are not written to the worker's any more once the task is over", async () => {
    const { store, worker, clock, commitAndEnd } = await rig();
    await commitAndEnd();
    await clock.advance(60_000);
    expect(worker.texts).toEqual([]);
    await store.close();
  });

  test("are not written to the worker's topic by another task's permit", async () => {
    const { store, worker, clock, commitAndEnd } = await rig();
    await commitAndEnd();
    await store.flush("c", [{ partition: B, offset: { at: 7 } }], () => {}, OWN);
    await clock.advance(60_000);
    expect(worker.texts).toEqual([[KEY(B), '{"at":7}']]);
    await store.close();
  });

  test("get to the worker's topic with the next commit if it refused them for long", async () => {
    const { store, worker, clock } = await rig();
    worker.sendError = new RetriableError("STORE_UNWRITABLE", "no");
    await store.flush("c", [{ partition: A, offset: { at: 1 } }], undefined, OWN);
    await clock.settled();
    expect(worker.texts).toEqual([]);
    await store.flush("c", [{ partition: B, offset: { at: 7 } }], undefined, OWN);
    await clock.settled();
    expect(worker.texts).toEqual([
      [KEY(A), '{"at":1}'],
      [KEY(B), '{"at":7}'],
    ]);
    await store.close();
  });

  test("that are reset do not return to the worker's topic with another attempt", async () => {
    const { store, worker, clock } = await rig();
    worker.fates.push("refused");
    await store.flush("c", [{ partition: A, offset: { at: 1 } }], undefined, OWN);
    await store.flush("c", [{ partition: A, offset: null }], undefined, OWN);
    await clock.advance(60_000);
    expect(worker.texts.at(-1)).toEqual([KEY(A), null]);
    expect(await store.list("c", OWN)).toEqual([]);
    await store.close();
  });

  test("are reset in the worker's topic first: nothing may shine through", async () => {
    const { store, worker, own } = await rig();
    await store.flush("c", [{ partition: A, offset: { at: 1 } }], undefined, OWN);
    worker.sendError = new RetriableError("STORE_UNWRITABLE", "no");
    const reset = [{ partition: A, offset: null }];
    await expect(store.flush("c", reset, undefined, OWN)).rejects.toThrow(/no/);
    expect(own.get("own")!.texts).toHaveLength(1);
    await store.flush("c", reset, undefined, OWN);
    expect(worker.texts.at(-1)).toEqual([KEY(A), null]);
    expect(own.get("own")!.texts.at(-1)).toEqual([KEY(A), null]);
    expect(await store.list("c", OWN)).toEqual([]);
    await store.close();
  });

  test("for a task's own transaction: resets are in the worker's topic before, the rest once it is committed", async () => {
    const { store, worker } = await rig();
    const entries = [
      { partition: A, offset: { at: 1 } },
      { partition: B, offset: null },
    ];
    const { topic, records, isOverlaid } = await store.records("c", entries, undefined, OWN);
    expect({ topic, isOverlaid }).toEqual({ topic: "own", isOverlaid: true });
    expect(records.map(({ key, value }) => [String(key), value && String(value)])).toEqual([
      [KEY(A), '{"at":1}'],
      [KEY(B), null],
    ]);
    expect(worker.texts).toEqual([[KEY(B), null]]);
    await store.committed("c", entries, undefined, OWN);
    expect(worker.texts.at(-1)).toEqual([KEY(A), '{"at":1}']);
    expect(await store.records("c", entries)).toMatchObject({ topic: "offsets", isOverlaid: false });
    await store.close();
  });
});

test("what a task deletes before its transaction has no effect on offsets that were altered before", async () => {
  const { store } = await rig();
  await store.flush("c", [{ partition: A, offset: { at: 1 } }], undefined, OWN);
  const eras = await store.eras("c", OWN);
  await store.alter("c", [{ partition: A, offset: { at: 7 } }], 1_000);
  await store.records("c", [{ partition: A, offset: null }], undefined, OWN, eras);
  expect(await store.list("c")).toEqual([{ partition: A, offset: { at: 7 } }]);
  await store.close();
});

describe("a connector's own topic", () => {
  test("is opened once, and closed when nobody has asked for it for five minutes, or with the store", async () => {
    const { store, clock, closed } = await rig();
    await store.list("c", OWN);
    await clock.advance(299_000);
    await store.list("c", OWN);
    await store.list("c", { "offsets.storage.topic": "other" });
    await clock.advance(299_000);
    expect(closed).toEqual([]);
    await clock.advance(2_000);
    expect(closed).toEqual(["own", "other"]);
    await store.list("c", OWN);
    await store.close();
    expect(closed).toEqual(["own", "other", "own"]);
  });

  test("is not closed while its first read still runs, however long that takes", async () => {
    const { store, clock, own, closed } = await rig();
    const log = new MemoryLog();
    log.append({ key: Buffer.from(KEY(A)), value: Buffer.from('{"at":1}') });
    log.held = true;
    own.set("own", log);
    const listed = store.list("c", OWN);
    await clock.advance(1_000_000);
    log.held = false;
    log.wake();
    expect(await listed).toEqual([{ partition: A, offset: { at: 1 } }]);
    await clock.advance(301_000);
    expect(closed).toEqual(["own"]);
    await store.close();
    expect(clock.pendingTimers).toBe(0);
  });

  test("is not opened again by a late request once the store is closed", async () => {
    const { store, own } = await rig();
    await store.close();
    await expect(store.list("c", OWN)).rejects.toThrow("The worker is closing");
    expect(own.size).toBe(0);
  });

  test("that cannot be opened again after a commit does not fail the task, whose offsets are stored", async () => {
    const { store, clock, faults } = await rig();
    const entries = [{ partition: A, offset: { at: 1 } }];
    await store.records("c", entries, undefined, OWN);
    await clock.advance(301_000); // the commit takes long, and the topic is closed meanwhile
    faults.push(new Error("no such cluster"));
    await store.committed("c", entries, undefined, OWN);
    await store.close();
  });

  test("that is the worker's, by another address of its cluster, is written once", async () => {
    const { store, worker, clock } = await rig();
    const same = { "offsets.storage.topic": "offsets" };
    const entries = [{ partition: A, offset: { at: 1 } }];
    await store.flush("c", entries, undefined, same);
    await clock.settled();
    expect(worker.texts).toEqual([[KEY(A), '{"at":1}']]);
    expect(await store.records("c", entries, undefined, same)).toMatchObject({ topic: "offsets", isOverlaid: false });
    await store.close();
  });

  test("that cannot be opened is tried again by the next call", async () => {
    const { store, faults } = await rig();
    faults.push(new Error("no such cluster"));
    await expect(store.list("c", OWN)).rejects.toThrow(/no such cluster/);
    expect(await store.list("c", OWN)).toEqual([]);
    await store.close();
  });
});
