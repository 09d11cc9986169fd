import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ConfigError } from "../../../src/api/index.js";
import { SimClock } from "../../../src/base/clock.js";
import { deferred } from "../../../src/base/deferred.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SeededRandom } from "../../../src/base/random.js";
import type { ConfigProvider } from "../../../src/herder/config/config-providers.js";
import { HerderLoop } from "../../../src/herder/herder-loop.js";
import {
  CONFIG_MISMATCH,
  type ConnectProtocol,
  offeredProtocols,
  readPlace,
} from "../../../src/herder/membership/group-messages.js";
import { MisdirectedError } from "../../../src/herder/misdirected-error.js";
import { NO_WORK, workOf } from "../../../src/herder/work.js";
import { configRecord } from "../../../src/stores/config-records.js";
import { ConfigStore } from "../../../src/stores/config-store.js";
import { OffsetStore } from "../../../src/stores/offset-store.js";
import { statusRecord } from "../../../src/stores/status-fold.js";
import { StatusStore } from "../../../src/stores/status-store.js";
import { MemoryLog, openLogOver } from "../../support/memory-log.js";
import { FakeGroup } from "./fake-group.js";
import { FakeWorker } from "./fake-worker.js";

const clock = new SimClock();
const random = new SeededRandom(7);

describe("the herder's loop", () => {
  let configs: MemoryLog;
  let statuses: MemoryLog;
  let offsets: MemoryLog;
  let group: FakeGroup;
  let worker: FakeWorker;
  let posted: unknown[][];
  let warnings: string[];
  let lease: () => string;
  let loop: HerderLoop;

  const openLog = (transport: MemoryLog) => openLogOver(transport, { clock, random, logger: silentLogger });

  const start = async (protocol: ConnectProtocol, prepare = (_configs: MemoryLog) => {}, pluginsFail?: Error) => {
    configs = new MemoryLog();
    prepare(configs);
    statuses = new MemoryLog();
    offsets = new MemoryLog();
    group = new FakeGroup(clock);
    posted = [];
    warnings = [];
    loop = new HerderLoop(
      {
        workerId: "me:8083",
        url: "http://me:8083/",
        protocol,
        syncTimeoutMs: 3000,
        maxRebalanceDelayMs: 0,
        tracksTopics: true,
        sessionKeyKind: { algorithm: "HmacSHA256" },
        sessionKeyTtlMs: 3_600_000,
        providers: new Map<string, ConfigProvider>([
          ["vault", { get: () => new Map(Object.entries({ v: "7", password: "hunter2" })) }],
          ["lease", { get: () => ({ data: new Map([["v", lease()]]), ttlMs: 60_000 }) }],
        ]),
        clock,
        random,
        logger: { ...silentLogger, warn: (message, _fields, cause) => void warnings.push(String(cause ?? message)) },
      },
      {
        openStores: async (listeners) => ({
          config: new ConfigStore(openLog(configs), listeners.config),
          offset: new OffsetStore(openLog(offsets)),
          status: new StatusStore(openLog(statuses), listeners.status, clock, random, silentLogger),
        }),
        async createWorker(listener) {
          if (pluginsFail) throw pluginsFail;
          worker = new FakeWorker(listener);
          return worker;
        },
        joinGroup: (callbacks, protocols) => group.join(callbacks, protocols),
        postTaskConfigs: async (...call) => void posted.push(call),
        putFence: async () => {},
        fenceProducers: async () => {},
        onLoggerLevel() {},
      },
    );
    await loop.start();
    await loop.membership.settled();
  };
  beforeEach(() => start("compatible"));
  afterEach(() => loop.close());

  const put = (name: string, config: Record<string, string> = {}, state?: "PAUSED" | "STOPPED") =>
    loop.asLeader("put", "put", (writer) => writer.putConnector(name, { name, ...config }, state));
  const stateOf = (connector: string, task?: number) => loop.stores.status.status({ connector, task })?.state;

  test("starts a new connector, publishes its task configs and starts its tasks", async () => {
    await put("c");
    await clock.settled();
    expect(worker.calls).toEqual(["start c STARTED", 'start c-0 STARTED {"task":"0"}']);
    expect([stateOf("c"), stateOf("c", 0)]).toEqual(["RUNNING", "RUNNING"]);
    expect(configs.texts.map(([key]) => key)).toEqual(["connector-c", "task-c-0", "commit-c"]);
  });

  test("decisions of the leader about several connectors are written together, and about one in turn", async () => {
    const sends = configs.sends;
    const decide = (name: string, value: string) =>
      loop.asLeader(
        "put",
        "put",
        async (writer) => {
          const { value: before = "" } = writer.configs.connectors.get(name)?.config ?? {};
          await writer.putConnector(name, { name, value: `${before}${value}` }, "STOPPED");
        },
        true,
      );
    await Promise.all([decide("a", "1"), decide("b", "1"), decide("a", "2")]);
    expect(configs.sends - sends).toBe(2);
    expect(loop.configs().connectors.get("a")?.config["value"]).toMatch(/^12$|^21$/);
    expect(loop.configs().connectors.get("b")?.config["value"]).toBe("1");
  });

  test("passes a reference's value to the connector, and publishes the reference", async () => {
    const reference = `\${vault:v}`;
    await put("c", { v: reference });
    worker.generated.set("c", [{ v: "7", task: "0" }]);
    loop.runner.startConnector("c");
    await clock.settled();
    expect(worker.calls[0]).toBe("start c STARTED v7");
    expect(configs.texts.filter(([key]) => key.startsWith("task-")).at(-1)?.[1]).toContain(reference);
    expect(configs.texts.some(([, value]) => value?.includes('"7"'))).toBe(false);
  });

  test("a connector whose values expire while their provider is down runs on, and gets new ones once it is back", async () => {
    lease = () => "old";
    await put("c", { v: `\${lease:v}` });
    await clock.settled();
    const { length } = worker.calls;
    lease = () => {
      throw new ConfigError("config.providers", "the vault is sealed");
    };
    await clock.advance(600_000);
    expect([worker.calls.slice(length), stateOf("c")]).toEqual([[], "RUNNING"]);
    lease = () => "new";
    await clock.advance(60_000);
    expect(worker.calls.slice(length)).toEqual(["stop c", "start c STARTED vnew"]);
    expect(stateOf("c")).toBe("RUNNING");
  });

  test("shows the reference, not its value, in traces and waiting texts", async () => {
    const reference = `\${vault:password}`;
    await put("c", { password: reference });
    await clock.settled();
    worker.listener.connectorStatus("c", "FAILED", "Error: hunter2 is wrong", "1.0");
    worker.listener.taskStatus({ connector: "c", task: 0 }, "RUNNING", "waiting for hunter2", "1.0");
    await clock.settled();
    expect(loop.stores.status.status({ connector: "c" })?.trace).toBe(`Error: ${reference} is wrong`);
    expect(loop.stores.status.status({ connector: "c", task: 0 })?.trace).toBe(`waiting for ${reference}`);
    expect(statuses.texts.some(([, value]) => value?.includes("hunter2"))).toBe(false);
  });

  test("hides a connector's secret in the failure of another one whose task host it killed", async () => {
    const reference = `\${vault:password}`;
    await put("c", { password: reference });
    await put("other");
    await clock.settled();
    worker.listener.taskStatus({ connector: "other", task: 0 }, "FAILED", "host lost: hunter2 is wrong", "1.0");
    await clock.settled();
    const status = loop.stores.status.status({ connector: "other", task: 0 });
    expect(status?.trace).toBe(`host lost: ${reference} is wrong`);
  });

  test("restarts a failed task by itself where its connector asks for it, and shows when", async () => {
    await put("c", { "errors.restart.max.attempts": "1" });
    await clock.settled();
    worker.calls.length = 0;
    const fail = () => worker.fail({ connector: "c", task: 0 }, "Error: no\n", "retriable");
    fail();
    await clock.settled();
    expect(loop.stores.status.status({ connector: "c", task: 0 })?.trace).toMatch(
      /^Error: no\nAutomatic restart 1 of 1 at \d{4}-.*Z \(errors\.restart\.max\.attempts\)\n$/,
    );
    await clock.advance(1_000);
    expect(worker.calls).toEqual(["stop c-0", 'start c-0 STARTED {"task":"0"}']);
    expect(stateOf("c", 0)).toBe("RUNNING");
    fail();
    await clock.advance(3_600_000);
    expect(worker.calls).toHaveLength(2);
    expect(loop.stores.status.status({ connector: "c", task: 0 })?.trace).toContain("No automatic restart");
  });

  test("does not restart by itself what somebody else has restarted, however long that start takes", async () => {
    await put("c", { "errors.restart.max.attempts": "-1" });
    await clock.settled();
    worker.silent.add("c");
    worker.fail({ connector: "c", task: 0 }, "Error: no", null);
    await clock.advance(500);
    worker.calls.length = 0;
    await loop.run("restart", () => loop.runner.restartTask({ connector: "c", task: 0 }));
    expect(worker.calls).toHaveLength(2);
    await clock.advance(3_600_000);
    expect(worker.calls).toHaveLength(2);
  });

  test("restarts a failed connector by itself, but no task or connector that moved away", async () => {
    await put("c", { "errors.restart.max.attempts": "-1" });
    await clock.settled();
    worker.calls.length = 0;
    worker.fail({ connector: "c" }, "Error: no", null);
    await clock.advance(1_000);
    expect(worker.calls.slice(0, 2)).toEqual(["stop c", "start c STARTED"]);
    worker.fail({ connector: "c" }, "Error: no", null);
    worker.fail({ connector: "c", task: 0 }, "Error: no", null);
    await loop.asLeader("delete", "delete", (writer) => writer.removeConnector("c"));
    await clock.settled();
    worker.calls.length = 0;
    await clock.advance(3_600_000);
    expect(worker.calls).toEqual([]);
  });

  test("leaves a failed task alone whose keys have become invalid, and shows a reference, not its value, for it", async () => {
    const reference = `\${vault:password}`;
    await put("c", { "errors.restart.max.attempts": reference });
    await clock.settled();
    worker.calls.length = 0;
    worker.fail({ connector: "c", task: 0 }, "Error: no", "retriable");
    await clock.advance(3_600_000);
    expect([worker.calls, warnings.length]).toEqual([[], 1]);
    expect(warnings[0]).toContain(reference);
    expect(warnings[0]).not.toContain("hunter2");
  });

  test("leaves a failed task alone without being asked", async () => {
    await put("c");
    await clock.settled();
    worker.calls.length = 0;
    worker.fail({ connector: "c", task: 0 }, "Error: no", "retriable");
    await clock.advance(3_600_000);
    expect(worker.calls).toEqual([]);
    expect(loop.stores.status.status({ connector: "c", task: 0 })?.trace).toBe("Error: no");
  });

  test("serves other connectors while one blocks in start", async () => {
    worker.blocked.add("stuck");
    await put("stuck");
    await put("fine");
    await clock.settled();
    expect(stateOf("fine", 0)).toBe("RUNNING");
    expect(stateOf("stuck")).toBeUndefined();
  });

  test("publishes changed task configs once, and restarts all tasks with them (I5)", async () => {
    await put("c");
    await clock.settled();
    worker.calls.length = 0;
    worker.generated.set("c", [{ task: "a" }, { task: "b" }]);
    worker.listener.requestReconfiguration("c");
    await clock.settled();
    expect(worker.calls).toEqual(["stop c-0", 'start c-0 STARTED {"task":"a"}', 'start c-1 STARTED {"task":"b"}']);
    worker.listener.requestReconfiguration("c");
    await clock.settled();
    expect(worker.calls).toHaveLength(3);
  });

  test("writes further changes while tasks stop, and starts what replaces them once all have stopped (I4)", async () => {
    for (const name of ["a", "b"]) await put(name);
    await clock.settled();
    worker.calls.length = 0;
    const gate = deferred();
    worker.stopGate = gate.promise;
    for (const name of ["a", "b"]) {
      worker.generated.set(name, [{ task: "new" }]);
      await put(name, { changed: "yes" });
      await clock.settled();
    }
    expect(worker.calls).toEqual(["stop a", "start a STARTED", "stop b", "start b STARTED"]);
    expect(loop.configs().connectors.get("b")?.taskConfigs).toEqual([{ task: "new" }]);
    const before = loop.membership.generation;
    gate.resolve();
    await clock.settled();
    expect(worker.calls.slice(4)).toEqual([
      "stop a-0",
      "stop b-0",
      'start a-0 STARTED {"task":"new"}',
      'start b-0 STARTED {"task":"new"}',
    ]);
    expect(loop.membership.generation - before).toBe(1);
  });

  test("pauses and resumes running work without a rebalance", async () => {
    await put("c");
    await clock.settled();
    const { generationId } = group;
    worker.calls.length = 0;
    await loop.stores.config.putTargetState("c", "PAUSED");
    await clock.settled();
    expect([stateOf("c"), stateOf("c", 0)]).toEqual(["PAUSED", "PAUSED"]);
    await loop.stores.config.putTargetState("c", "STARTED");
    await clock.settled();
    expect(worker.calls).toEqual(["set c PAUSED", "set c-0 PAUSED", "set c STARTED", "set c-0 STARTED"]);
    expect(group.generationId).toBe(generationId);
  });

  test("stops a deleted connector, and leaves no status of it", async () => {
    await put("c");
    await clock.settled();
    await loop.asLeader("remove", "remove", (writer) => writer.removeConnector("c"));
    await clock.settled();
    expect(worker.calls.slice(-2)).toEqual(["stop c-0", "stop c"]);
    expect([stateOf("c"), stateOf("c", 0)]).toEqual([undefined, undefined]);
    expect(statuses.texts.slice(-2).map(([, value]) => value)).toEqual([null, null]);
    expect(loop.membership.assigned.connectors.size).toBe(0);
  });

  test("as the leader it deletes statuses that arrive after their connector or task is gone", async () => {
    await put("c");
    await clock.settled();
    const late = { state: "UNASSIGNED", trace: null, workerId: "lost:8083", generation: 0, version: null } as const;
    statuses.append(statusRecord.status({ connector: "c", task: 7 }, late));
    statuses.append(statusRecord.status({ connector: "deleted" }, late));
    statuses.append(statusRecord.status({ connector: "deleted", task: 0 }, late));
    await clock.settled();
    expect([stateOf("c", 7), stateOf("deleted"), stateOf("deleted", 0)]).toEqual([undefined, undefined, undefined]);
    expect([stateOf("c"), stateOf("c", 0)]).toEqual(["RUNNING", "RUNNING"]);
  });

  test("writes its status again when a worker that was away too long reports over it", async () => {
    await put("c");
    await clock.settled();
    const before = statuses.texts.length;
    const stale = { state: "UNASSIGNED", trace: null, workerId: "frozen:8083", generation: 0, version: null } as const;
    statuses.append(statusRecord.status({ connector: "c" }, stale));
    statuses.append(statusRecord.status({ connector: "c", task: 0 }, { ...stale, state: "PAUSED" }));
    await clock.settled();
    expect([stateOf("c"), stateOf("c", 0)]).toEqual(["RUNNING", "RUNNING"]);
    expect(statuses.texts).toHaveLength(before + 4);
  });

  test("a task that restarts when it is deleted leaves no RESTARTING", async () => {
    await put("c");
    await clock.settled();
    worker.blocked.add("c");
    statuses.fates.push("refused");
    await loop.asLeader("restart", "restart", (writer) =>
      writer.putRestartRequest({ connector: "c", includeTasks: false, onlyFailed: false }),
    );
    await clock.settled();
    await loop.asLeader("remove", "remove", (writer) => writer.removeConnector("c"));
    await clock.advance(60_000);
    expect(stateOf("c")).toBeUndefined();
  });

  test("restarts the work in a request, showing RESTARTING until it runs", async () => {
    await put("c");
    await clock.settled();
    worker.calls.length = 0;
    const request = { connector: "c", includeTasks: true, onlyFailed: false };
    await loop.asLeader("restart", "restart", (writer) => writer.putRestartRequest(request));
    await clock.settled();
    expect(worker.calls).toEqual(["stop c-0", "stop c", "start c STARTED", 'start c-0 STARTED {"task":"0"}']);
    expect([stateOf("c"), stateOf("c", 0)]).toEqual(["RUNNING", "RUNNING"]);
    worker.blocked.add("c");
    await loop.asLeader("restart", "restart", (writer) =>
      writer.putRestartRequest({ ...request, includeTasks: false }),
    );
    await clock.settled();
    expect(loop.stores.status.status({ connector: "c" })).toMatchObject({ state: "RESTARTING", version: null });
  });

  test("is ready once it has joined the group, and stays so while the group has dropped it", async () => {
    await loop.close();
    const starting = start("compatible", (log) => {
      log.held = true;
      log.append(configRecord.loggerLevel("x", "INFO"));
    });
    await clock.settled();
    expect(loop.ready).toBe(false);
    configs.held = false;
    configs.wake();
    await starting;
    expect(loop.ready).toBe(true);
    const back = group.lose();
    expect([loop.membership.place, loop.ready]).toEqual([undefined, true]);
    await back;
  });

  test("stops everything when the group drops it, and starts again once it is back (I4)", async () => {
    await put("c");
    await clock.settled();
    worker.calls.length = 0;
    const back = group.lose();
    expect(worker.calls).toEqual(["stop c-0", "stop c"]);
    expect(loop.membership.place).toBeUndefined();
    await back;
    await clock.settled();
    expect(worker.calls.slice(2)).toEqual(["start c STARTED", 'start c-0 STARTED {"task":"0"}']);
  });

  test("stops everything when the group drops it, even while a write hangs, and writes nothing more on behalf of that place (I4, I7)", async () => {
    await put("c");
    await clock.settled();
    worker.calls.length = 0;
    const gate = deferred();
    configs.sendGate = gate.promise;
    const refused = expect(put("late")).rejects.toMatchObject({ code: "STORE_UNWRITABLE" });
    await clock.settled();
    const sends = configs.sends;
    group.elsewhere = { url: "http://other:8083/", work: workOf([], []) };
    const back = group.lose();
    await clock.settled();
    expect(worker.calls).toEqual(["stop c-0", "stop c"]);
    // Neither the answer nor the rejoin waits for the hanging write.
    await clock.advance(1_000);
    await refused;
    await back;
    expect(loop.membership.place).toMatchObject({ isLeader: false });
    // The attempt in flight lands, and no other.
    gate.resolve();
    await clock.advance(60_000);
    expect(configs.sends).toBe(sends);
    expect(configs.texts.filter(([key]) => key === "connector-late")).toHaveLength(1);
  });

  test("stores no offset after the group has dropped it and everything has stopped (I3)", async () => {
    offsets.sendGate = deferred().promise;
    const isOver = new Error("the task was cancelled");
    let attempts = 0;
    const stored = loop.stores.offset.flush("c", [{ partition: { a: 1 }, offset: { at: 1 } }], () => {
      if (++attempts > 1) throw isOver;
    });
    const refused = expect(stored).rejects.toBe(isOver);
    await clock.settled();
    await group.lose();
    await clock.advance(2_000);
    await refused;
  });

  test("starts nothing from an assignment that was still in progress when the group dropped it (I4)", async () => {
    await put("c");
    await clock.settled();
    group.elsewhere = { url: "http://other:8083/", work: workOf(["c"], [{ connector: "c", task: 0 }]), ahead: 1 };
    configs.held = true;
    configs.append(configRecord.loggerLevel("x", "INFO"));
    const rebalance = group.rebalance();
    await clock.settled();
    worker.calls.length = 0;
    group.elsewhere = { url: "http://other:8083/", work: workOf([], []) };
    await group.lose();
    configs.held = false;
    configs.wake();
    await clock.advance(5_000);
    await rebalance;
    expect(worker.calls).toEqual(["stop c-0", "stop c"]);
  });

  test("makes a write wait for a rebalance to end", async () => {
    await loop.membership.onPrepare();
    let written = false;
    const writing = put("c").then(() => {
      written = true;
    });
    await clock.settled();
    expect(written).toBe(false);
    await group.rebalance();
    await writing;
  });

  test("a follower writes nothing (I7), and posts its task configs to the leader", async () => {
    await put("c");
    await clock.settled();
    group.elsewhere = { url: "http://other:8083/", work: workOf(["c"], []) };
    await group.rebalance();
    const before = configs.texts.length;
    await expect(put("d")).rejects.toEqual(new MisdirectedError("http://other:8083/", "put"));
    worker.generated.set("c", [{ task: "new" }]);
    worker.listener.requestReconfiguration("c");
    await clock.settled();
    expect(configs.texts).toHaveLength(before);
    const { configOffset } = loop.configs().connectors.get("c")!;
    expect(posted).toEqual([["http://other:8083/", "c", [{ task: "new" }], configOffset]]);
  });

  test("writes no task configs that queued behind a stop", async () => {
    await put("c");
    await clock.settled();
    const stopping = loop.asLeader("stop", "stop", async (writer) => {
      await clock.settled(); // the connector still runs, and requests new tasks
      await writer.stopConnector("c");
    });
    worker.generated.set("c", [{ task: "late" }]);
    worker.listener.requestReconfiguration("c");
    await expect(loop.leaderRequests.writeTaskConfigs("c", [{ task: "late" }], undefined)).rejects.toMatchObject({
      name: "ConflictError",
    });
    await stopping;
    await clock.settled();
    expect(configs.texts.some(([, value]) => value?.includes("late"))).toBe(false);
    expect(loop.configs().connectors.get("c")).toMatchObject({ targetState: "STOPPED", taskConfigs: [] });
    expect([stateOf("c"), stateOf("c", 0)]).toEqual(["STOPPED", undefined]);
    await loop.leaderRequests.writeTaskConfigs("c", [], undefined);
  });

  test("under the eager protocol everything stops for a rebalance, and starts again after it", async () => {
    await loop.close();
    await start("eager");
    await put("c");
    await clock.settled();
    worker.calls.length = 0;
    await group.rebalance();
    await clock.settled();
    expect(worker.calls).toEqual(["stop c-0", "stop c", "start c STARTED", 'start c-0 STARTED {"task":"0"}']);
  });

  test("under the sessioned protocol the leader creates a key, and a new one when it is old", async () => {
    await loop.close();
    await start("sessioned");
    const keys = () => configs.texts.filter(([key]) => key === "session-key").map(([, value]) => value);
    await clock.settled();
    expect(keys()).toHaveLength(1);
    await group.rebalance();
    await clock.settled();
    expect(keys()).toHaveLength(1);
    await clock.advance(2_400_000);
    // Of a key that is found, too, the age counts, not the time since this leader found it.
    await group.rebalance();
    await clock.settled();
    expect(keys()).toHaveLength(1);
    await clock.advance(1_200_000);
    await clock.settled();
    expect(new Set(keys()).size).toBe(2);
  });

  test("a refused session key is retried on a timer, without a rebalance", async () => {
    await loop.close();
    const refuse = (log: MemoryLog) => {
      log.sendError = new Error("TOPIC_AUTHORIZATION_FAILED");
    };
    await start("sessioned", refuse);
    await clock.settled();
    expect([configs.texts, group.joins, group.failures]).toEqual([[], 1, []]);
    await clock.advance(2_000);
    expect(configs.texts.map(([key]) => key)).toEqual(["session-key"]);
    expect([group.joins, group.failures]).toEqual([1, []]);
  });

  test("tasks of a new commit wait for the place that covers it, and then start with it (I4)", async () => {
    await put("c");
    await clock.settled();
    worker.calls.length = 0;
    const othersHaveStopped = deferred();
    group.gate = othersHaveStopped.promise;
    configs.append(configRecord.task("c", 0, { task: "new" }));
    configs.append(configRecord.commit("c", 1));
    await clock.settled();
    expect(worker.calls).toEqual(["stop c-0"]);
    othersHaveStopped.resolve();
    await clock.settled();
    expect(worker.calls).toEqual(["stop c-0", 'start c-0 STARTED {"task":"new"}']);
  });

  test("as the leader it assigns nothing while a member still runs tasks that a commit has replaced (I4)", async () => {
    await put("c");
    await clock.settled();
    const { offset } = loop.configs();
    const held = workOf([], [{ connector: "c", task: 0 }]);
    const input = (configOffset: number) => ({
      protocol: "compatible",
      generationId: 9,
      leaderId: "me",
      members: ["me", "other"].map((memberId) => {
        const place = memberId === "me" ? { configOffset: offset, held: NO_WORK } : { configOffset, held };
        return {
          memberId,
          metadata: offeredProtocols("compatible", { url: `http://${memberId}/`, ...place })[0]!.metadata,
        };
      }),
    });
    const errorOf = async (configOffset: number) =>
      readPlace((await loop.membership.assign(input(configOffset))).get("me")!).error;
    expect(await errorOf(offset - 1)).toBe(CONFIG_MISMATCH);
    expect(await errorOf(offset)).toBe(0);
  });

  test("a member that cannot read the config topic drops its work, so that others need not wait for it", async () => {
    await put("c");
    await clock.settled();
    worker.calls.length = 0;
    configs.held = true;
    configs.append(configRecord.loggerLevel("x", "INFO"));
    group.elsewhere = { url: "http://other:8083/", work: workOf([], []), ahead: 1 };
    void group.rebalance();
    await clock.advance(12_000);
    expect(worker.calls).toEqual([]);
    await clock.advance(12_000);
    expect(worker.calls).toEqual(["stop c-0", "stop c"]);
    expect(group.failures).toEqual([]);
    configs.held = false;
    configs.wake();
    await clock.advance(5_000);
  });

  test("a failed start closes everything it has opened", async () => {
    await loop.close();
    await expect(start("compatible", () => {}, new Error("no such plugin folder"))).rejects.toThrow("no such plugin");
    expect([configs.closed, statuses.closed]).toEqual([true, true]);
    await expect(loop.loaded).rejects.toThrow("no such plugin");
  });

  test("a closed worker takes no work from a rebalance that outlives it, and no callback fails", async () => {
    await put("c");
    await clock.settled();
    // The leader is ahead, and the topic is not read further: the rebalance hangs in a command.
    group.elsewhere = { url: "http://other:8083/", work: workOf(["c"], [{ connector: "c", task: 0 }]), ahead: 1 };
    configs.held = true;
    const rebalance = group.rebalance();
    await clock.settled();
    const closing = loop.close();
    await clock.advance(3_000);
    await closing;
    worker.calls.length = 0;
    await clock.advance(60_000);
    await rebalance;
    expect(worker.calls).toEqual([]);
    expect(group.failures).toEqual([]);
  });

  test("a command that outlives the closing starts nothing", async () => {
    await put("c");
    await clock.settled();
    const stopped = deferred();
    worker.stopGate = stopped.promise;
    worker.calls.length = 0;
    // The task should restart after its stop, which takes long.
    void loop.run("restarting", () => loop.runner.restart(undefined, [{ connector: "c", task: 0 }]));
    await clock.settled();
    const closing = loop.close();
    await clock.advance(3_000);
    await closing;
    stopped.resolve();
    await clock.settled();
    expect(worker.calls.filter((call) => call.startsWith("start"))).toEqual([]);
  });

  test("stays a member and does not rejoin while its last work ends", async () => {
    await put("c");
    await clock.settled();
    const ended = deferred();
    worker.closeGate = ended.promise;
    const { joins } = group;
    const closing = loop.close();
    loop.membership.rejoinIfOutdated();
    await group.rebalance();
    await clock.advance(60_000);
    expect([group.retired, group.left, group.joins]).toEqual([true, false, joins]);
    ended.resolve();
    await closing;
    expect(group.left).toBe(true);
  });

  test("leaves and warns if its last statuses cannot be written", async () => {
    await put("c");
    await clock.settled();
    const gate = deferred();
    statuses.sendGate = gate.promise;
    const closing = loop.close();
    await clock.advance(3_000);
    await closing;
    expect(group.left).toBe(true);
    gate.resolve();
    expect(warnings).toContainEqual(expect.stringMatching(/^Kafka did not take the last statuses in time/));
  });

  test("commits, reports and leaves when it closes", async () => {
    await put("c");
    await clock.settled();
    await loop.close();
    expect(worker.calls.slice(-2)).toEqual(["stop c-0", "stop c"]);
    expect(statuses.texts.slice(-2).map(([, value]) => JSON.parse(value!).state)).toEqual(["UNASSIGNED", "UNASSIGNED"]);
    expect(group.left).toBe(true);
    await expect(put("d")).rejects.toMatchObject({ name: "LoopEndedError" });
    expect(group.failures).toEqual([]);
  });
});
