import { describe, expect, test } from "vitest";
import type { SourceMap, SourceOffset } from "../../../src/api/index.js";
import { SimClock } from "../../../src/base/clock.js";
import { deferred } from "../../../src/base/deferred.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SeededRandom } from "../../../src/base/random.js";
import { OffsetStore } from "../../../src/stores/offset-store.js";
import { ConnectWorker } from "../../../src/worker/connect-worker.js";
import { failureOf } from "../../../src/worker/host/failure.js";
import type { HostKind, HostListener } from "../../../src/worker/host/host-link.js";
import { assignHost } from "../../../src/worker/host/host-placement.js";
import { judgeHost } from "../../../src/worker/host/host-watch.js";
import type { HostCommand } from "../../../src/worker/host/task-host-messages.js";
import { NamedPlugins } from "../../../src/worker/plugins/named-plugins.js";
import { TaskCounters } from "../../../src/worker/task/task-counters.js";
import type { SourceFencing, SourceOffsetStore, TaskMetrics, WorkerListener } from "../../../src/worker/worker.js";
import { parseWorkerSettings } from "../../../src/worker/worker-config.js";
import { MemoryLog, openLogOver } from "../../support/memory-log.js";
import { inProcessCalls } from "./connector/in-process-calls.js";
import { refusedThread } from "./host/refused-thread.js";
import { noPluginFacts, noPlugins } from "./source-harness.js";

class FakeHost {
  readonly commands: HostCommand[] = [];
  closed = false;
  /** Ends runs on a stop command, and answers for metrics. */
  obedient = true;
  /** The run whose code it ran last. */
  owner = 0;
  /** When set, its end waits for it. */
  closeGate: Promise<void> | undefined;
  tasks: TaskMetrics[] = [];

  constructor(
    readonly kind: HostKind,
    readonly heapMb: number,
    readonly listener: HostListener,
  ) {}

  send(command: HostCommand): void {
    this.commands.push(command);
    if (!this.obedient) return;
    if (command.type === "stop" && !command.cancel) {
      this.status(command.run, "UNASSIGNED");
      this.listener.report({ type: "ended", run: command.run });
    }
    const { tasks } = this;
    if (command.type === "metrics") this.listener.report({ type: "metrics", request: command.request, tasks });
  }

  status(run: number, state: "RUNNING" | "UNASSIGNED" | "PAUSED", waitingFor: string | null = null): void {
    this.listener.report({ type: "status", run, state, waitingFor, version: "1" });
  }

  fail(run: number, message: string): void {
    this.listener.report({ type: "failed", run, failure: failureOf(new Error(message)), version: "1" });
  }

  /** The run of the newest task started here. */
  get run(): number {
    const start = this.commands.findLast((command) => command.type === "start");
    return start?.type === "start" ? start.run : -1;
  }
}

const NO_GAUGES = {
  lagRecords: 0,
  lagRecordsMax: 0,
  lagBytes: 0,
  activeRecords: 0,
  awaitingBoundary: 0,
  own: {},
  pendingRecords: 0,
  source: undefined,
  partitions: 0,
  deadLetters: { requests: 0, failures: 0 },
  clients: [],
};

function rig(
  props: Record<string, string> = {},
  offsets?: SourceOffsetStore,
  clock = new SimClock(),
  fencing?: SourceFencing,
) {
  const hosts: FakeHost[] = [];
  const threads = { areRefused: false };
  const told: string[] = [];
  const flushed: string[] = [];
  const listener: WorkerListener = {
    connectorStatus: (name, state, trace) => told.push(`${name} ${state} ${trace?.split("\n")[0] ?? ""}`.trim()),
    taskStatus: ({ connector, task }, state, trace) =>
      told.push(`${connector}-${task} ${state} ${trace?.split("\n")[0] ?? ""}`.trim()),
    requestReconfiguration: () => {},
    topicUsed: ({ connector }, topic) => told.push(`${connector} uses ${topic}`),
  };
  const worker = new ConnectWorker({
    settings: parseWorkerSettings(props),
    plugins: new NamedPlugins(noPluginFacts),
    calls: inProcessCalls(noPlugins, clock),
    offsets: offsets ?? {
      read: async (connector: string, partitions: readonly SourceMap[]): Promise<SourceOffset[]> =>
        partitions.map((partition) => ({ partition, offset: { of: connector } })),
      eras: async () => ({ worker: 1 }),
      workerEra: () => 1,
      flush: async (connector) => {
        flushed.push(connector);
      },
      records: async () => ({ topic: "offsets", records: [], isOverlaid: false }),
      committed: async () => {},
    },
    fencing,
    listener,
    checkConnector: () => {},
    openHost: (_host, kind, heapMb, hostListener) => {
      if (threads.areRefused) return refusedThread(hostListener);
      const host = new FakeHost(kind, heapMb, hostListener);
      hosts.push(host);
      return {
        send: (command) => host.send(command),
        close: async () => {
          await host.closeGate;
          host.closed = true;
        },
        owner: () => host.owner,
      };
    },
    clock,
    logger: silentLogger,
  });
  const start = (task: number, connectorProps: Record<string, string> = {}, connector = "shop") =>
    worker.startTask({ connector, task }, connectorProps, {}, "STARTED", 1);
  return { clock, hosts, threads, told, flushed, worker, start };
}

const id = (task: number, connector = "shop") => ({ connector, task });

describe("the worker", () => {
  test("spreads tasks over the shared hosts, opening them as needed", async () => {
    const { hosts, worker, start } = rig({ "task.hosts": "2" });
    for (const task of [0, 1, 2]) await start(task);
    expect(hosts.map(({ kind, commands }) => [kind, commands.length])).toEqual([
      ["shared", 2],
      ["shared", 1],
    ]);
    await worker.stopTasks([id(0), id(2)]);
    await start(3);
    expect(hosts[0]?.commands.at(-1)).toMatchObject({ type: "start", id: id(3) });
    expect(worker.hosts()).toHaveLength(2);
  });

  test("a connector chooses its own isolation; a dedicated host has its heap and ends with its task", async () => {
    const { hosts, worker, start } = rig({ "task.isolation": "none" });
    await start(0);
    await start(1);
    await start(2, { "task.isolation": "dedicated", "task.heap.mb": "64" });
    expect(hosts.map(({ kind }) => kind)).toEqual(["in-process", "dedicated"]);
    expect(hosts[1]?.heapMb).toBe(64);
    await worker.stopTasks([id(2)]);
    expect(hosts.map(({ closed }) => closed)).toEqual([false, true]);
    await expect(start(3, { "task.isolation": "oops" })).rejects.toThrow("task.isolation");
  });

  test("no connector chooses to run in the thread of a worker that isolates", async () => {
    const { hosts, start } = rig();
    await expect(start(0, { "task.isolation": "none" })).rejects.toThrow("only the worker itself may have none");
    expect(hosts).toEqual([]);
  });

  test("tasks of a connector whose topics were reset note them again", async () => {
    const { hosts, worker, start } = rig();
    await start(0);
    worker.forgetTopics("other");
    expect(hosts[0]?.commands.map(({ type }) => type)).toEqual(["start"]);
    worker.forgetTopics("shop");
    expect(hosts[0]?.commands.at(-1)).toEqual({ type: "forgetTopics", run: hosts[0]?.run });
  });

  test("forwards statuses and keeps them", async () => {
    const { hosts, told, worker, start } = rig();
    await start(0);
    hosts[0]!.status(hosts[0]!.run, "RUNNING", "waiting for Kafka");
    hosts[0]!.listener.report({ type: "topicUsed", run: hosts[0]!.run, topic: "orders" });
    expect(told).toEqual(["shop-0 RUNNING waiting for Kafka", "shop uses orders"]);
    expect(worker.tasks()).toMatchObject([{ id: id(0), state: "RUNNING", trace: "waiting for Kafka", version: "1" }]);
    await worker.setTaskTargetState([id(0), id(9)], "PAUSED");
    expect(hosts[0]?.commands.at(-1)).toMatchObject({ type: "pause", paused: true });
    await worker.setTaskTargetState([id(0)], "STOPPED");
    expect(worker.tasks()).toEqual([]);
  });

  test("a task that does not stop in time is cancelled: UNASSIGNED, and its later reports and offsets are ignored (I4)", async () => {
    const { clock, hosts, told, flushed, worker, start } = rig();
    await start(0);
    const [host] = hosts;
    host!.obedient = false;
    const { run } = host!;
    const stopped = worker.stopTasks([id(0)]);
    await clock.advance(4999);
    expect(told).toEqual([]);
    await clock.advance(1);
    await stopped;
    expect(told).toEqual(["shop-0 UNASSIGNED"]);
    expect(host!.commands.at(-1)).toEqual({ type: "stop", run, cancel: true });
    host!.status(run, "RUNNING");
    host!.listener.report({ type: "flushOffsets", run, request: 7, entries: [] });
    await clock.settled();
    expect([told.length, flushed]).toEqual([1, []]);
    expect(host!.commands.at(-1)).toMatchObject({
      type: "offsets",
      request: 7,
      failure: { kind: null, retriable: false, message: "the task was stopped or cancelled" },
    });
  });

  test("an offset that could not be stored in time is not stored after its task was cancelled (I3, I4)", async () => {
    const clock = new SimClock();
    const log = new MemoryLog();
    const store = new OffsetStore(openLogOver(log, { clock, random: new SeededRandom(1), logger: silentLogger }));
    await store.start();
    const { hosts, worker, start } = rig({}, store, clock);
    await start(0);
    const [host] = hosts;
    host!.obedient = false;
    log.fates.push("refused");
    const entries = [{ partition: { a: 1 }, offset: { at: 10 } }];
    host!.listener.report({ type: "flushOffsets", run: host!.run, request: 7, entries });
    const stopped = worker.stopTasks([id(0)], 1);
    await clock.advance(1);
    await stopped;
    // The successor, on another worker, is further ahead.
    log.append({ key: Buffer.from('["shop",{"a":1}]'), value: Buffer.from('{"at":50}') });
    await clock.advance(5_000);
    expect(await store.list("shop")).toEqual([{ partition: { a: 1 }, offset: { at: 50 } }]);
    const answers = host!.commands.filter(({ type }) => type === "offsets");
    expect(answers).toMatchObject([{ request: 7, failure: { retriable: false } }]);
    await store.close();
  });

  test("withinMs shortens the time to stop, because other workers may run the task afterwards (I4)", async () => {
    const { clock, hosts, told, worker, start } = rig();
    await start(0);
    hosts[0]!.obedient = false;
    const stopped = worker.stopTasks([id(0)], 300);
    await clock.advance(299);
    expect(told).toEqual([]);
    await clock.advance(1);
    await stopped;
    expect(told).toEqual(["shop-0 UNASSIGNED"]);
  });

  test("offsets are read and stored on behalf of the task's connector", async () => {
    const { clock, hosts, flushed, start } = rig();
    await start(0);
    const [host] = hosts;
    host!.listener.report({ type: "readOffsets", run: host!.run, request: 1, partitions: [{ a: 1 }] });
    await clock.settled();
    expect(host!.commands.at(-1)).toEqual({
      type: "offsets",
      request: 1,
      offsets: [{ partition: { a: 1 }, offset: { of: "shop" } }],
    });
    host!.listener.report({
      type: "flushOffsets",
      run: host!.run,
      request: 2,
      entries: [{ partition: { a: 1 }, offset: null }],
    });
    await clock.settled();
    expect([flushed, host!.commands.at(-1)]).toEqual([["shop"], { type: "offsets", request: 2 }]);
  });

  test("a task confirms that it is not over before its first offsets, if some were altered since its start", async () => {
    let era = 1;
    const confirmed: unknown[] = [];
    const offsets = {
      read: async () => [],
      eras: async () => ({ worker: era }),
      workerEra: () => era,
      flush: async () => {},
    } satisfies Partial<SourceOffsetStore> as unknown as SourceOffsetStore;
    const fencing = { fence: async () => {}, confirm: async (of: object) => void confirmed.push(of) };
    const { clock, hosts, start } = rig({ "task.isolation": "none" }, offsets, undefined, fencing);
    const flush = async () => {
      const [host] = hosts;
      host!.listener.report({ type: "flushOffsets", run: host!.run, request: 1, entries: [] });
      await clock.settled();
    };
    await start(0);
    await flush();
    expect(confirmed).toEqual([]);
    await start(1);
    era = 3;
    await flush();
    expect(confirmed).toEqual([id(1)]);
  });

  test("a host that dies fails its tasks and no others; the next task gets a new host", async () => {
    const { clock, hosts, told, worker, start } = rig({ "task.hosts": "2" });
    for (const task of [0, 1, 2]) await start(task);
    hosts[0]!.fail(hosts[0]!.run, "its own fault");
    hosts[0]!.listener.ended("it ran out of memory");
    await clock.settled();
    expect(told).toEqual([
      "shop-2 FAILED Error: its own fault",
      "shop-0 FAILED RetriableError: The task host that ran task shop-0 was lost: it ran out of memory",
    ]);
    expect(worker.tasks().map(({ state }) => state)).toEqual(["FAILED", "UNASSIGNED", "FAILED"]);
    await start(0);
    expect(hosts).toHaveLength(3);
    expect(hosts[2]?.commands[0]).toMatchObject({ type: "start", id: id(0) });
    await worker.close();
    expect(told.filter((line) => line.startsWith("shop-2"))).toEqual(["shop-2 FAILED Error: its own fault"]);
  });

  test("the task whose code ended a host fails; the others start again on a new one, once the old one has ended (I4)", async () => {
    const { clock, hosts, told, worker, start } = rig({ "task.hosts": "1" });
    for (const task of [0, 1, 2]) await start(task);
    const host = hosts[0]!;
    const runs = host.commands.flatMap((command) => (command.type === "start" ? [command.run] : []));
    for (const run of runs) host.status(run, "RUNNING");
    await worker.setTaskTargetState([id(2)], "PAUSED");
    told.length = 0;
    host.owner = runs[1]!;
    const gate = deferred();
    host.closeGate = gate.promise;
    host.listener.ended("it has not answered for 30 s");
    await clock.settled();
    expect([told, hosts.length]).toEqual([[], 1]);
    gate.resolve();
    await clock.settled();
    expect(told).toEqual([
      "shop-1 FAILED RetriableError: The code of task shop-1 ended its task host: it has not answered for 30 s",
    ]);
    expect(hosts[1]?.commands).toMatchObject([
      { type: "start", id: id(0), targetState: "STARTED", taskCount: 1 },
      { type: "start", id: id(2), targetState: "PAUSED" },
    ]);
    expect(hosts[1]!.commands.every((command) => !runs.includes((command as { run: number }).run))).toBe(true);
    hosts[1]!.status(hosts[1]!.run, "PAUSED");
    expect(told.at(-1)).toBe("shop-2 PAUSED");
  });

  test("a thread that cannot be opened fails the tasks that were to run there, first or moved, with its reason", async () => {
    const { clock, hosts, threads, told, worker, start } = rig({ "task.hosts": "1" });
    const lost = (task: number) =>
      `shop-${task} FAILED RetriableError: The task host that ran task shop-${task} was lost: its thread cannot be opened: `;
    threads.areRefused = true;
    await start(0);
    await clock.settled();
    expect(told).toEqual([expect.stringContaining(lost(0))]);
    threads.areRefused = false;
    for (const task of [0, 1]) await start(task);
    told.length = 0;
    threads.areRefused = true;
    hosts[0]!.owner = hosts[0]!.run;
    hosts[0]!.listener.ended("it ran out of memory");
    await clock.settled();
    expect(told).toEqual([expect.stringContaining("The code of task shop-1 ended"), expect.stringContaining(lost(0))]);
    threads.areRefused = false;
    await start(0);
    expect(hosts[1]?.commands[0]).toMatchObject({ type: "start", id: id(0) });
    await worker.close();
  });

  test("a task that was being stopped when its host was lost ends, and does not start again", async () => {
    const { clock, hosts, told, worker, start } = rig({ "task.hosts": "1" });
    for (const task of [0, 1]) await start(task);
    const [host] = hosts;
    host!.obedient = false;
    const stopping = worker.stopTasks([id(0)]);
    host!.owner = host!.run;
    host!.listener.ended("it ran out of memory");
    await stopping;
    await clock.settled();
    expect(told).toEqual([
      "shop-0 UNASSIGNED",
      "shop-1 FAILED RetriableError: The code of task shop-1 ended its task host: it ran out of memory",
    ]);
    expect(hosts).toHaveLength(1);
  });

  test("a host that does not answer for task.host.timeout.ms is replaced", async () => {
    const { clock, hosts, told, start } = rig({ "task.host.timeout.ms": "10000" });
    await start(0);
    await clock.advance(60_000);
    expect(told).toEqual([]);
    hosts[0]!.obedient = false;
    await clock.advance(13_000);
    expect(told[0]).toMatch(/^shop-0 FAILED .*it has not answered for 1\d s/);
    expect(hosts[0]?.closed).toBe(true);
  });

  test("a host that starts slowly keeps its tasks: for five minutes silence is no fault of theirs", async () => {
    const { clock, hosts, told, start } = rig({ "task.host.timeout.ms": "10000", "task.hosts": "2" });
    await start(0);
    await start(1);
    for (const host of hosts) host.obedient = false;
    await clock.advance(290_000);
    expect([told, hosts.map(({ closed }) => closed)]).toEqual([[], [false, false]]);
    hosts[0]!.listener.report({ type: "ready" });
    hosts[0]!.obedient = true;
    await clock.advance(20_000);
    expect(told).toEqual([expect.stringMatching(/^shop-1 FAILED .*it has not answered for 30\d s/)]);
    hosts[0]!.obedient = false;
    await clock.advance(13_000);
    expect(told[1]).toMatch(/^shop-0 FAILED .*it has not answered for 1\d s/);
  });

  test("starting a task again stops the former run first, and its late reports are ignored", async () => {
    const { hosts, told, worker, start } = rig();
    await start(0);
    const { run } = hosts[0]!;
    await start(0);
    expect(told).toEqual(["shop-0 UNASSIGNED"]);
    hosts[0]!.fail(run, "late");
    expect(worker.tasks()[0]?.state).toBe("UNASSIGNED");
  });

  test("two starts of one task at the same time leave one run", async () => {
    const { hosts, start } = rig();
    await Promise.all([start(0), start(0)]);
    expect(hosts[0]!.commands.map(({ type }) => type)).toEqual(["start", "stop", "start"]);
  });

  test("abandoned: hosts are dropped without a message", async () => {
    const { hosts, told, worker, start } = rig();
    await start(0);
    await worker.abandon();
    expect([told, hosts[0]?.closed, worker.tasks()]).toEqual([[], true, []]);
  });

  test("an unknown connector class is FAILED, not a rejection", async () => {
    const { told, worker } = rig();
    expect(await worker.startConnector("shop", { "connector.class": "Oops" }, "STARTED")).toBe("FAILED");
    expect(told).toEqual([expect.stringMatching(/^shop FAILED NotFoundError: .* name matches Oops/)]);
  });

  describe("a task that has work left and makes no progress", () => {
    const look = async (gauges: object, type: "source" | "sink" = "sink", counters = new TaskCounters(id(0), type)) => {
      const { clock, hosts, told, worker, start } = rig({ "task.progress.timeout.ms": "60000" });
      await start(0);
      hosts[0]!.status(hosts[0]!.run, "RUNNING");
      const report = () => {
        hosts[0]!.tasks = [counters.snapshot({ ...NO_GAUGES, ...gauges }, 0)];
      };
      report();
      await worker.metrics();
      const heldUpMs = () => worker.tasks()[0]?.heldUpMs;
      return { clock, told, worker, counters, report, heldUpMs, hosts };
    };

    test("is named in its status after task.progress.timeout.ms, until it goes on", async () => {
      const { clock, told, counters, report, heldUpMs } = await look({ lagRecords: 7, pendingRecords: 2 });
      await clock.advance(59_000);
      expect([told, heldUpMs()]).toEqual([["shop-0 RUNNING"], 58_000]);
      await clock.advance(2_000);
      expect(told.at(-1)).toBe(
        "shop-0 RUNNING no progress for 60 s: nothing was put or committed, with 2 records to put and 7 to read",
      );
      counters.commits++;
      report();
      await clock.advance(2_000);
      expect([told.length, told.at(-1), heldUpMs()]).toEqual([3, "shop-0 RUNNING", 0]);
    });

    test("shows its own reason for waiting instead, if it has one", async () => {
      const { clock, told, hosts } = await look({ activeRecords: 1 }, "source");
      hosts[0]!.status(hosts[0]!.run, "RUNNING", "waiting for Kafka");
      await clock.advance(62_000);
      expect(told.at(-1)).toBe("shop-0 RUNNING waiting for Kafka");
    });

    test("is still named once its own reason for waiting has gone", async () => {
      const { clock, told, hosts } = await look({ activeRecords: 1 }, "source");
      await clock.advance(62_000);
      hosts[0]!.status(hosts[0]!.run, "RUNNING", "waiting for Kafka");
      hosts[0]!.status(hosts[0]!.run, "RUNNING");
      expect(told.slice(-2)).toEqual([
        "shop-0 RUNNING waiting for Kafka",
        expect.stringMatching(/^shop-0 RUNNING no progress for 60 s: /),
      ]);
    });

    test("is not meant any more once it has FAILED, and its host no longer reports it", async () => {
      const { clock, hosts, heldUpMs } = await look({ lagRecords: 7 });
      await clock.advance(62_000);
      hosts[0]!.fail(hosts[0]!.run, "no");
      hosts[0]!.tasks = [];
      expect(heldUpMs()).toBe(0);
    });

    test.each([
      ["has no work left", {}, "sink"],
      ["only holds records that it has put", { activeRecords: 5 }, "sink"],
      ["only waits for the boundary of its transaction", { activeRecords: 5, awaitingBoundary: 5 }, "source"],
      ["has a source that does not grow", { source: { lagBytes: 5 } }, "source"],
      ["does not know its source's lag", { source: {} }, "source"],
    ] as const)("is not meant when it %s", async (_when, gauges, type) => {
      const { clock, told, heldUpMs } = await look(gauges, type);
      await clock.advance(600_000);
      expect([told, heldUpMs()]).toEqual([["shop-0 RUNNING"], 0]);
    });

    test("is a source that grows while nothing is polled", async () => {
      const gauges = { source: { lagBytes: 5 } };
      const { clock, told, report } = await look(gauges, "source");
      gauges.source = { lagBytes: 6 };
      report();
      await clock.advance(62_000);
      expect(told.at(-1)).toMatch(/nothing was polled or acknowledged, .*, 6 bytes behind its source$/);
    });

    test("is not one that pauses", async () => {
      const { clock, told, hosts } = await look({ lagRecords: 7 });
      hosts[0]!.status(hosts[0]!.run, "PAUSED");
      await clock.advance(600_000);
      expect(told).toEqual(["shop-0 RUNNING", "shop-0 PAUSED"]);
    });
  });

  test("metrics of a host that does not answer within a second are its last ones, without tasks that left it", async () => {
    const { clock, hosts, worker, start } = rig();
    await start(0);
    await start(1);
    hosts[0]!.tasks = [0, 1].map((task) => ({ ...new TaskCounters(id(task), "sink").snapshot(NO_GAUGES, 0) }));
    expect((await worker.metrics()).map(({ id }) => id.task)).toEqual([0, 1]);
    hosts[0]!.obedient = false;
    const stopped = worker.stopTasks([id(1)]);
    await clock.advance(5000);
    await stopped;
    const metrics = worker.metrics();
    await clock.advance(1000);
    expect((await metrics).map(({ id }) => id.task)).toEqual([0]);
    expect(worker.hosts()).toMatchObject([{ name: "host-0", kind: "shared", silentMs: 6000 }]);
  });

  test("counts starts, and the shares of time in which a task runs and is paused", async () => {
    const { clock, hosts, worker, start } = rig();
    await start(0);
    await start(1);
    hosts[0]!.fail(hosts[0]!.run, "no");
    hosts[0]!.status(hosts[0]!.run - 1, "RUNNING");
    await clock.advance(3000);
    hosts[0]!.status(hosts[0]!.run - 1, "PAUSED");
    await clock.advance(1000);
    expect(worker.tasks()[0]).toMatchObject({ state: "PAUSED", runningRatio: 0.75, pausedRatio: 0.25 });
    await worker.startConnector("absent", {}, "STARTED");
    expect(worker.starts()).toEqual({
      connectors: { attempts: 1, successes: 0, failures: 1 },
      tasks: { attempts: 2, successes: 1, failures: 1 },
    });
  });
});

describe("placing and watching hosts", () => {
  test("an idle host is used before a new one is opened; then the one with the fewest tasks", () => {
    expect(assignHost([], 2)).toBeUndefined();
    expect(assignHost([{ host: 0, tasks: 0 }], 2)).toBe(0);
    expect(assignHost([{ host: 0, tasks: 1 }], 2)).toBeUndefined();
    expect(
      assignHost(
        [
          { host: 0, tasks: 2 },
          { host: 3, tasks: 1 },
        ],
        2,
      ),
    ).toBe(3);
  });

  test("silence counts only while the worker itself was awake", () => {
    const silent = { nowMs: 50_000, lastHeardMs: 10_000, lastLookMs: 48_000 };
    expect(judgeHost(silent, 2000, 30_000)).toEqual({ kind: "silent", silentMs: 40_000 });
    expect(judgeHost({ ...silent, lastLookMs: 12_000 }, 2000, 30_000)).toEqual({ kind: "answering" });
    expect(judgeHost({ ...silent, lastHeardMs: 20_000 }, 2000, 30_000)).toEqual({ kind: "answering" });
  });
});
