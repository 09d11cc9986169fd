import { describe, expect, test } from "vitest";
import { SimClock } from "../../../src/base/clock.js";
import { deferred } from "../../../src/base/deferred.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SeededRandom } from "../../../src/base/random.js";
import { type StoredStatus, statusRecord } from "../../../src/stores/status-fold.js";
import { isHidden, judgeLateWrite, judgeSafeWrite, StatusStore } from "../../../src/stores/status-store.js";
import { MemoryLog, openLogOver } from "../../support/memory-log.js";

const status = (state: StoredStatus["state"], generation = 1, workerId = "w1"): StoredStatus => ({
  state,
  trace: null,
  workerId,
  generation,
  version: null,
});
const c = { connector: "c" };

async function openStore(mostDoubted?: number) {
  const transport = new MemoryLog();
  const clock = new SimClock();
  const random = new SeededRandom(1);
  const changed: string[] = [];
  const store = new StatusStore(
    openLogOver(transport, { clock, random, logger: silentLogger }),
    (connector) => changed.push(connector),
    clock,
    random,
    silentLogger,
    mostDoubted,
  );
  await store.start();
  const states = () => transport.texts.map(([, value]) => value && JSON.parse(value).state);
  return { transport, clock, store, changed, states };
}

describe("a safe write", () => {
  test.each([
    ["nothing is stored", undefined, true],
    ["the same worker wrote before, in whatever generation", status("RUNNING", 9, "w1"), true],
    ["another worker wrote in an older generation", status("RUNNING", 1, "w2"), true],
    ["another worker wrote in the same generation", status("RUNNING", 2, "w2"), true],
    ["another worker wrote in a newer generation", status("RUNNING", 3, "w2"), false],
  ])("when %s", (_when, stored, allowed) => {
    expect(judgeSafeWrite(stored, status("FAILED", 2, "w1"))).toBe(allowed);
  });
});

describe("a status of this worker is hidden", () => {
  test.each([
    ["another worker's older one", status("RUNNING", 3), status("UNASSIGNED", 2, "w2"), false, true],
    ["another worker's of the same generation", status("RUNNING", 3), status("RUNNING", 3, "w2"), false, false],
    ["another worker's newer one", status("RUNNING", 3), status("RUNNING", 4, "w2"), false, false],
    ["a tombstone", status("RUNNING", 3), undefined, false, true],
    ["a tombstone, though it was given up", status("UNASSIGNED", 3), undefined, false, false],
    [
      "another worker's older one, though it was given up",
      status("UNASSIGNED", 3),
      status("PAUSED", 2, "w2"),
      false,
      false,
    ],
    ["its own other one", status("RUNNING", 3), status("PAUSED", 3), false, false],
    ["its own other one, after an abandoned attempt", status("RUNNING", 3), status("PAUSED", 3), true, true],
    ["a status, after it was removed", null, status("PAUSED", 3), false, false],
    ["a status, after it was removed and an attempt abandoned", null, status("PAUSED", 3), true, true],
    ["nothing", status("RUNNING", 3), status("RUNNING", 3), true, false],
  ])("by %s", (_by, own, stored, isDoubted, hidden) => {
    expect(isHidden(own, stored, isDoubted)).toBe(hidden);
  });
});

describe("the retry of a write", () => {
  const before = status("RUNNING", 50, "w2");
  test.each([
    ["nothing was stored meanwhile", before, before, true],
    ["what was stored is gone", before, undefined, true],
    ["the same worker has written since", before, status("RUNNING", 3, "w1"), true],
    ["another worker has written since in an older generation", before, status("RUNNING", 2, "w2"), true],
    ["another worker has written since in a newer generation", undefined, status("RUNNING", 4, "w2"), false],
  ])("when %s", (_when, was, stored, allowed) => {
    expect(judgeLateWrite(was, stored, status("RUNNING", 3, "w1"))).toBe(allowed);
  });
});

describe("the status store", () => {
  test("shows a status once it has returned through the topic", async () => {
    const { store, changed, clock } = await openStore();
    store.put(c, status("RUNNING"));
    await store.flush();
    await clock.settled();
    expect(store.status(c)).toEqual(status("RUNNING"));
    expect(changed).toEqual(["c"]);
    await store.close();
  });

  test("writes only the newest status of those that wait for Kafka", async () => {
    const { store, transport, states } = await openStore();
    const gate = deferred();
    transport.sendGate = gate.promise;
    store.put(c, status("UNASSIGNED"));
    store.put(c, status("RUNNING"));
    store.put(c, status("PAUSED"));
    gate.resolve();
    await store.flush();
    expect(states()).toEqual(["UNASSIGNED", "PAUSED"]);
    await store.close();
  });

  test("does not write a FAILED over the new owner's status", async () => {
    const { store, transport, states, clock } = await openStore();
    transport.append(statusRecord.status(c, status("RUNNING", 7, "w2")));
    await clock.settled();
    store.putSafe(c, status("FAILED", 6));
    await store.flush();
    expect(states()).toEqual(["RUNNING"]);
    await store.close();
  });

  test("retries a failed write, unless a newer status replaces it", async () => {
    const { store, transport, clock, states } = await openStore();
    transport.sendError = new Error("no leader");
    store.put(c, status("PAUSED"));
    await clock.settled();
    store.put(c, status("RUNNING"));
    const flushed = store.flush();
    await clock.advance(1_500);
    await flushed;
    expect(states()).toEqual(["RUNNING"]);
    await store.close();
  });

  test("writes no RUNNING over a status that the new owner has written meanwhile", async () => {
    const { store, transport, clock, states } = await openStore();
    transport.fates.push("refused");
    store.put(c, status("RUNNING", 6));
    await clock.advance(0);
    transport.append(statusRecord.status(c, status("FAILED", 7, "w2")));
    const flushed = store.flush();
    await clock.advance(1_500);
    await flushed;
    expect(states()).toEqual(["FAILED"]);
    await store.close();
  });

  test("does not write a status that is unwanted by then", async () => {
    const { store, transport, clock, states } = await openStore();
    let leads = true;
    transport.append(statusRecord.status(c, status("RUNNING")));
    transport.fates.push("refused");
    store.remove(c, () => leads);
    await clock.advance(0);
    leads = false;
    const flushed = store.flush();
    await clock.advance(1_500);
    await flushed;
    expect(states()).toEqual(["RUNNING"]);
    await store.close();
  });

  test("writes the newer status again when an abandoned attempt lands after it", async () => {
    const { store, transport, clock, states } = await openStore();
    transport.fates.push("late");
    store.put(c, status("RUNNING"));
    await clock.advance(0);
    store.put(c, status("PAUSED"));
    await clock.advance(5_000);
    expect(states()).toEqual(["PAUSED"]);
    transport.land();
    await clock.advance(5_000);
    expect(states()).toEqual(["PAUSED", "RUNNING", "PAUSED"]);
    expect(store.status(c)?.state).toBe("PAUSED");
    await clock.advance(600_000);
    expect(transport.texts).toHaveLength(3);
    await store.close();
  });

  test("keeps only the newest connectors and tasks in mind whose attempts may still land", async () => {
    const { store, transport, clock } = await openStore(10);
    const keys = Array.from({ length: 11 }, (_, at) => ({ connector: `c${at}` }));
    for (const key of keys) {
      transport.fates.push("late");
      store.put(key, status("RUNNING"));
    }
    await clock.settled();
    for (const key of keys) store.remove(key);
    await clock.advance(30_000);
    transport.land();
    await clock.advance(30_000);
    expect(keys.filter((key) => store.status(key))).toEqual([{ connector: "c0" }]);
    await store.close();
  });

  test("keeps a status that another worker writes after an abandoned attempt", async () => {
    const { store, transport, clock, states } = await openStore();
    transport.fates.push("late");
    store.put(c, status("RUNNING"));
    await clock.advance(0);
    store.put(c, status("PAUSED"));
    await clock.advance(5_000);
    transport.append(statusRecord.status(c, status("RUNNING", 2, "w2")));
    await clock.advance(60_000);
    expect(states()).toEqual(["PAUSED", "RUNNING"]);
    await store.close();
  });

  test("writes the owner's status again for each abandoned attempt that lands after it", async () => {
    const { store, transport, clock, states } = await openStore();
    for (const state of ["RUNNING", "RESTARTING"] as const) {
      transport.fates.push("late");
      store.put(c, status(state));
      await clock.advance(0);
    }
    store.put(c, status("PAUSED"));
    await clock.advance(5_000);
    transport.land();
    await clock.advance(5_000);
    transport.append(statusRecord.status(c, status("RESTARTING")));
    await clock.advance(5_000);
    expect(states().at(-1)).toBe("PAUSED");
    await store.close();
  });

  test("writes the owner's status again over each report of a worker that did not know it yet", async () => {
    const { store, transport, clock, states } = await openStore();
    store.put(c, status("RUNNING", 5));
    await clock.settled();
    transport.append(statusRecord.status(c, status("PAUSED", 4, "w2")));
    await clock.settled();
    transport.append(statusRecord.status(c, status("UNASSIGNED", 4, "w2")));
    await clock.settled();
    expect(states()).toEqual(["RUNNING", "PAUSED", "RUNNING", "UNASSIGNED", "RUNNING"]);
    store.forget(c);
    transport.append(statusRecord.status(c, null));
    await clock.settled();
    expect(store.status(c)).toBeUndefined();
    await store.close();
  });

  test("writes a task's status again over a late UNASSIGNED that no reader shows, since compaction would keep it", async () => {
    const { store, transport, clock, states } = await openStore();
    const task = { connector: "c", task: 0 };
    store.put(task, status("RUNNING", 5));
    await clock.settled();
    transport.append(statusRecord.status(task, status("UNASSIGNED", 4, "w2")));
    await clock.settled();
    expect(states()).toEqual(["RUNNING", "UNASSIGNED", "RUNNING"]);
    await clock.advance(600_000);
    expect(states()).toHaveLength(3);
    await store.close();
  });

  test("leaves a successor's status alone when its own UNASSIGNED lands late", async () => {
    const { store, transport, clock, states } = await openStore();
    const task = { connector: "c", task: 0 };
    transport.fates.push("late");
    store.putSafe(task, status("UNASSIGNED", 5));
    await clock.advance(5_000);
    transport.append(statusRecord.status(task, status("RUNNING", 6, "w2")));
    await clock.settled();
    transport.land();
    await clock.advance(600_000);
    expect(states()).toEqual(["UNASSIGNED", "RUNNING", "UNASSIGNED"]);
    expect(store.status(task)?.state).toBe("RUNNING");
    await store.close();
  });

  test("notices a report that hides a status before its own acknowledgement", async () => {
    const { store, transport, clock, states } = await openStore();
    const gate = deferred();
    const send = transport.send.bind(transport);
    transport.send = async (records) => {
      await send(records);
      await gate.promise;
    };
    store.put(c, status("RUNNING", 5));
    await clock.settled();
    transport.append(statusRecord.status(c, status("UNASSIGNED", 4, "w2")));
    await clock.settled();
    gate.resolve();
    await clock.settled();
    expect(states()).toEqual(["RUNNING", "UNASSIGNED", "RUNNING"]);
    await store.close();
  });

  test("holds one pending status per task while Kafka does not answer", async () => {
    const { store, transport, clock, states } = await openStore();
    const gate = deferred();
    transport.sendGate = gate.promise;
    for (let task = 0; task < 20; task++) store.put({ connector: "c", task }, status("RUNNING"));
    await clock.advance(600_000);
    expect(transport.sends).toBe(20);
    for (let task = 0; task < 20; task++) store.put({ connector: "c", task }, status("PAUSED"));
    transport.sendGate = undefined;
    gate.resolve();
    const flushed = store.flush();
    await clock.advance(15_000);
    await flushed;
    expect(states().filter((state) => state === "RUNNING")).toHaveLength(20);
    expect(states().slice(20)).toEqual(new Array(20).fill("PAUSED"));
    await store.close();
  });

  test("notes a topic once", async () => {
    const { store, transport, clock } = await openStore();
    const use = { topic: "t", connector: "c", task: 0, discoveredMs: 1 };
    store.putTopic(use);
    await clock.settled();
    store.putTopic({ ...use, task: 1 });
    await clock.settled();
    expect(transport.texts).toHaveLength(1);
    store.removeTopics("c");
    await clock.settled();
    expect(store.topics("c")).toEqual([]);
    await store.close();
  });

  test("tells when any worker has removed a connector's topics", async () => {
    const { store, transport, clock } = await openStore();
    const forgotten: string[] = [];
    store.onTopicsForgotten((connector) => forgotten.push(connector));
    store.putTopic({ topic: "t", connector: "c", task: 0, discoveredMs: 1 });
    await clock.settled();
    expect(forgotten).toEqual([]);
    transport.append(statusRecord.noTopic("t", "c"));
    transport.append(statusRecord.noTopic("unknown", "d"));
    await clock.settled();
    expect(forgotten).toEqual(["c"]);
    await store.close();
  });
});
