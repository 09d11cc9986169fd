import { expect, test } from "vitest";
import { SimClock } from "../../../src/base/clock.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SeededRandom } from "../../../src/base/random.js";
import type { ConfigEvent } from "../../../src/stores/config-fold.js";
import { configRecord } from "../../../src/stores/config-records.js";
import { ConfigStore } from "../../../src/stores/config-store.js";
import { MemoryLog, openLogOver } from "../../support/memory-log.js";

async function openStore() {
  const clock = new SimClock();
  const log = new MemoryLog();
  const openLog = openLogOver(log, { clock, random: new SeededRandom(1), logger: silentLogger }, "connect-configs");
  const store = new ConfigStore(openLog, () => {});
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
  const stopped = store.putTargetState("c", "STOPPED", () => {});
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
