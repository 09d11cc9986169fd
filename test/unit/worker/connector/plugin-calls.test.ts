import { describe, expect, test } from "vitest";
import {
  ConfigError,
  type ConnectorPlugin,
  DataError,
  RetriableError,
  type Support,
} from "../../../../src/api/index.js";
import { SimClock } from "../../../../src/base/clock.js";
import { deferred } from "../../../../src/base/deferred.js";
import { silentLogger } from "../../../../src/base/logger.js";
import type { ConnectorCommand } from "../../../../src/worker/connector/connector-host-messages.js";
import type { ConnectorHostLink } from "../../../../src/worker/connector/open-connector-host.js";
import { PluginCalls } from "../../../../src/worker/connector/plugin-calls.js";
import { failureOf } from "../../../../src/worker/host/failure.js";
import type { Plugins } from "../../../../src/worker/worker.js";
import { refusedThread } from "../host/refused-thread.js";
import { noPluginFacts, registryOf } from "../source-harness.js";
import { inProcessCalls } from "./in-process-calls.js";

type Open = ConstructorParameters<typeof PluginCalls>[0]["open"];
type Listener = Parameters<Open>[1];
type Call = Extract<ConnectorCommand, { type: "call" }>;

/** A host whose calls the test answers, or not. It can die in any run's code. */
class FakeHost implements ConnectorHostLink {
  readonly commands: ConnectorCommand[] = [];
  closed = false;
  /** When set, the thread ends only then. */
  closeGate: Promise<void> | undefined;
  answersPings = true;
  ownerNow = 0;

  constructor(
    readonly leftOut: readonly string[],
    readonly listener: Listener,
  ) {}

  readonly owner = () => this.ownerNow;

  send(command: ConnectorCommand): void {
    this.commands.push(command);
    if (command.type === "ping" && this.answersPings) this.listener.report({ type: "pong" });
  }

  async close(): Promise<void> {
    await this.closeGate;
    this.closed = true;
  }

  get calls(): Call[] {
    return this.commands.filter((command) => command.type === "call");
  }

  /** The called methods, with the run of each. */
  get methods(): string[] {
    return this.calls.map(({ run, call }) => `${run} ${call.method}`);
  }

  answer(at: number, value?: unknown): void {
    const { run, request } = this.calls.at(at)!;
    this.listener.report({ type: "answer", run, request, value });
  }

  die(owner: number, reason: string): void {
    this.ownerNow = owner;
    this.listener.ended(reason);
  }
}

function rig() {
  const clock = new SimClock();
  const hosts: FakeHost[] = [];
  const told: string[] = [];
  const threads = { areRefused: false };
  const calls = new PluginCalls({
    open: (leftOut, listener) => {
      if (threads.areRefused) return refusedThread(listener);
      const host = new FakeHost([...leftOut], listener);
      hosts.push(host);
      return host;
    },
    timeoutMs: 30_000,
    clock,
    logger: silentLogger,
  });
  const connector = (name: string) =>
    calls.connector(name, `C.${name}`, {
      reconfigure: () => told.push(`${name} reconfigures`),
      retention: () => {},
      failed: (error) => told.push(`${name} failed: ${error.message}`),
    });
  /** A running connector, in the newest host. */
  const running = async (name: string) => {
    const run = connector(name);
    const started = run.call({ method: "start", name, className: `C.${name}`, props: {} });
    await clock.settled();
    hosts.at(-1)!.answer(-1);
    await started;
    return run;
  };
  return { clock, hosts, threads, told, calls, connector, running };
}

const source = { type: "connector", className: "x.Source" } as const;

describe("calls into plugins", () => {
  test("open the host on the first call, and one host runs all", async () => {
    const { clock, hosts, calls, running } = rig();
    expect(hosts).toEqual([]);
    await running("a");
    await running("b");
    const config = calls.configOf(source);
    await clock.settled();
    hosts[0]!.answer(-1, { size: { type: "int", doc: "" } });
    expect(await config).toEqual({ size: { type: "int", doc: "" } });
    expect(hosts).toHaveLength(1);
    expect(hosts[0]!.commands.at(-1)).toEqual({ type: "drop", run: 3 });
  });

  test("an error keeps its class and fields", async () => {
    const { clock, hosts, calls } = rig();
    const validation = calls.validate(source, {}).catch((error: unknown) => error);
    await clock.settled();
    const { run, request } = hosts[0]!.calls[0]!;
    hosts[0]!.listener.report({ type: "answer", run, request, failure: failureOf(new ConfigError("topics", "none")) });
    const error = await validation;
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ key: "topics" });
  });

  test("a plugin that does not answer for 60 s is named, and its host goes on", async () => {
    const { clock, hosts, calls } = rig();
    const validation = calls.validate(source, {}).catch((error: unknown) => error);
    await clock.advance(59_999);
    expect(hosts[0]!.commands.at(-1)).toEqual({ type: "ping" });
    await clock.advance(1);
    const error = await validation;
    expect(error).toBeInstanceOf(RetriableError);
    expect(error).toMatchObject({
      code: "VALIDATION_UNANSWERED",
      message: expect.stringContaining("x.Source (validate) has not"),
    });
    expect(hosts).toHaveLength(1);
    expect(hosts[0]!.closed).toBe(false);
  });

  test("a host that dies in one connector's code fails that one; others start again and get their pending calls", async () => {
    const { clock, hosts, told, calls, running, connector } = rig();
    const a = await running("a");
    const b = await running("b");
    const asked = b.call({ method: "taskConfigs", maxTasks: 2 });
    const starting = connector("c").call({ method: "start", name: "c", className: "C.c", props: {} });
    const validation = calls.validate(source, {});
    await clock.settled();
    hosts[0]!.die(a.number, "it ran out of memory");
    await clock.settled();
    expect(told).toEqual([
      "a failed: The connectors' host was lost in the code of connector a (C.a): it ran out of memory",
    ]);
    expect([hosts.length, hosts[0]!.closed]).toEqual([2, true]);
    expect(hosts[1]!.methods).toEqual(["2 start", "3 start", "4 validate"]);
    hosts[1]!.answer(0);
    hosts[1]!.answer(1);
    hosts[1]!.answer(2, { config: {}, values: [] });
    await Promise.all([starting, validation]);
    await clock.settled();
    expect(told.at(-1)).toBe("b reconfigures");
    expect(hosts[1]!.methods.at(-1)).toBe("2 taskConfigs");
    hosts[1]!.answer(-1, [{ task: "0" }]);
    expect(await asked).toEqual([{ task: "0" }]);
  });

  test("no other connector starts again before the old thread has ended; new calls wait, too", async () => {
    const { clock, hosts, told, calls, running } = rig();
    const a = await running("a");
    await running("b");
    const gate = deferred();
    hosts[0]!.closeGate = gate.promise;
    hosts[0]!.die(a.number, "x");
    const config = calls.configOf(source);
    await clock.advance(9_000);
    expect([told.length, hosts.length]).toEqual([1, 1]);
    gate.resolve();
    await clock.settled();
    expect([hosts[0]!.closed, hosts[1]!.methods]).toEqual([true, ["2 start", "3 config"]]);
    hosts[1]!.answer(-1, {});
    expect(await config).toEqual({});
  });

  test("a thread that does not end holds the others up for ten seconds only", async () => {
    const { clock, hosts, running, calls } = rig();
    const a = await running("a");
    await running("b");
    hosts[0]!.closeGate = new Promise(() => {});
    hosts[0]!.die(a.number, "x");
    await clock.advance(10_000);
    expect(hosts[1]!.methods).toEqual(["2 start"]);
    await calls.close();
    expect(hosts[1]!.closed).toBe(true);
  });

  test("a worker that closes opens no host for what waits for the end of the old one", async () => {
    const { clock, hosts, running, calls } = rig();
    const a = await running("a");
    await running("b");
    const gate = deferred();
    hosts[0]!.closeGate = gate.promise;
    hosts[0]!.die(a.number, "x");
    await clock.settled();
    const closed = calls.close();
    gate.resolve();
    await closed;
    expect(hosts).toHaveLength(1);
  });

  test("a new host that dies, too, loses none of the runs moved to it", async () => {
    const { clock, hosts, told, running } = rig();
    const a = await running("a");
    const b = await running("b");
    const asked = a.call({ method: "taskConfigs", maxTasks: 1 });
    await clock.settled();
    hosts[0]!.die(b.number, "x");
    await clock.settled();
    expect(hosts[1]!.methods).toEqual(["1 start"]);
    hosts[1]!.die(99, "the code of one that is stopped");
    await clock.settled();
    expect(hosts[2]!.methods).toEqual(["1 start"]);
    hosts[2]!.answer(0);
    await clock.settled();
    expect(hosts[2]!.methods).toEqual(["1 start", "1 taskConfigs"]);
    hosts[2]!.answer(1, [{ task: "0" }]);
    expect(await asked).toEqual([{ task: "0" }]);
    expect(told).toEqual([expect.stringContaining("b failed"), "a reconfigures"]);
  });

  test("a connector that cannot start in the new host fails", async () => {
    const { clock, hosts, told, running } = rig();
    const a = await running("a");
    const b = await running("b");
    const asked = b.call({ method: "taskConfigs", maxTasks: 1 });
    await clock.settled();
    hosts[0]!.die(a.number, "x");
    await clock.settled();
    const { run, request } = hosts[1]!.calls[0]!;
    hosts[1]!.listener.report({ type: "answer", run, request, failure: failureOf(new Error("port taken")) });
    await expect(asked).rejects.toThrow("port taken");
    expect(told.at(-1)).toBe("b failed: port taken");
  });

  test("a host that dies without a known culprit fails all: a restarted run might kill the next host", async () => {
    const { clock, hosts, told, running } = rig();
    await running("a");
    await running("b");
    hosts[0]!.die(0, "its messages cannot be read");
    await clock.settled();
    expect(told).toEqual([expect.stringMatching(/^a failed: .*cannot be read$/), expect.stringContaining("b failed")]);
    expect(hosts).toHaveLength(1);
  });

  test("a thread that cannot be opened, first or in the place of a lost one, fails who asked with its reason", async () => {
    const { clock, hosts, threads, told, calls, running } = rig();
    const reason = /The connectors' host was lost: its thread cannot be opened: .*could not be cloned/s;
    threads.areRefused = true;
    await expect(calls.configOf(source)).rejects.toThrow(reason);
    threads.areRefused = false;
    const a = await running("a");
    const b = await running("b");
    const asked = b.call({ method: "taskConfigs", maxTasks: 1 });
    threads.areRefused = true;
    hosts[0]!.die(a.number, "x");
    await expect(asked).rejects.toThrow(reason);
    await clock.settled();
    expect(told).toContainEqual(expect.stringMatching(/^b failed: .*its thread cannot be opened/));
    threads.areRefused = false;
    await running("c");
    await calls.close();
    expect(hosts.map(({ closed }) => closed)).toEqual([true, true]);
  });

  test("a stop needs no new host, and a stopped connector is not started again", async () => {
    const { clock, hosts, running } = rig();
    const a = await running("a");
    const b = await running("b");
    const stopping = b.call({ method: "stop" });
    await clock.settled();
    hosts[0]!.die(a.number, "x");
    await stopping;
    expect(await a.call({ method: "stop" })).toBeUndefined();
    await clock.settled();
    expect(hosts).toHaveLength(1);
  });

  test("a connector that is stopped while it is started in a new host is not started in the next", async () => {
    const { clock, hosts, running } = rig();
    const a = await running("a");
    const b = await running("b");
    hosts[0]!.die(a.number, "x");
    await clock.settled();
    const stopping = b.call({ method: "stop" });
    hosts[1]!.answer(0);
    await clock.settled();
    expect(hosts[1]!.methods).toEqual(["2 start", "2 stop"]);
    hosts[1]!.answer(1);
    await stopping;
    hosts[1]!.die(99, "y");
    await clock.settled();
    expect(hosts).toHaveLength(2);
  });

  test("a connector that was cancelled while it hung is not restarted, and no call waits for it", async () => {
    const { clock, hosts, connector, running } = rig();
    const a = await running("a");
    const b = await running("b");
    const c = connector("c");
    const configs = b.call({ method: "taskConfigs", maxTasks: 1 }).catch((error: Error) => error.message);
    const started = c
      .call({ method: "start", name: "c", className: "C.c", props: {} })
      .catch((error: Error) => error.message);
    await clock.settled();
    b.cancel();
    c.cancel();
    hosts[0]!.die(a.number, "x");
    expect(await Promise.all([configs, started])).toEqual([
      "connector b (C.b) was cancelled, and is gone with its host",
      "connector c (C.c) was cancelled, and is gone with its host",
    ]);
    expect(await b.call({ method: "stop" })).toBeUndefined();
    await clock.settled();
    expect(hosts).toHaveLength(1);
  });

  test("a connector that has raised an error is not restarted", async () => {
    const { clock, hosts, told, running } = rig();
    const a = await running("a");
    const b = await running("b");
    const failure = failureOf(new Error("publication dropped"));
    hosts[0]!.listener.report({ type: "failed", run: b.number, failure, uncaught: false });
    hosts[0]!.die(a.number, "x");
    await clock.settled();
    expect(told[0]).toBe("b failed: publication dropped");
    expect(hosts).toHaveLength(1);
  });

  test("an uncaught error ends every pending call of its run, and no other run's", async () => {
    const { clock, hosts, told, running } = rig();
    const a = await running("a");
    const b = await running("b");
    const [ofA, ofB] = [a, b].map((run) => run.call({ method: "taskConfigs", maxTasks: 1 }));
    await clock.settled();
    const failure = failureOf(new Error("socket closed"));
    hosts[0]!.listener.report({ type: "failed", run: a.number, failure, uncaught: true });
    await expect(ofA).rejects.toThrow("socket closed");
    hosts[0]!.answer(-1, []);
    expect(await ofB).toEqual([]);
    expect(told).toEqual(["a failed: socket closed"]);
  });

  test("a host that is silent for task.host.timeout.ms is replaced, and gets a ping every two seconds until then", async () => {
    const { clock, hosts, told, running } = rig();
    const a = await running("a");
    await clock.advance(60_000);
    expect([hosts.length, told]).toEqual([1, []]);
    hosts[0]!.answersPings = false;
    hosts[0]!.ownerNow = a.number;
    await clock.advance(34_000);
    expect(told).toEqual([expect.stringMatching(/connector a \(C\.a\): it has not answered for 3\d s$/)]);
    expect(hosts[0]!.closed).toBe(true);
  });

  test("a host that starts slowly is not replaced: silence counts from its first plugin of plugin.path", async () => {
    const { clock, hosts, calls } = rig();
    void calls.loaded();
    hosts[0]!.answersPings = false;
    await clock.advance(290_000);
    expect([hosts.length, calls.leftOut]).toEqual([1, []]);
    hosts[0]!.listener.report({ type: "loading", owner: -1, entry: "a" });
    await clock.advance(34_000);
    expect([hosts.length, calls.leftOut]).toEqual([2, ["a"]]);
  });

  test("a plugin that kills a loading host is left out of the next, and nothing else is lost", async () => {
    const { clock, hosts, calls } = rig();
    const loaded = calls.loaded();
    const config = calls.configOf(source);
    await clock.settled();
    hosts[0]!.listener.report({ type: "loading", owner: -1, entry: "/plugins/a/index.js" });
    hosts[0]!.listener.report({ type: "loading", owner: -2, entry: "/plugins/b/index.js" });
    hosts[0]!.die(0, "its thread ended with exit code 3");
    await clock.settled();
    expect(hosts[1]!.leftOut).toEqual(["/plugins/b/index.js"]);
    expect(calls.leftOut).toEqual(["/plugins/b/index.js"]);
    hosts[1]!.listener.report({ type: "ready", plugins: noPluginFacts });
    expect(await loaded).toEqual(noPluginFacts);
    hosts[1]!.answer(0, {});
    expect(await config).toEqual({});
  });

  test("an error in code that a loaded plugin left behind is blamed on it, a silence on the plugin that loads", async () => {
    const { clock, hosts, calls } = rig();
    void calls.loaded();
    const load = (host: FakeHost, ...entries: string[]) => {
      for (const [at, entry] of entries.entries()) host.listener.report({ type: "loading", owner: -1 - at, entry });
    };
    load(hosts[0]!, "a", "b");
    hosts[0]!.die(-1, "an error that nothing caught");
    await clock.settled();
    load(hosts[1]!, "b", "c");
    hosts[1]!.ownerNow = -1;
    hosts[1]!.answersPings = false;
    await clock.advance(34_000);
    expect(calls.leftOut).toEqual(["a", "c"]);
    expect(hosts[2]!.leftOut).toEqual(["a", "c"]);
  });

  test("a host that dies before it loads anything is final: no plugin can be left out", async () => {
    const { hosts, calls } = rig();
    const loaded = calls.loaded();
    hosts[0]!.die(0, "no such module");
    await expect(loaded).rejects.toMatchObject({ code: "CONNECTOR_HOST_LOST" });
    expect(hosts).toHaveLength(1);
  });

  test("closed while a connector hangs in start: whoever waits for it gets an error, and it has not failed", async () => {
    const { clock, calls, connector, told } = rig();
    const run = connector("a");
    const started = run.call({ method: "start", name: "a", className: "C.a", props: {} });
    const refused = expect(started).rejects.toThrow("The worker is closing");
    await clock.settled();
    await calls.close();
    await refused;
    await expect(run.call({ method: "stop" })).rejects.toThrow("The worker is closing");
    expect(told).toEqual([]);
  });

  test("closed: questions end, connectors report nothing more, and no timer is left", async () => {
    const { clock, hosts, told, calls, running } = rig();
    await running("a");
    const config = calls.configOf(source);
    await clock.settled();
    const closing = calls.close();
    await expect(config).rejects.toThrow("closing");
    await closing;
    expect([hosts[0]!.closed, told, clock.pendingTimers]).toEqual([true, [], 0]);
  });
});

describe("new offsets", () => {
  const judgedBy = (connector: object) => {
    const plugins = { find: () => ({ connector: () => connector }) } as unknown as Plugins;
    const offsets = [{ partition: { at: 9223372036854775807n }, offset: null }];
    return inProcessCalls(plugins).alterOffsets("X", { name: "c" }, offsets);
  };

  test("are judged by the connector's class, which gets them exactly", async () => {
    let given: unknown[] = [];
    const judged = judgedBy({
      async alterOffsets(...args: unknown[]) {
        given = args;
        return true;
      },
    });
    expect(await judged).toBe(true);
    expect(given.slice(0, 2)).toEqual([{ name: "c" }, [{ partition: { at: 9223372036854775807n }, offset: null }]]);
  });

  test("are not all there is to alter unless the class says so", async () => {
    expect(await judgedBy({})).toBe(false);
    expect(await judgedBy({ alterOffsets: async () => "yes" })).toBe(false);
  });

  test("are refused with the class's own error", async () => {
    const refused = judgedBy({
      async alterOffsets() {
        throw new DataError("OFFSET_INVALID", "no such place");
      },
    });
    await expect(refused).rejects.toMatchObject({
      name: "DataError",
      code: "OFFSET_INVALID",
      message: "no such place",
    });
  });
});

test("the version that the connector chose answers whether it delivers exactly once", async () => {
  const version = (number: string, support: Support) =>
    ({
      type: "source",
      className: "X",
      taskClassName: "XTask",
      version: number,
      connector: () => ({ config: {}, exactlyOnceSupport: () => support }),
      task: async () => ({}),
    }) as unknown as ConnectorPlugin;
  const calls = inProcessCalls(registryOf(version("1", "UNSUPPORTED"), version("2", "SUPPORTED")));
  const ask = (props: Record<string, string>) => calls.transactionSupport("exactlyOnceSupport", "X", props);
  expect(await ask({})).toBe("SUPPORTED");
  expect(await ask({ "connector.plugin.version": "[1]" })).toBe("UNSUPPORTED");
});
