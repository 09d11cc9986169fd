import { describe, expect, test } from "vitest";
import {
  ConfigError,
  ConflictError,
  type Connector,
  type ConnectorContext,
  type ConnectorPlugin,
} from "../../../../src/api/index.js";
import { deferred } from "../../../../src/base/deferred.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { ConnectorRunner } from "../../../../src/worker/connector/connector-runner.js";
import type { ConnectorFacts } from "../../../../src/worker/worker.js";
import { registryOf } from "../source-harness.js";
import { inProcessCalls } from "./in-process-calls.js";

class ScriptedConnector implements Connector {
  readonly config = {};
  readonly calls: string[] = [];
  context!: ConnectorContext;
  tasks = 1;
  startError: Error | undefined;
  stopError: Error | undefined;
  startGate: Promise<void> | undefined;
  begun: (() => void) | undefined;

  async start(context: ConnectorContext): Promise<void> {
    this.calls.push("start");
    this.context = context;
    this.begun?.();
    await this.startGate;
    if (this.startError) throw this.startError;
  }

  async taskConfigs(maxTasks: number): Promise<Record<string, string>[]> {
    this.calls.push(`taskConfigs ${maxTasks}`);
    return Array.from({ length: this.tasks }, (_, task) => ({ task: String(task) }));
  }

  async stop(): Promise<void> {
    this.calls.push("stop");
    if (this.stopError) throw this.stopError;
  }
}

function rig(props: Record<string, string> = {}, check: () => void = () => {}) {
  const connector = new ScriptedConnector();
  const told: string[] = [];
  const plugin = {
    type: "sink",
    className: "S",
    taskClassName: "STask",
    version: "7",
    connector: () => connector,
    task() {},
  };
  const calls = inProcessCalls(registryOf(plugin as unknown as ConnectorPlugin));
  const runner = new ConnectorRunner({
    name: "shop",
    plugin: plugin as unknown as ConnectorFacts,
    props,
    check,
    open: (events) => calls.connector("shop", "S", events),
    logger: silentLogger,
    status: (state, trace) => told.push(trace === null ? state : `${state} ${trace.split("\n")[0]}`),
    requestReconfiguration: () => told.push("reconfigure"),
  });
  return { connector, told, runner };
}

describe("a connector", () => {
  test("is started and stopped to match its target state, keeping the object", async () => {
    const { connector, told, runner } = rig();
    expect(await runner.setTargetState("PAUSED")).toBe("PAUSED");
    expect(connector.calls).toEqual([]);
    expect(await runner.setTargetState("STARTED")).toBe("RUNNING");
    expect(await runner.setTargetState("STARTED")).toBe("RUNNING");
    expect(await runner.setTargetState("STOPPED")).toBe("STOPPED");
    expect(await runner.setTargetState("STARTED")).toBe("RUNNING");
    await runner.end();
    expect(connector.calls).toEqual(["start", "stop", "start", "stop"]);
    expect(told).toEqual(["PAUSED", "RUNNING", "STOPPED", "RUNNING", "UNASSIGNED"]);
  });

  test("FAILED ends only by a stop, and stays visible after shutdown", async () => {
    const { connector, told, runner } = rig();
    connector.startError = new Error("wrong password");
    expect(await runner.setTargetState("STARTED")).toBe("FAILED");
    expect(await runner.setTargetState("PAUSED")).toBe("FAILED");
    await runner.end();
    expect(told).toEqual(["FAILED Error: wrong password"]);
    expect(connector.calls).toEqual(["start", "stop"]);

    const other = rig();
    other.connector.startError = new Error("x");
    other.connector.stopError = new Error("y");
    await other.runner.setTargetState("STARTED");
    expect(await other.runner.setTargetState("STOPPED")).toBe("STOPPED");
  });

  test("with settings that the framework refuses is FAILED and not started, until it is stopped", async () => {
    const { connector, told, runner } = rig({}, () => {
      throw new ConfigError("topic.creation.groups", "no partitions");
    });
    expect(await runner.setTargetState("STARTED")).toBe("FAILED");
    expect(await runner.setTargetState("STOPPED")).toBe("STOPPED");
    expect(connector.calls).toEqual([]);
    expect(told).toEqual(["FAILED ConfigError: no partitions", "STOPPED"]);
  });

  test("fails by whatever its plugin throws", async () => {
    const { connector, told, runner } = rig();
    connector.startError = Object.create(null) as Error;
    expect(await runner.setTargetState("STARTED")).toBe("FAILED");
    expect(told).toEqual(["FAILED [object Object]"]);
  });

  test("raiseError fails it; requestTaskReconfiguration is forwarded only while it runs", async () => {
    const { connector, told, runner } = rig();
    await runner.setTargetState("STARTED");
    connector.context.requestTaskReconfiguration();
    connector.context.raiseError(new Error("publication dropped"));
    await runner.end();
    connector.context.requestTaskReconfiguration();
    connector.context.raiseError(new Error("late"));
    expect(told).toEqual(["RUNNING", "reconfigure", "FAILED Error: publication dropped"]);
  });

  test("shows what its source keeps as reported last, in numbers, until it stops", async () => {
    const { connector, runner } = rig();
    expect(runner.snapshot().retention).toBeNull();
    await runner.setTargetState("STARTED");
    connector.context.reportRetention({
      bytes: 5,
      bytesPerSecond: Number.NaN,
      limitBytes: 9,
      secondsToLimit: undefined,
    });
    expect(runner.snapshot().retention).toEqual({ bytes: 5, limitBytes: 9 });
    connector.context.reportRetention({ bytes: Number.POSITIVE_INFINITY });
    expect(runner.snapshot().retention).toBeNull();
    connector.context.reportRetention({ bytes: 6 });
    await runner.setTargetState("PAUSED");
    expect(runner.snapshot().retention).toBeNull();
    connector.context.reportRetention({ bytes: 7 });
    expect(runner.snapshot().retention).toBeNull();
  });

  test("task configurations contain the task class and the topics, and exist only while it runs", async () => {
    const { runner } = rig({ "tasks.max": "3", topics: "a,b" });
    await expect(runner.taskConfigs()).rejects.toThrow(ConflictError);
    await runner.setTargetState("STARTED");
    expect(await runner.taskConfigs()).toEqual([{ task: "0", "task.class": "STask", topics: "a,b" }]);
  });

  test("more tasks than tasks.max fail the connector, unless tasks.max.enforce is false", async () => {
    const { connector, told, runner } = rig({ "tasks.max": "1" });
    connector.tasks = 2;
    await runner.setTargetState("STARTED");
    await expect(runner.taskConfigs()).rejects.toThrow(ConfigError);
    expect(told.at(-1)).toContain("FAILED ConfigError: The connector shop has generated 2 tasks");

    const lenient = rig({ "tasks.max": "1", "tasks.max.enforce": "false" });
    lenient.connector.tasks = 2;
    await lenient.runner.setTargetState("STARTED");
    expect(await lenient.runner.taskConfigs()).toHaveLength(2);
  });

  test("cancelled while it hangs in start: UNASSIGNED, and it is stopped once it has started", async () => {
    const { connector, told, runner } = rig();
    const gate = deferred();
    const begun = deferred();
    connector.startGate = gate.promise;
    connector.begun = begun.resolve;
    const started = runner.setTargetState("STARTED");
    await begun.promise;
    const ended = runner.end();
    runner.cancel();
    gate.resolve();
    expect(await started).toBe("UNASSIGNED");
    await ended;
    expect(connector.calls).toEqual(["start", "stop"]);
    expect(told).toEqual(["UNASSIGNED"]);
  });
});
