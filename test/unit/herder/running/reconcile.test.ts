import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TaskId } from "../../../../src/contract/task-id.js";
import {
  type Running,
  type RunningConnector,
  type RunningTask,
  reconcile,
} from "../../../../src/herder/running/reconcile.js";
import { NO_WORK, taskKey, type Work, workOf } from "../../../../src/herder/work.js";
import type { ConfigSnapshot } from "../../../../src/stores/config-fold.js";
import { configRecord } from "../../../../src/stores/config-records.js";
import { configsOf, connectorRecords } from "../configs.js";

const NOTHING: Running = { connectors: new Map(), tasks: new Map() };
const NO_ACTIONS = {
  stopTasks: [],
  stopConnectors: [],
  startConnectors: [],
  startTasks: [],
  setConnectorTargets: [],
  setTaskTargets: [],
};
const task = (connector: string, number: number): TaskId => ({ connector, task: number });

/** The running work once everything assigned was started from these configs. */
function runningFrom(configs: ConfigSnapshot, assigned: Work): Running {
  const connectors = new Map<string, RunningConnector>();
  const tasks = new Map<string, RunningTask>();
  for (const name of assigned.connectors) {
    const entry = configs.connectors.get(name);
    if (entry) connectors.set(name, { configOffset: entry.configOffset, targetState: entry.targetState });
  }
  for (const [key, id] of assigned.tasks) {
    const entry = configs.connectors.get(id.connector);
    if (!entry || id.task >= entry.taskConfigs.length || entry.targetState === "STOPPED") continue;
    tasks.set(key, { id, tasksOffset: entry.tasksOffset, targetState: entry.targetState });
  }
  return { connectors, tasks };
}

/** Every member has stopped the tasks that the commits replaced. */
const covered = () => true;

describe("reconcile", () => {
  const base = connectorRecords("c", 2);
  const all = workOf(["c"], [task("c", 0), task("c", 1)]);

  test("starts assigned and configured work", () => {
    expect(reconcile(all, NOTHING, configsOf(...base), covered)).toEqual({
      ...NO_ACTIONS,
      startConnectors: ["c"],
      startTasks: [task("c", 0), task("c", 1)],
    });
    expect(reconcile(all, NOTHING, configsOf(), covered)).toEqual(NO_ACTIONS);
  });

  test("stops work that is no longer assigned (I4)", () => {
    const configs = configsOf(...base);
    expect(reconcile(workOf([], [task("c", 1)]), runningFrom(configs, all), configs, covered)).toEqual({
      ...NO_ACTIONS,
      stopConnectors: ["c"],
      stopTasks: [task("c", 0)],
    });
  });

  test("stops work that is no longer configured, though still assigned", () => {
    const running = runningFrom(configsOf(...base), all);
    const deleted = configsOf(...base, configRecord.connector("c", null));
    expect(reconcile(all, running, deleted, covered)).toEqual({
      ...NO_ACTIONS,
      stopConnectors: ["c"],
      stopTasks: [task("c", 0), task("c", 1)],
    });
  });

  test("restarts a connector with a new config, and its tasks only after their commit", () => {
    const running = runningFrom(configsOf(...base), all);
    const changed = configsOf(
      ...base,
      configRecord.connector("c", { other: "1" }),
      configRecord.task("c", 0, { new: "1" }),
    );
    expect(reconcile(all, running, changed, covered)).toEqual({
      ...NO_ACTIONS,
      stopConnectors: ["c"],
      startConnectors: ["c"],
    });
  });

  test("restarts all tasks of a connector at their commit (I5)", () => {
    const running = runningFrom(configsOf(...base), all);
    const committed = configsOf(
      ...base,
      configRecord.task("c", 0, { new: "1" }),
      configRecord.task("c", 1, {}),
      configRecord.commit("c", 2),
    );
    const both = [task("c", 0), task("c", 1)];
    expect(reconcile(all, running, committed, covered)).toEqual({ ...NO_ACTIONS, stopTasks: both, startTasks: both });
  });

  test("restarts nothing at a commit that repeats the tasks in force", () => {
    const running = runningFrom(configsOf(...base), all);
    const repeated = configsOf(...base, ...connectorRecords("c", 2).slice(1));
    expect(reconcile(all, running, repeated, covered)).toEqual(NO_ACTIONS);
  });

  test("only stops tasks at a commit that other members may not have read yet (I4)", () => {
    const running = runningFrom(configsOf(...base), all);
    const changed = ["a", "b"].map((value, id) => configRecord.task("c", id, { new: value }));
    const committed = configsOf(...base, ...changed, configRecord.commit("c", 2));
    const both = [task("c", 0), task("c", 1)];
    const stopped = reconcile(all, running, committed, (_id, tasksOffset) => tasksOffset < base.length);
    expect(stopped).toEqual({ ...NO_ACTIONS, stopTasks: both });
    const left = { connectors: running.connectors, tasks: new Map() };
    expect(reconcile(all, left, committed, () => false)).toEqual(NO_ACTIONS);
    expect(reconcile(all, left, committed, covered)).toEqual({ ...NO_ACTIONS, startTasks: both });
  });

  test("runs no task of an inconsistent commit", () => {
    const running = runningFrom(configsOf(...base), all);
    const broken = configsOf(...base, configRecord.task("c", 0, { new: "1" }), configRecord.commit("c", 2));
    expect(reconcile(all, running, broken, covered)).toEqual({
      ...NO_ACTIONS,
      stopTasks: [task("c", 0), task("c", 1)],
    });
  });

  test("sets a new target state once, for the connector and its tasks", () => {
    const running = runningFrom(configsOf(...base), all);
    const paused = configsOf(...base, configRecord.targetState("c", "PAUSED"));
    expect(reconcile(all, running, paused, covered)).toEqual({
      ...NO_ACTIONS,
      setConnectorTargets: [{ connector: "c", state: "PAUSED" }],
      setTaskTargets: [{ tasks: [task("c", 0), task("c", 1)], state: "PAUSED" }],
    });
    expect(reconcile(all, runningFrom(paused, all), paused, covered)).toEqual(NO_ACTIONS);
  });

  test("stops the tasks of a stopped connector, and keeps the connector", () => {
    const running = runningFrom(configsOf(...base), all);
    const stopped = configsOf(...base, configRecord.commit("c", 0), configRecord.targetState("c", "STOPPED"));
    expect(reconcile(all, running, stopped, covered)).toEqual({
      ...NO_ACTIONS,
      stopTasks: [task("c", 0), task("c", 1)],
      setConnectorTargets: [{ connector: "c", state: "STOPPED" }],
    });
  });

  test("stops everything when nothing is assigned", () => {
    const configs = configsOf(...base);
    const { stopConnectors, stopTasks } = reconcile(NO_WORK, runningFrom(configs, all), configs, covered);
    expect([stopConnectors, stopTasks.length]).toEqual([["c"], 2]);
  });

  test("leads from any state to the assigned work, and then has nothing left to do", () => {
    const names = ["a", "b", "c"];
    const work = fc
      .tuple(fc.subarray(names), fc.subarray(names.flatMap((name) => [task(name, 0), task(name, 1), task(name, 2)])))
      .map(([connectors, tasks]) => workOf(connectors, tasks));
    const configs = fc
      .array(
        fc.oneof(
          fc.tuple(fc.constantFrom(...names), fc.nat(3)).map(([name, tasks]) => connectorRecords(name, tasks)),
          fc.constantFrom(...names).map((name) => [configRecord.connector(name, null)]),
          fc
            .tuple(
              fc.constantFrom(...names),
              fc.constantFrom("STARTED" as const, "PAUSED" as const, "STOPPED" as const),
            )
            .map(([name, state]) => [configRecord.targetState(name, state)]),
        ),
        { maxLength: 12 },
      )
      .map((records) => records.flat());
    fc.assert(
      fc.property(configs, fc.nat(40), work, work, (records, cut, before, after) => {
        const running = runningFrom(configsOf(...records.slice(0, cut)), before);
        const snapshot = configsOf(...records);
        const actions = reconcile(after, running, snapshot, covered);
        const connectors = new Map(running.connectors);
        const tasks = new Map(running.tasks);
        for (const name of actions.stopConnectors) connectors.delete(name);
        for (const id of actions.stopTasks) tasks.delete(taskKey(id));
        const fresh = runningFrom(snapshot, workOf(actions.startConnectors, actions.startTasks));
        for (const [name, each] of fresh.connectors) connectors.set(name, each);
        for (const [key, each] of fresh.tasks) tasks.set(key, each);
        for (const { connector, state } of actions.setConnectorTargets)
          connectors.set(connector, { ...connectors.get(connector)!, targetState: state });
        for (const { tasks: ids, state } of actions.setTaskTargets)
          for (const id of ids) tasks.set(taskKey(id), { ...tasks.get(taskKey(id))!, targetState: state });
        const wanted = runningFrom(snapshot, after);
        expect(connectors).toEqual(wanted.connectors);
        expect(tasks).toEqual(wanted.tasks);
        expect(reconcile(after, { connectors, tasks }, snapshot, covered)).toEqual(NO_ACTIONS);
      }),
    );
  });
});
