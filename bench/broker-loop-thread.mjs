// The thread of bench/compaction-loop.mjs: the broker of a build, and the delays of the event loop that serves it.
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { pathToFileURL } from "node:url";
import { parentPort, workerData } from "node:worker_threads";

const { dist, dataDir, properties } = workerData;
const load = (path) => import(pathToFileURL(join(dist, "src", path)).href);
const { startBroker } = await load("broker/start-broker.js");
const { SystemClock } = await load("base/clock.js");
const { SystemRandom } = await load("base/random.js");
const { silentLogger } = await load("base/logger.js");
// Builds before the cleaning thread have none.
const worker = await load("broker/log/cleaning/cleaning-in-thread.js").catch(() => undefined);

const clock = new SystemClock();
const logger = {
  ...silentLogger,
  info: (message, fields) => {
    if (message === "Compacted a log" || message === "Deleted old segments")
      parentPort.postMessage({ message, fields });
  },
  error: (message, _fields, cause) => parentPort.postMessage({ failed: `${message}: ${cause}` }),
};
const broker = await startBroker({
  dataDir,
  listen: "127.0.0.1:0",
  clock,
  random: new SystemRandom(),
  logger,
  properties,
  ...(worker && { cleaningWorker: new worker.CleaningInThread() }),
});
const delays = monitorEventLoopDelay({ resolution: 1 });
parentPort.on("message", async (order) => {
  if (order === "begin") {
    delays.enable();
    delays.reset();
  } else if (order === "end") {
    delays.disable();
    const [p50, p99, p999, max] = [delays.percentile(50), delays.percentile(99), delays.percentile(99.9), delays.max];
    parentPort.postMessage({ delays: [p50, p99, p999, max].map((ns) => Math.round(ns / 1e5) / 10) });
  } else {
    await broker.close();
    parentPort.postMessage({ closed: true });
    parentPort.close();
  }
});
parentPort.postMessage({ port: broker.port });
