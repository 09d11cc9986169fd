import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { deferred } from "../../../src/base/deferred.js";
import type { Interceptor } from "../../../src/broker/interceptor.js";
import { LogLines } from "../../support/log-lines.js";
import { TestStack } from "../../support/stack.js";

/** The client whose reads of the internal topics are held back, while its heartbeats continue. */
let behind: string | undefined;
let readOn = deferred();
const interceptor: Interceptor = ({ apiName, clientId }) =>
  apiName === "Fetch" && clientId === behind ? { kind: "delay", until: readOn.promise } : undefined;

let logs: LogLines;
let stack: TestStack;

beforeEach(async () => {
  logs = new LogLines();
  stack = await TestStack.start({
    props: { "scheduled.rebalance.max.delay.ms": "0", "client.id": "one" },
    logger: logs.logger("one"),
    interceptor,
  });
  await stack.startAnotherWorker({ "client.id": "two" }, logs.logger("two"));
});
afterEach(async () => {
  behind = undefined;
  readOn.resolve();
  await stack.close();
});

test("tasks of a new commit start only once every worker has stopped those that they replace (I4)", async () => {
  const config = {
    "connector.class": "FileStreamSink",
    file: join(stack.folder, "out.txt"),
    topics: "some-topic",
    "tasks.max": "2",
  };
  await stack.rest.create("wide", config);
  const { connector } = await stack.statuses.until(
    "wide",
    ({ connector, tasks }) =>
      connector !== undefined &&
      tasks.every(([, { state }]) => state === "RUNNING") &&
      new Set(tasks.map(([, { workerId }]) => workerId)).size === 2,
  );
  // The connector's worker commits the new tasks; the other does not read the commit.
  const isOne = connector!.workerId === stack.worker.restUrl.replace("http://", "");
  const [ahead, late] = isOne ? ["one", "two"] : ["two", "one"];
  readOn = deferred();
  behind = late;
  const from = logs.lines.length;
  const changed = stack.rest.put("/connectors/wide/config", { ...config, topics: "another-topic" });
  const stopped = await logs.line(new RegExp(`^${ahead} .*A task is UNASSIGNED`), from);
  // Both are in a rebalance by then, and the one that is ahead must wait.
  await logs.line(new RegExp(`^${ahead} .*Joining the group again`), stopped.at);
  expect(logs.lines.slice(stopped.at).some((line) => line.includes("A task is RUNNING"))).toBe(false);
  readOn.resolve();
  behind = undefined;
  const lateStopped = await logs.line(new RegExp(`^${late} .*A task is UNASSIGNED`), from);
  const started = await logs.line(/A task is RUNNING/, stopped.at);
  expect(lateStopped.at).toBeLessThan(started.at);
  await changed;
  await stack.statuses.running("wide", 2);
});
