import { describe, expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { deferred } from "../../../../src/base/deferred.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { SeededRandom } from "../../../../src/base/random.js";
import type { TaskId } from "../../../../src/contract/task-id.js";
import { ConfigReloads } from "../../../../src/herder/running/config-reloads.js";
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
  const clock = new SimClock();
  const ttls: number[] = [];
  const reloaded: string[] = [];
  const reloads = new ConfigReloads({
    clock,
    random: new SeededRandom(1),
    logger: silentLogger,
    run: (_stage, step) => step(),
    restart: async (connector) => void reloaded.push(connector),
  });
  const runner = new WorkRunner({
    worker,
    reporter: reporter as unknown as StatusReporter,
    logger: silentLogger,
    configs: () => configs,
    mayRunConnector: () => group.isMember,
    mayRunTask: () => group.isMember,
    resolve: (_connector, props, expires) => {
      for (const ttlMs of ttls) expires?.(ttlMs);
      return props as Record<string, string>;
    },
    reloads,
    connectorRuns() {},
  });
  await runner.startTask(task(0));
  await runner.startTask(task(1));
  worker.stopGate = worker.release.promise;
  return { runner, worker, group, restarting, clock, ttls, reloaded };
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

describe("a connector whose config provider's values expire", () => {
  test("restarts after the shortest time, once", async () => {
    const { runner, clock, ttls, reloaded } = await rig();
    ttls.push(60_000, 5_000, 90_000);
    await runner.startConnector("c");
    await clock.advance(4_999);
    expect(reloaded).toEqual([]);
    await clock.advance(100_000);
    expect(reloaded).toEqual(["c"]);
  });

  test("does not restart once it is stopped, and after new values not for the old ones", async () => {
    const { runner, worker, clock, ttls, reloaded } = await rig();
    worker.release.resolve();
    ttls.push(5_000);
    await runner.startConnector("c");
    ttls[0] = 20_000;
    await runner.restartConnector("c").started;
    await clock.advance(19_000);
    expect(reloaded).toEqual([]);
    await runner.stopEverything(0);
    await clock.advance(60_000);
    expect(reloaded).toEqual([]);
  });

  test("does not restart once the herder stops", async () => {
    const { runner, clock, ttls, reloaded } = await rig();
    ttls.push(5_000);
    await runner.startConnector("c");
    runner.end();
    await clock.advance(60_000);
    expect(reloaded).toEqual([]);
  });
});
