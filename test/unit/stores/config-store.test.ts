import { expect, test } from "vitest";
import { SimClock } from "../../../src/base/clock.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SeededRandom } from "../../../src/base/random.js";
import { judgeTaskConfigs } from "../../../src/herder/membership/task-configs-plan.js";
import type { ConfigEvent } from "../../../src/stores/config-fold.js";
import { ConfigFold } from "../../../src/stores/config-fold.js";
import { configRecord } from "../../../src/stores/config-records.js";
import { ConfigStore } from "../../../src/stores/config-store.js";
import type { StoreRecord } from "../../../src/stores/log-transport.js";
import { MemoryLog, openLogOver } from "../../support/memory-log.js";

async function openStore(inTransactions = false) {
  const clock = new SimClock();
  const log = new MemoryLog();
  const openLog = openLogOver(log, { clock, random: new SeededRandom(1), logger: silentLogger }, "connect-configs");
  const leaderSends = { lead() {}, send: (records: readonly StoreRecord[]) => log.send(records), drop() {} };
  const store = new ConfigStore(openLog, () => {}, inTransactions ? leaderSends : undefined);
  await store.start();
  return { clock, log, store };
}

test("reads on after a record that is nested too deeply to parse, and reports its position", async () => {
  const warnings: unknown[] = [];
  const logger = { ...silentLogger, warn: (_message: string, fields?: object) => void warnings.push(fields) };
  const events: ConfigEvent[] = [];
  const log = new MemoryLog();
  const openLog = openLogOver(log, { clock: new SimClock(), random: new SeededRandom(1), logger }, "connect-configs");
  const store = new ConfigStore(openLog, (news) => events.push(...news));
  await store.start();
  log.append(configRecord.connector("before", { name: "before" }));
  const depth = 50_000;
  log.append({
    key: Buffer.from("connector-deep"),
    value: Buffer.from(`${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`),
  });
  log.append(configRecord.connector("after", { name: "after" }));
  const { connectors, offset } = await store.readToEnd();
  expect([[...connectors.keys()], offset]).toEqual([["before", "after"], 3]);
  expect(events.map(({ kind }) => kind)).toEqual(["connector-added", "connector-added"]);
  expect(warnings).toEqual([
    { topic: "connect-configs", partition: 0, offset: 1, key: "connector-deep", why: expect.any(String) },
  ]);
  await store.close();
});

test("a stop that waits to be tried again does not undo a newer resume, and a new config undoes no pause", async () => {
  const { clock, log, store } = await openStore();
  log.fates.push("refused");
  const stopped = store.stopConnector(() => {}, "c");
  await clock.advance(0);
  await store.putTargetState("c", "STARTED");
  const rejected = expect(stopped).rejects.toThrow(/STOPPED of connector c .* newer request/);
  await clock.advance(60_000);
  await rejected;

  log.fates.push("refused");
  const paused = store.putTargetState("c", "PAUSED");
  await clock.advance(0);
  const changed = store.putConnector(() => {}, "c", { name: "c" });
  await clock.advance(60_000);
  await Promise.all([paused, changed]);
  expect(log.texts.map(([key]) => key)).toEqual(["target-state-c", "connector-c", "target-state-c"]);
  await store.close();
});

test("a target state that waits to be tried again does not undo a newer one, or a newer removal", async () => {
  const { clock, log, store } = await openStore();
  log.fates.push("refused");
  const paused = store.putTargetState("c", "PAUSED");
  await clock.advance(0);
  await store.putTargetState("c", "STARTED");
  const rejected = expect(paused).rejects.toThrow(/PAUSED of connector c .* newer request/);
  await clock.advance(60_000);
  await rejected;

  log.fates.push("refused");
  const pausedAgain = store.putTargetState("c", "PAUSED");
  await clock.advance(0);
  const removed = store.removeConnector(() => {}, "c");
  const rejectedAgain = expect(pausedAgain).rejects.toThrow(/newer request/);
  await clock.advance(60_000);
  await Promise.all([removed, rejectedAgain]);

  log.fates.push("refused");
  const last = store.putTargetState("c", "PAUSED");
  await clock.advance(60_000);
  await last;
  expect(log.texts.map(([key, value]) => [key, value && JSON.parse(value)["state.v2"]])).toEqual([
    ["target-state-c", "STARTED"],
    ["connector-c", null],
    ["target-state-c", null],
    ["target-state-c", "PAUSED"],
  ]);
  await store.close();
});

test("a repetition of the tasks in force leaves none to fence, for a reader of the compacted topic, too", async () => {
  const { log, store } = await openStore();
  const leads = () => {};
  await store.putConnector(leads, "c", { name: "c" });
  await store.putTaskConfigs(leads, "c", [{ task: "0" }, { task: "1" }]);
  await store.putTaskCount(leads, "c", 2);
  await store.putConnector(leads, "c", { name: "c" });
  await store.putTaskConfigs(leads, "c", [{ task: "0" }, { task: "1" }]);
  expect((await store.readToEnd()).fencing.get("c")).toEqual({ recordedTasks: 2, isPending: false });
  const records = log.partitions[0]!;
  const after = await openStore();
  for (const [at, record] of records.entries()) {
    const isNewest = !records.slice(at + 1).some(({ key }) => key?.equals(record.key!));
    if (isNewest) after.log.append({ key: record.key!, value: record.value });
  }
  // Their tasks run on: to fence them would fail them.
  expect((await after.store.readToEnd()).fencing.get("c")).toEqual({ recordedTasks: 2, isPending: false });
  await Promise.all([store.close(), after.store.close()]);
});

test("a changed connector and the number of its fenced tasks are one transaction", async () => {
  const { log, store } = await openStore(true);
  await store.putConnector(() => {}, "c", { name: "c" });
  await store.putTaskConfigs(() => {}, "c", [{ task: "0" }, { task: "1" }]);
  await store.putTaskCount(() => {}, "c", 2);
  const { sends } = log;
  await store.putConnector(() => {}, "c", { name: "c", v: "2" });
  expect(log.sends).toBe(sends + 1);
  expect(log.texts.at(-1)).toEqual(["tasks-fencing-c", '{"task-count":2}']);
  await store.close();
});

test("repeated tasks and the number of them that is fenced are one transaction; of new tasks none is fenced", async () => {
  const { log, store } = await openStore(true);
  await store.putConnector(() => {}, "c", { name: "c" });
  await store.putTaskConfigs(() => {}, "c", [{ task: "0" }]);
  await store.putTaskCount(() => {}, "c", 1);
  const { sends } = log;
  await store.putTaskConfigs(() => {}, "c", [{ task: "0" }]);
  expect(log.sends).toBe(sends + 1);
  expect(log.texts.slice(-2).map(([key]) => key)).toEqual(["commit-c", "tasks-fencing-c"]);
  expect(store.snapshot().fencing.get("c")).toEqual({ recordedTasks: 1, isPending: false });
  await store.putTaskConfigs(() => {}, "c", [{ task: "1" }]);
  expect(store.snapshot().fencing.get("c")).toEqual({ recordedTasks: 1, isPending: true });
  await store.close();
});

test("a new connector that is changed before it has tasks leaves those of its deleted namesake to be fenced", async () => {
  const { store } = await openStore();
  await store.putConnector(() => {}, "c", { name: "c" });
  await store.putTaskConfigs(() => {}, "c", [{ task: "0" }, { task: "1" }]);
  await store.putTaskCount(() => {}, "c", 2);
  await store.removeConnector(() => {}, "c");
  await store.putConnector(() => {}, "c", { name: "c" });
  await store.putConnector(() => {}, "c", { name: "c", v: "2" });
  await store.putTaskConfigs(() => {}, "c", [{ task: "0" }]);
  expect(store.snapshot().fencing.get("c")).toEqual({ recordedTasks: 2, isPending: true });
  await store.close();
});

test("a stop removes the tasks and sets the state in one write, which a crash of the leader does not cut", async () => {
  const { log, store } = await openStore();
  await store.putConnector(() => {}, "c", { name: "c" });
  await store.putTaskConfigs(() => {}, "c", [{ "task.class": "T" }]);
  const { sends } = log;
  await store.stopConnector(() => {}, "c");
  expect(log.sends).toBe(sends + 1);
  expect(log.texts.slice(-2).map(([key]) => key)).toEqual(["commit-c", "target-state-c"]);
  expect(store.snapshot().connectors.get("c")).toMatchObject({ targetState: "STOPPED", taskCount: 0 });
  await store.close();
});

test("a changed connector keeps its tasks, running as they are, also for a reader of the compacted topic", async () => {
  const { log, store } = await openStore();
  await store.putConnector(() => {}, "c", { name: "c", v: "1" });
  await store.putTaskConfigs(() => {}, "c", [{ "task.class": "T" }]);
  const before = store.snapshot().connectors.get("c")!;
  const { sends } = log;
  await store.putConnector(() => {}, "c", { name: "c", v: "2" });
  expect(log.sends).toBe(sends + 1);
  const after = store.snapshot().connectors.get("c")!;
  expect(after).toMatchObject({ config: { v: "2" }, appliedConfig: { v: "1" }, tasksOffset: before.tasksOffset });
  await store.close();

  const newest = new Map(log.partitions[0]!.map((record) => [String(record.key), record]));
  const compacted = new ConfigFold();
  for (const record of [...newest.values()].sort((a, b) => a.offset - b.offset)) compacted.apply(record);
  const replayed = compacted.snapshot().connectors.get("c")!;
  expect(replayed).toMatchObject({ config: { v: "2" }, taskConfigs: [{ "task.class": "T" }] });
  // Whichever worker runs the connector publishes its tasks again, with the new config in force.
  for (const entry of [after, replayed]) expect(judgeTaskConfigs(entry, entry.taskConfigs)).toBe("publish");
});
