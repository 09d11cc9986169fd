import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { SystemClock } from "../../../src/base/clock.js";
import { LogLevels } from "../../../src/base/log/log-levels.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SystemRandom } from "../../../src/base/random.js";
import { createKafkaClient } from "../../../src/kafka/create-kafka-client.js";
import { createWorker } from "../../../src/worker/create-worker.js";
import type { Worker } from "../../../src/worker/worker.js";
import { WorkerEvents } from "../../support/worker-events.js";

// Task hosts as real threads (they run dist), with a misbehaving plugin of plugin.path.

const PLUGIN = `
const task = (behaviour) => ({
  async start(context, props) {
    if (behaviour === "uncaught") context.clock.schedule(10, () => { throw new Error("nobody caught me"); });
  },
  async poll() {
    if (behaviour === "spin") for (;;);
    if (behaviour === "greedy") { const held = []; for (;;) held.push(new Array(1e5).fill(held.length)); }
    if (behaviour === "broken") throw new Error("poll is broken");
    if (behaviour === "deaf") await new Promise(() => {});
    await new Promise((resolve) => setTimeout(resolve, 20));
    return null;
  },
  async stop() {},
});
const plugin = (behaviour) => ({
  type: "source",
  className: "rogue." + behaviour,
  taskClassName: "rogue." + behaviour + "Task",
  version: "1",
  connector: () => ({ config: {}, start: async () => {}, taskConfigs: async () => [{}], stop: async () => {} }),
  task: async () => task(behaviour),
});
export default ["good", "spin", "greedy", "deaf", "uncaught", "broken"].map(plugin);
`;

const folder = mkdtempSync(join(tmpdir(), "millrace-hosts-"));
const workers: Worker[] = [];

beforeAll(() => {
  mkdirSync(join(folder, "rogue"));
  writeFileSync(join(folder, "rogue", "index.mjs"), PLUGIN);
});

afterEach(async () => {
  for (const worker of workers.splice(0)) await worker.close();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function start(props: Record<string, string> = {}) {
  const listener = new WorkerEvents();
  const worker = await createWorker({
    workerProps: {
      // No broker listens there: these tasks produce nothing.
      "bootstrap.servers": "127.0.0.1:1",
      "plugin.path": folder,
      "key.converter": "JsonConverter",
      "value.converter": "JsonConverter",
      "task.hosts": "1",
      ...props,
    },
    offsets: {
      read: async () => [],
      eras: async () => ({ worker: 1 }),
      workerEra: () => 1,
      flush: async () => {},
      records: async () => ({ topic: "offsets", records: [], isOverlaid: false }),
      committed: async () => {},
    },
    listener,
    clock: new SystemClock(),
    random: new SystemRandom(),
    logger: silentLogger,
    levels: new LogLevels("off"),
    createKafkaClient,
  });
  workers.push(worker);
  const run = (behaviour: string, more: Record<string, string> = {}) => {
    const connectorProps = { name: behaviour, "connector.class": `rogue.${behaviour}`, ...more };
    return worker.startTask({ connector: behaviour, task: 0 }, connectorProps, {}, "STARTED", 1);
  };
  return { worker, listener, run };
}

test("an uncaught error of a task's code fails that task alone, and its host continues", async () => {
  const { listener, run, worker } = await start();
  const running = listener.expect("good-0 RUNNING");
  await run("good");
  await running;
  const failed = listener.expect("uncaught-0 FAILED");
  await run("uncaught");
  expect(await failed).toContain("nobody caught me");
  await worker.stopTasks([{ connector: "uncaught", task: 0 }]); // its run ends once its poll has returned
  await worker.metrics();
  expect(worker.hosts()).toMatchObject([{ name: "host-0", answering: true, tasks: 1 }, { name: "connectors" }]);
  expect(listener.lines.filter((line) => line.startsWith("good"))).toEqual(["good-0 RUNNING"]);
});

test("the trace of a failed task names the plugin's file, and our sources instead of the files that bundle them", async () => {
  const { listener, run } = await start();
  const failed = listener.expect("broken-0 FAILED");
  await run("broken");
  const trace = await failed;
  expect(trace).toMatch(/at Object\.poll \(file:.*\/rogue\/index\.mjs:\d+:\d+\)/);
  expect(trace).toMatch(/\(src\/worker\/source\/source-task-runner\.ts:\d+:\d+\)/);
  expect(trace).not.toContain("dist/");
});

test("a task that blocks its thread forever is FAILED alone; the others of its host start again on a new one", async () => {
  const { listener, run, worker } = await start({ "task.host.timeout.ms": "3000" });
  const running = listener.expect("good-0 RUNNING");
  await run("good");
  await running;
  const failed = listener.expect("spin-0 FAILED");
  await run("spin");
  expect(await failed).toMatch(/The code of task spin-0 ended its task host: it has not answered/);
  const again = listener.expect("good-0 RUNNING");
  expect(await again).toBe("good-0 RUNNING");
  expect(worker.hosts()).toMatchObject([{ name: "host-1", tasks: 1 }, { name: "connectors" }]);
});

test("a task that blocks its thread forever is FAILED, a dedicated one alone, and the worker continues", async () => {
  const { listener, run, worker } = await start({ "task.host.timeout.ms": "3000" });
  const running = listener.expect("good-0 RUNNING");
  await run("good");
  await running;
  const failed = listener.expect("spin-0 FAILED");
  await run("spin", { "task.isolation": "dedicated" });
  expect(await failed).toContain("has not answered");
  expect(worker.tasks().find(({ id }) => id.connector === "good")?.state).toBe("RUNNING");
});

test("a dedicated task that needs more than task.heap.mb is FAILED, alone", async () => {
  const { listener, run, worker } = await start();
  const running = listener.expect("good-0 RUNNING");
  await run("good");
  await running;
  const failed = listener.expect("greedy-0 FAILED");
  await run("greedy", { "task.isolation": "dedicated", "task.heap.mb": "32" });
  expect(await failed).toContain("task.heap.mb=32");
  expect(worker.tasks().find(({ id }) => id.connector === "good")?.state).toBe("RUNNING");
});

test("a task that does not stop is cancelled after the graceful timeout", async () => {
  const { listener, run, worker } = await start({ "task.shutdown.graceful.timeout.ms": "300" });
  const running = listener.expect("deaf-0 RUNNING");
  await run("deaf");
  await running;
  await worker.stopTasks([{ connector: "deaf", task: 0 }]);
  expect(listener.lines).toEqual(["deaf-0 RUNNING", "deaf-0 UNASSIGNED"]);
  expect(worker.tasks()).toEqual([]);
});
