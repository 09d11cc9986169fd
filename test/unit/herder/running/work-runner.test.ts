import { describe, expect, test } from "vitest";
import { deferred } from "../../../../src/base/deferred.js";
import { silentLogger } from "../../../../src/base/logger.js";
import type { TaskId } from "../../../../src/contract/task-id.js";
import type { StatusReporter } from "../../../../src/herder/running/status-reporter.js";
import { WorkRunner } from "../../../../src/herder/running/work-runner.js";
import type { WorkerListener } from "../../../../src/worker/worker.js";
import { configsOf, connectorRecords } from "../configs.js";
import { FakeWorker } from "../fake-worker.js";

const NOTHING = { stopTasks: [], stopConnectors: [], startConnectors: [], startTasks: [], setConnectorTargets: [] };
const task = (number: number): TaskId => ({ connector: "c", task: number });

class GatedWorker extends FakeWorker {
  readonly stops: string[] = [];

  override async stopTasks(ids: readonly TaskId[], withinMs?: number) {
    this.stops.push(`${ids.map((id) => id.task).join(",")} within ${withinMs ?? "grace"}`);
    // Like the worker: a task that must stop at once is cancelled, which ends every wait for it.
    if (withinMs === 0) this.release.resolve();
    await super.stopTasks(ids);
  }

  override async stopConnectors(names: readonly string[], withinMs?: number) {
    if (names.length > 0) this.stops.push(`${names} within ${withinMs ?? "grace"}`);
    await super.stopConnectors(names);
  }

  readonly release = deferred();
}

/** A runner of two tasks of c, whose stops hang until they are cancelled. */
async function rig() {
  const restarting: unknown[] = [];
  const reporter = { taskStatus() {}, starting() {}, restarting: (subject: unknown) => restarting.push(subject) };
  const worker = new GatedWorker({ connectorStatus() {}, taskStatus() {} } as unknown as WorkerListener);
  const configs = configsOf(...connectorRecords("c", 2));
  const group = { isMember: true };
  const runner = new WorkRunner({
    worker,
    reporter: reporter as unknown as StatusReporter,
    logger: silentLogger,
    configs: () => configs,
    mayRunConnector: () => group.isMember,
    mayRunTask: () => group.isMember,
    resolve: (_connector, props) => props as Record<string, string>,
    connectorRuns() {},
  });
  await runner.startTask(task(0));
  await runner.startTask(task(1));
  worker.stopGate = worker.release.promise;
  return { runner, worker, group, restarting };
}

describe("when the group is lost while a command waits for a stop", () => {
  test("work that is already stopping is stopped at once, too (I4)", async () => {
    const { runner, worker, group } = await rig();
    const command = runner.carryOut({ ...NOTHING, stopTasks: [task(0)], setTaskTargets: [] });
    group.isMember = false;
    await runner.stopEverything(0);
    await command;
    expect(worker.stops).toEqual(["0 within grace", "1,0 within 0"]);
  });

  test("connectors are stopped at once with the tasks, not after them (I4)", async () => {
    const { runner, worker, group } = await rig();
    void runner.startConnector("c");
    group.isMember = false;
    const stopped = runner.stopEverything(700);
    expect(worker.stops).toEqual(["0,1 within 700", "c within 700"]);
    worker.release.resolve();
    await stopped;
  });

  test("the command does not record removed tasks", async () => {
    const { runner, worker, group } = await rig();
    const setTaskTargets = [{ tasks: [task(1)], state: "PAUSED" as const }];
    const command = runner.carryOut({ ...NOTHING, stopTasks: [task(0)], setTaskTargets });
    group.isMember = false;
    await runner.stopEverything(0);
    worker.release.resolve();
    await command;
    expect([...runner.tasks]).toEqual([]);
  });

  test("a restart writes no RESTARTING over the new owner's status", async () => {
    const { runner, worker, group, restarting } = await rig();
    const command = runner.restart("c", [task(0)]);
    group.isMember = false;
    await runner.stopEverything(0);
    worker.release.resolve();
    await command;
    expect(restarting).toEqual([]);
  });
});
