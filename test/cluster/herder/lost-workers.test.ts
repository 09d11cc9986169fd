import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { deferred } from "../../../src/base/deferred.js";
import type { Interceptor } from "../../../src/broker/interceptor.js";
import { ClientPartition } from "../../support/client-partition.js";
import { LogLines } from "../../support/log-lines.js";
import { RestClient } from "../../support/rest-client.js";
import { startWorkerProcess, TestStack } from "../../support/stack.js";

const sink = (stack: TestStack, tasks: number) => ({
  "connector.class": "FileStreamSink",
  file: join(stack.folder, "out.txt"),
  topics: "some-topic",
  "tasks.max": String(tasks),
});

/** The worker that each line of a task names; fails if two run it at once. */
function ownersOf(lines: readonly string[], task: number): string[] {
  const running = new Set<string>();
  const owners: string[] = [];
  for (const line of lines) {
    const [, worker, state] = /^(\w+) .*A task is (RUNNING|UNASSIGNED).* task=(\d+)/.exec(line) ?? [];
    if (worker === undefined || !line.includes(`task=${task}`)) continue;
    if (state === "UNASSIGNED") running.delete(worker);
    else {
      running.add(worker);
      owners.push(worker);
    }
    expect([...running], line).toHaveLength(Math.min(1, running.size));
  }
  return owners;
}

describe("a worker that is cut off from the broker", () => {
  const network = new ClientPartition();
  let logs: LogLines;
  let stack: TestStack;

  beforeEach(async () => {
    logs = new LogLines();
    stack = await TestStack.start({
      props: { "scheduled.rebalance.max.delay.ms": "0" },
      logger: logs.logger("kept"),
      interceptor: network.intercept,
    });
    const ids = { "client.id": "cut", "consumer.client.id": "cut-consumer" };
    await stack.startAnotherWorker(ids, logs.logger("cut"));
    await stack.rest.create("wide", sink(stack, 2));
    await stack.statuses.until("wide", ({ tasks }) => new Set(tasks.map(([, { workerId }]) => workerId)).size === 2);
  });
  afterEach(async () => {
    network.heal("cut");
    await stack.close();
  });

  test("stops its task before another starts it, and shares the work again after its return", async () => {
    const [, , owned = ""] = (await logs.line(/^cut .*(A task is RUNNING).* task=(\d+)/)).match;
    const from = logs.lines.length;
    network.cut("cut");
    const started = await logs.line(new RegExp(`^kept .*A task is RUNNING.* task=${owned}`), from);
    const stopped = await logs.line(new RegExp(`^cut .*A task is UNASSIGNED.* task=${owned}`), from);
    expect(stopped.at).toBeLessThan(started.at);

    const back = logs.line(/^cut .*A task is RUNNING.* task=(\d+)/, started.at);
    network.heal("cut");
    const [, again = ""] = (await back).match;
    const keptId = stack.worker.restUrl.replace("http://", "");
    await stack.statuses.until("wide", ({ tasks }) =>
      tasks.every(
        ([task, { state, workerId }]) => state === "RUNNING" && (workerId === keptId) !== (task === Number(again)),
      ),
    );
    expect(ownersOf(logs.lines, 0).length + ownersOf(logs.lines, 1).length).toBeGreaterThanOrEqual(4);
  });
});

describe("a leader that can read, but neither write nor stay in the group", () => {
  let isCut = false;
  const healed = deferred();
  const OF_THE_GROUP = new Set(["Heartbeat", "JoinGroup", "SyncGroup", "FindCoordinator"]);
  const interceptor: Interceptor = ({ apiName, clientId }) => {
    if (!isCut || clientId !== "cut") return undefined;
    if (apiName === "Produce") return { kind: "drop" };
    return OF_THE_GROUP.has(apiName) ? { kind: "delay", until: healed.promise } : undefined;
  };
  let logs: LogLines;
  let stack: TestStack;
  let kept: RestClient;

  beforeEach(async () => {
    logs = new LogLines();
    const props = { "scheduled.rebalance.max.delay.ms": "0", "client.id": "cut" };
    stack = await TestStack.start({ props, logger: logs.logger("cut"), interceptor });
    await stack.rest.create("c", sink(stack, 1));
    await stack.statuses.running("c");
    kept = new RestClient((await stack.startAnotherWorker({ "client.id": "kept" }, logs.logger("kept"))).restUrl);
  });
  afterEach(async () => {
    isCut = false;
    healed.resolve();
    await stack.close();
  });

  test("writes nothing after the next leader's delete, however long it has tried", async () => {
    isCut = true;
    const changed = stack.rest.put("/connectors/c/config", { ...sink(stack, 1), note: "of the old leader" });
    const id = kept.url.replace("http://", "");
    await stack.statuses.until(
      "c",
      ({ connector, tasks }) => connector?.workerId === id && tasks.every(([, { workerId }]) => workerId === id),
    );
    expect((await kept.delete("/connectors/c")).status).toBe(204);
    await stack.statuses.gone("c");
    expect(await changed).toMatchObject({
      status: 500,
      body: { message: expect.stringContaining("lost its place as the leader") },
    });
    const from = logs.lines.length;
    isCut = false;
    healed.resolve();
    await logs.line(/^cut .*Joined the group/, from);
    for (const rest of [stack.rest, kept]) expect((await rest.get("/connectors")).body).toEqual([]);
  });
});

describe("a leader that is killed while it writes a change", () => {
  const answerLost = deferred();
  let isArmed = false;
  const written = deferred();
  const interceptor: Interceptor = ({ apiName, clientId, request }) => {
    if (!isArmed || apiName !== "Produce" || clientId !== "leader") return undefined;
    if (!JSON.stringify(request).includes("connect-configs")) return undefined;
    isArmed = false;
    written.resolve();
    return { kind: "delay", until: answerLost.promise, after: true };
  };
  let stack: TestStack;
  let leader: Awaited<ReturnType<typeof startWorkerProcess>>;

  beforeEach(async () => {
    stack = await TestStack.start({ props: { "scheduled.rebalance.max.delay.ms": "0" }, interceptor });
    await stack.worker.close();
    leader = await startWorkerProcess(stack, { "client.id": "leader", "scheduled.rebalance.max.delay.ms": "0" });
    await leader.rest.create("c", sink(stack, 1));
    await stack.statuses.running("c");
    await stack.startWorker();
  });
  afterEach(async () => {
    answerLost.resolve();
    await leader.process.kill9();
    await stack.close();
  });

  test("the next leader continues from the topic's content, and loses no change", async () => {
    isArmed = true;
    const changed = leader.rest.put("/connectors/c/config", { ...sink(stack, 1), note: "of the old leader" });
    const failed = expect(changed).rejects.toThrow();
    await written.promise;
    await leader.process.kill9();
    await failed;
    const follower = new RestClient(stack.worker.restUrl);
    const id = stack.worker.restUrl.replace("http://", "");
    await stack.statuses.until(
      "c",
      ({ connector, tasks }) =>
        connector?.workerId === id && tasks.every(([, { state, workerId }]) => state === "RUNNING" && workerId === id),
    );
    expect((await follower.get("/connectors/c/config")).body).toMatchObject({ note: "of the old leader" });
    const patched = await follower.send("PATCH", "/connectors/c/config", { more: "of the new leader" });
    expect(patched).toMatchObject({
      status: 200,
      body: { config: { note: "of the old leader", more: "of the new leader" } },
    });
  });
});
