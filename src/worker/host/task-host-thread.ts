import { parentPort, workerData } from "node:worker_threads";
import { BufferGarbage } from "../../base/buffer-garbage.js";
import { SystemClock } from "../../base/clock.js";
import { InvariantError } from "../../base/invariant-error.js";
import { LogLevels } from "../../base/log/log-levels.js";
import { LOGGERS } from "../../base/log/logger-names.js";
import { ThreadMeter } from "../../base/metrics/thread-load.js";
import { SystemRandom } from "../../base/random.js";
import { createKafkaClient } from "../../kafka/create-kafka-client.js";
import { loadPlugins } from "../plugins/load-plugins.js";
import { CodeOwner } from "./code-owner.js";
import { forwardingLogger } from "./forwarding-logger.js";
import { logStrayRejections } from "./stray-rejections.js";
import { TaskHost } from "./task-host.js";
import type { HostCommand, HostReport } from "./task-host-messages.js";
import type { ThreadHostData } from "./thread-host.js";

// Entry of a task host's thread: loads the plugins, then runs tasks until the worker ends the thread. An uncaught error
// of a task's code fails that task alone; one of no task's code ends the thread.
const port = parentPort;
if (!port) throw new InvariantError("A task host runs in a thread of the worker");
const { name, workerProps, levels: settings, leftOut, owner } = workerData as ThreadHostData;
const clock = new SystemClock();
new BufferGarbage(clock).start();
const meter = new ThreadMeter(clock);
const send = (report: HostReport) => port.postMessage(report);
const levels = new LogLevels(settings.root, settings.set);
const logger = forwardingLogger(send, clock, levels, LOGGERS.worker);
const owners = new CodeOwner(owner);
let host: TaskHost | undefined;
logStrayRejections(process, logger.named(LOGGERS.worker, { host: name }), () => host?.taskOf(owners.current) ?? {});
process.on("uncaughtException", (error) => {
  if (!host?.uncaught(owners.current, error)) throw error;
});
const plugins = await loadPlugins(workerProps["plugin.path"], logger.named(LOGGERS.plugins, { host: name }), {
  leftOut,
});
const taskHost = new TaskHost({
  within: (run, work) => owners.run(run, work),
  workerProps,
  plugins,
  createKafkaClient,
  clock,
  random: new SystemRandom(),
  logger,
  send,
  load: () => meter.load(),
});
host = taskHost;
port.on("message", (command: HostCommand) => {
  if (command.type === "levels") levels.replace(command.levels);
  else taskHost.receive(command);
});
send({ type: "ready" });
