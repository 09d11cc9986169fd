import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SystemClock } from "../../../src/base/clock.js";
import { lineLogger } from "../../../src/base/log/line-logger.js";
import { LogLevels } from "../../../src/base/log/log-levels.js";
import { SystemRandom } from "../../../src/base/random.js";
import { createKafkaClient } from "../../../src/kafka/create-kafka-client.js";
import { createWorker } from "../../../src/worker/create-worker.js";

// Hosts as real threads (they run dist): levels must reach loggers there.

const PLUGIN = `
export default [{
  type: "source",
  className: "com.example.Chatty",
  taskClassName: "com.example.ChattyTask",
  version: "1",
  connector: () => ({
    config: {},
    async start(context) {
      const speak = () => { context.logger.debug("a connector speaks"); context.clock.schedule(20, speak); };
      speak();
    },
    taskConfigs: async () => [{}],
    stop: async () => {},
  }),
  task: async () => ({
    async start(context) { this.context = context; },
    async poll() {
      this.context.logger.debug("a task speaks");
      await this.context.clock.delay(20);
      return null;
    },
    async stop() {},
  }),
}];
`;

test("a level reaches the loggers of plugins in running hosts, and in those that start later", async () => {
  const folder = mkdtempSync(join(tmpdir(), "millrace-loggers-"));
  mkdirSync(join(folder, "chatty"));
  writeFileSync(join(folder, "chatty", "index.mjs"), PLUGIN);
  const clock = new SystemClock();
  const levels = new LogLevels("warn");
  const heard = new Map<RegExp, () => void>();
  const line = (pattern: RegExp) => new Promise<void>((resolve) => heard.set(pattern, resolve));
  const logger = lineLogger(
    (text) => heard.forEach((came, pattern) => void (pattern.test(text) && came())),
    clock,
    levels,
    "worker",
  );
  const worker = await createWorker({
    workerProps: {
      "bootstrap.servers": "127.0.0.1:1", // no broker: these tasks produce nothing
      "plugin.path": folder,
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
    listener: { connectorStatus() {}, taskStatus() {}, requestReconfiguration() {}, topicUsed() {} },
    clock,
    random: new SystemRandom(),
    logger,
    levels,
    createKafkaClient,
  });
  try {
    const startTask = (connector: string, more: Record<string, string> = {}) =>
      worker.startTask({ connector, task: 0 }, { "connector.class": "Chatty", ...more }, {}, "STARTED", 1);
    expect(levels.all().map(({ name }) => name)).toContain("com.example.ChattyTask");
    await worker.startConnector("one", { "connector.class": "Chatty" }, "STARTED");
    await startTask("one");
    const spoken = [
      line(/com\.example\.ChattyTask a task speaks connector=one task=0$/),
      line(/Chatty a connector speaks connector=one$/),
    ];
    levels.set("com.example", "debug", 0);
    await Promise.all(spoken);

    const later = line(/a task speaks connector=later/);
    await startTask("later", { "task.isolation": "dedicated" });
    await later;

    // One connector's level decides about its lines alone.
    levels.set("com.example", "warn", 0);
    const alone = line(/a task speaks connector=one/);
    levels.set("connectors.one", "debug", 0);
    await alone;
  } finally {
    await worker.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
