import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { SystemClock } from "../../../src/base/clock.js";
import { deferred } from "../../../src/base/deferred.js";
import { LogLevels } from "../../../src/base/log/log-levels.js";
import { type NamedLogger, silentLogger } from "../../../src/base/logger.js";
import { SystemRandom } from "../../../src/base/random.js";
import { createKafkaClient } from "../../../src/kafka/create-kafka-client.js";
import { createWorker } from "../../../src/worker/create-worker.js";
import { loadPlugins } from "../../../src/worker/plugins/load-plugins.js";
import { NamedPlugins } from "../../../src/worker/plugins/named-plugins.js";

const folder = mkdtempSync(join(tmpdir(), "millrace-plugins-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function plugin(name: string, file: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, file), text);
  return path;
}

const source = (className: string) =>
  `({ type: "source", className: "${className}", taskClassName: "T", version: "2", connector() {}, task() {} })`;

test("bundled plugins and those of plugin.path are loaded; a broken one is left out and logged", async () => {
  plugin("many/one", "index.js", `module.exports = [${source("x.OneConnector")}, ${source("x.TwoConnector")}];`);
  plugin("many/three", "index.mjs", `export default ${source("x.ThreeConnector")};`);
  plugin("many/broken", "index.mjs", "export default {");
  plugin("many/empty", "index.mjs", "export const nothing = 1;");
  plugin("many/none", "readme.txt", "no plugin");
  const alone = plugin("alone", "index.mjs", `export default [${source("x.AloneConnector")}];`);
  const told: string[] = [];
  const logger: NamedLogger = {
    ...silentLogger,
    error: (_message, fields) => told.push(String(fields?.["path"])),
    warn: (_message, fields) => told.push(String(fields?.["path"])),
  };
  // Only plugins of others are guarded: bundled ones may load slowly, but never hang.
  const guarded: string[] = [];
  const plugins = await loadPlugins(`${join(folder, "many")}, ${alone},${join(folder, "absent")}`, logger, {
    leftOut: [],
    guard: (entry, load) => {
      guarded.push(entry.slice(folder.length + 1));
      return load();
    },
  });
  expect(guarded).toEqual([
    "many/broken/index.mjs",
    "many/empty/index.mjs",
    "many/one/index.js",
    "many/three/index.mjs",
    "alone/index.mjs",
  ]);
  const classes = new NamedPlugins(plugins.facts()).list().map((info) => `${info.type} ${info.class} ${info.version}`);
  expect(classes).toEqual(
    expect.arrayContaining([
      "source x.OneConnector 2",
      "source x.TwoConnector 2",
      "source x.ThreeConnector 2",
      "source x.AloneConnector 2",
      "converter org.apache.kafka.connect.json.JsonConverter 4.3.1",
      "header_converter org.apache.kafka.connect.storage.SimpleHeaderConverter 4.3.1",
    ]),
  );
  for (const bundled of ["FileStreamSource", "FileStreamSink", "PostgresConnector", "S3Sink"])
    expect(plugins.find("connector", bundled).className).toContain(bundled);
  expect(told.map((path) => path.slice(folder.length + 1)).sort()).toEqual([
    "absent",
    "many/broken/index.mjs",
    "many/empty/index.mjs",
  ]);
});

test("of installed packages only those with a millrace key are loaded; versions of a class stand side by side", async () => {
  const install = (path: string, manifest: object, version: string) => {
    const exported = source("x.InstalledConnector").replace('version: "2"', `version: "${version}"`);
    plugin(path, "dist.mjs", `export default ${exported};`);
    plugin(path, "index.mjs", 'throw new Error("not the entry");');
    plugin(path, "package.json", JSON.stringify(manifest));
  };
  install("npm/node_modules/plain", { millrace: "./dist.mjs" }, "1.9.0");
  install("npm/node_modules/@scope/scoped", { millrace: "dist.mjs" }, "1.10.0");
  install("npm/node_modules/other", { name: "other" }, "9");
  install("alone-2", { millrace: "./dist.mjs" }, "2.0.0-rc.1");
  const fail: NamedLogger = {
    ...silentLogger,
    error: (message, fields) => {
      throw new Error(`${message} ${fields?.["path"]}`);
    },
  };
  const versions = async (path: string) => {
    const { catalog } = await loadPlugins(path, fail);
    return catalog.versions("connector", "Installed");
  };
  const [npm, alone] = [join(folder, "npm"), join(folder, "alone-2")];
  expect(await versions(`${npm},${alone}`)).toEqual(["1.9.0", "1.10.0", "2.0.0-rc.1"]);
  expect(await versions(join(npm, "node_modules"))).toEqual(["1.9.0", "1.10.0"]);
  const { catalog } = await loadPlugins(npm, fail);
  const near = catalog.find("connector", "Installed", { version: "[1,1.10)" }).location;
  expect(near).toBe(join(npm, "node_modules", "plain", "dist.mjs"));
});

test("a plugin whose import never ends, or ends the thread, is left out by name; the others run", async () => {
  const hostile = {
    "a-exit": "process.exit(3);",
    "b-loop": "for (;;);",
    "c-never": "await new Promise(() => {});",
    "c-waits": "setInterval(() => {}, 1000); await new Promise(() => {});",
    "d-throws": 'throw new Error("broken on purpose");',
    "e-greedy": "const held = []; for (;;) held.push(new Array(1e5).fill(held.length));",
    "f-timer":
      'setTimeout(() => { throw new Error("left behind"); }, 1); await new Promise((next) => setTimeout(next, 20));',
  };
  for (const [name, text] of Object.entries(hostile)) {
    plugin(`hostile/${name}`, "index.mjs", `${text}\nexport default ${source(`x.${name}`)};`);
  }
  const good = `{ type: "source", className: "x.GoodConnector", taskClassName: "T", version: "2",
    connector: () => ({ config: {}, start: async () => {}, taskConfigs: async () => [{}], stop: async () => {} }),
    task: async () => ({ start: async () => {}, poll: () => new Promise((next) => setTimeout(() => next(null), 20)), stop: async () => {} }) }`;
  plugin("hostile/z-good", "index.mjs", `export default ${good};`);
  const lines: string[] = [];
  const logger: NamedLogger = {
    ...silentLogger,
    error: (message, fields) => lines.push(`${message} ${fields?.["path"]} ${fields?.["reason"]}`),
    child: () => logger,
    named: () => logger,
  };
  const running = deferred();
  const worker = await createWorker({
    workerProps: {
      "bootstrap.servers": "127.0.0.1:1",
      "plugin.path": join(folder, "hostile"),
      "task.host.timeout.ms": "2000",
      "task.heap.mb": "48",
      "task.hosts": "1",
      "key.converter": "JsonConverter",
      "value.converter": "JsonConverter",
    },
    offsets: {
      read: async () => [],
      eras: async () => ({ worker: 1 }),
      workerEra: () => 1,
      flush: async () => {},
      records: async () => ({ topic: "offsets", records: [], isOverlaid: false }),
      committed: async () => {},
    },
    listener: {
      connectorStatus() {},
      taskStatus: (_id, state) => state === "RUNNING" && running.resolve(),
      requestReconfiguration() {},
      topicUsed() {},
    },
    clock: new SystemClock(),
    random: new SystemRandom(),
    logger,
    levels: new LogLevels("error"),
    createKafkaClient,
  });
  try {
    const there = worker.plugins.list().map((info) => info.class);
    expect(there.filter((name) => name.startsWith("x."))).toEqual(["x.GoodConnector"]);
    for (const [name, why] of [
      ["a-exit", "exit code 3"],
      ["b-loop", "has not answered"],
      ["c-never", "exit code 13"],
      ["c-waits", "has not answered"],
      ["d-throws", ""],
      ["e-greedy", "ran out of memory"],
      ["f-timer", "left behind"],
    ] as const) {
      const line = lines.find((text) => text.startsWith("A plugin cannot") && text.includes(`hostile/${name}/`));
      expect(line).toContain(why);
    }
    const props = { name: "good", "connector.class": "x.GoodConnector" };
    expect(await worker.startConnector("good", props, "STARTED")).toBe("RUNNING");
    await worker.startTask({ connector: "good", task: 0 }, props, {}, "STARTED", 1);
    await running.promise;
  } finally {
    await worker.close();
  }
}, 60_000);
