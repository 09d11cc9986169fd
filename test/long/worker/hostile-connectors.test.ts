import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { LogFields } from "../../../src/api/index.js";
import { SystemClock } from "../../../src/base/clock.js";
import { deferred } from "../../../src/base/deferred.js";
import { LogLevels } from "../../../src/base/log/log-levels.js";
import { type NamedLogger, silentLogger } from "../../../src/base/logger.js";
import { SystemRandom } from "../../../src/base/random.js";
import { createKafkaClient } from "../../../src/kafka/create-kafka-client.js";
import { createWorker } from "../../../src/worker/create-worker.js";
import type { Worker } from "../../../src/worker/worker.js";
import { WorkerEvents } from "../../support/worker-events.js";

// Misbehaving connectors in the real connectors' host (it runs dist), beside a good one that must not notice.

const PLUGIN = `
import { EventEmitter } from "node:events";
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const never = () => new Promise(() => {});
const deeds = {
  emit: () => { setTimeout(() => new EventEmitter().emit("error", new Error("no listener took me")), 5); return never(); },
  spin: () => { for (;;); },
  late: async () => { await wait(5); for (;;); },
  greedy: () => { const held = []; for (;;) held.push(new Array(1e5).fill(held.length)); },
  exit: () => process.exit(7),
  hang: never,
  after: async () => { setTimeout(() => new EventEmitter().emit("error", new Error("no listener took me")), 20); },
  stray: async () => { Promise.reject(new Error("forgotten")); },
  closures: async () => [{ task: () => {} }],
};
const rogue = (deed, method) => ({
  type: "source",
  className: "rogue." + deed + "." + method,
  taskClassName: "rogue.Task",
  version: "1",
  connector: () => ({
    get config() { return method === "config" ? deeds[deed]() : {}; },
    async validate(_props, values) {
      if (method !== "validate") return values;
      await deeds[deed]();
      return [{ name: "x", value: () => {}, recommendedValues: [], errors: [], visible: true }];
    },
    async start() { if (method === "start") await deeds[deed](); },
    async taskConfigs() { return method === "taskConfigs" ? deeds[deed]() : [{}]; },
    async stop() {},
  }),
  task: never,
});
const good = {
  type: "source",
  className: "Good",
  taskClassName: "GoodTask",
  version: "1",
  connector: () => ({
    config: { size: { type: "int", doc: "Size.", default: 5, check: (_key, value) => value > 9 ? "too large" : undefined } },
    async start(context, props) { this.starts = (this.starts ?? 0) + 1; this.name = props.name; this.context = context; },
    async taskConfigs() { return [{ starts: String(this.starts), name: this.name }]; },
    async stop() {},
  }),
  task: never,
};
const all = Object.keys(deeds).flatMap((deed) => ["start", "taskConfigs", "validate", "config"].map((method) => rogue(deed, method)));
export default [good, ...all];
`;

const folder = mkdtempSync(join(tmpdir(), "millrace-connectors-"));
const workers: Worker[] = [];

beforeAll(() => {
  mkdirSync(join(folder, "rogue"));
  writeFileSync(join(folder, "rogue", "index.mjs"), PLUGIN);
});

afterEach(async () => {
  for (const worker of workers.splice(0)) await worker.close();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function start(props: Record<string, string> = {}, logger: NamedLogger = silentLogger) {
  const listener = new WorkerEvents();
  const worker = await createWorker({
    workerProps: { "plugin.path": folder, "task.host.timeout.ms": "2000", "task.heap.mb": "48", ...props },
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
    logger,
    levels: new LogLevels("error"),
    createKafkaClient,
  });
  workers.push(worker);
  const run = (name: string, className: string) =>
    worker.startConnector(name, { name, "connector.class": className }, "STARTED");
  return { worker, listener, run };
}

const reasonOf = (call: Promise<unknown>) =>
  call.then(
    () => "no failure",
    (error: Error) => error.message,
  );
const ref = (className: string) => ({ type: "connector", className }) as const;

type Rig = Awaited<ReturnType<typeof start>>;

/** The good connector still runs and answers, and its status has not changed since it started. */
async function expectGood({ worker, listener }: Rig): Promise<void> {
  expect(await worker.taskConfigs("good")).toEqual([{ starts: "1", name: "good", "task.class": "GoodTask" }]);
  const { config, values } = await worker.validate(ref("Good"), { size: "12" });
  expect(config).toEqual({ size: { type: "int", doc: "Size.", default: 5 } });
  expect(values).toMatchObject([{ name: "size", value: "12", errors: ["too large"] }]);
  expect(listener.lines.filter((line) => /^good [A-Z]/.test(line))).toEqual(["good RUNNING"]);
}

/** Makes the connector misbehave; resolves with the trace of its status, or with the message of the answer. */
async function provoke({ worker, listener, run }: Rig, className: string, method: string): Promise<string> {
  if (method === "validate") return reasonOf(worker.validate(ref(className), {}));
  if (method === "config") return reasonOf(worker.configOf(ref(className)));
  const failed = listener.expect(`${className} FAILED`);
  const state = await run(className, className);
  if (method === "taskConfigs") {
    expect(state).toBe("RUNNING");
    expect(await reasonOf(worker.taskConfigs(className))).toContain(className);
  }
  return failed;
}

test.each([
  ["spin", "has not answered", ["start", "taskConfigs", "validate", "config"]],
  ["late", "has not answered", ["start", "taskConfigs", "validate"]],
  ["greedy", "task.heap.mb=48", ["start", "taskConfigs", "validate", "config"]],
  ["exit", "exit code 7", ["start", "taskConfigs", "validate", "config"]],
])(
  "%s ends the host: that connector or call fails, and all others continue in a new one",
  async (deed, why, methods) => {
    const rig = await start();
    expect(await rig.run("good", "Good")).toBe("RUNNING");
    for (const method of methods) {
      const moved = rig.listener.expect("good reconfigures");
      const className = `rogue.${deed}.${method}`;
      const reason = await provoke(rig, className, method);
      expect(reason).toContain(why);
      expect(reason).toContain(className);
      await moved;
      await expectGood(rig);
    }
  },
  120_000,
);

test("an uncaught error fails the connector or call that it comes from, and the host continues", async () => {
  const rig = await start();
  expect(await rig.run("good", "Good")).toBe("RUNNING");
  for (const method of ["start", "taskConfigs", "validate"]) {
    const className = `rogue.emit.${method}`;
    expect(await provoke(rig, className, method)).toContain(`Uncaught error in ${className}: no listener took me`);
    await expectGood(rig);
  }
  expect(rig.listener.lines.filter((line) => line.endsWith(" reconfigures"))).toEqual([]);
});

test("a started connector fails on an uncaught error of its background work", async () => {
  const { listener, run } = await start();
  const failed = listener.expect("later FAILED");
  expect(await run("later", "rogue.after.start")).toBe("RUNNING");
  expect(await failed).toContain("no listener took me");
});

test("an unhandled rejection is logged with its plugin, and ends nothing", async () => {
  const logged = deferred<LogFields | undefined>();
  const logger: NamedLogger = {
    ...silentLogger,
    error: (message, fields) => message.startsWith("Unhandled promise rejection") && logged.resolve(fields),
    child: () => logger,
    named: () => logger,
  };
  const { worker, run } = await start({}, logger);
  expect(await run("stray", "rogue.stray.start")).toBe("RUNNING");
  expect(await logged.promise).toMatchObject({ plugin: "rogue.stray.start" });
  expect(await worker.taskConfigs("stray")).toHaveLength(1);
});

test("values that are not data do not cross, and the answer names them", async () => {
  const { worker, run } = await start();
  await run("odd", "rogue.closures.taskConfigs");
  await expect(worker.taskConfigs("odd")).rejects.toThrow("taskConfigs of rogue.closures.taskConfigs returned");
  expect(await reasonOf(worker.validate(ref("rogue.closures.validate"), {}))).toContain("could not be cloned");
});

test("a hanging connector blocks no other, and is abandoned after the graceful timeout", async () => {
  const rig = await start({ "task.shutdown.graceful.timeout.ms": "300" });
  await rig.run("good", "Good");
  const hanging = rig.run("hang", "rogue.hang.start");
  await expectGood(rig);
  await rig.worker.stopConnectors(["hang"]);
  expect(rig.listener.lines.filter((line) => !line.endsWith(" reconfigures"))).toEqual([
    "good RUNNING",
    "hang UNASSIGNED",
  ]);
  expect(await Promise.race([hanging, "still hanging"])).toBe("still hanging");
});
