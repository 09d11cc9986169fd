import { parentPort, workerData } from "node:worker_threads";
import { SystemClock } from "../../base/clock.js";
import { InvariantError } from "../../base/invariant-error.js";
import { LogLevels } from "../../base/log/log-levels.js";
import { LOGGERS } from "../../base/log/logger-names.js";
import { ThreadMeter } from "../../base/metrics/thread-load.js";
import { SystemRandom } from "../../base/random.js";
import { traceOf } from "../../base/trace/error-trace.js";
import { CodeOwner } from "../host/code-owner.js";
import { forwardingLogger } from "../host/forwarding-logger.js";
import { logStrayRejections } from "../host/stray-rejections.js";
import type { ThreadHostData } from "../host/thread-host.js";
import { loadPlugins } from "../plugins/load-plugins.js";
import { ConnectorHost } from "./connector-host.js";
import type { ConnectorCommand, ConnectorReport } from "./connector-host-messages.js";

// Entry of the connectors' host: loads the plugins, then runs connectors until the worker ends the thread.
const port = parentPort;
if (!port) throw new InvariantError("The connectors' host runs in a thread of the worker");
const { name, workerProps, levels: settings, leftOut, owner } = workerData as ThreadHostData;
const send = (report: ConnectorReport) => port.postMessage(report);
const clock = new SystemClock();
const meter = new ThreadMeter(clock);
const levels = new LogLevels(settings.root, settings.set);
const logger = forwardingLogger(send, clock, levels, LOGGERS.worker);
const owners = new CodeOwner(owner);
let host: ConnectorHost | undefined;
logStrayRejections(process, logger.named(LOGGERS.worker, { host: name }), () => ({
  plugin: host?.classOf(owners.current),
}));
process.on("uncaughtException", (error) => {
  const { current } = owners;
  if (host && current !== 0) host.uncaught(current, error);
  else send({ type: "fatal", reason: `an uncaught error: ${traceOf(error).trimEnd()}` });
});

let entries = 0;
const plugins = await loadPlugins(workerProps["plugin.path"], logger.named(LOGGERS.plugins, { host: name }), {
  leftOut,
  guard: (entry, load) => {
    const number = --entries;
    send({ type: "loading", owner: number, entry });
    return owners.run(number, load);
  },
});
owners.run(0, () => {
  const loaded = new ConnectorHost({
    plugins,
    clock,
    random: new SystemRandom(),
    logger,
    send,
    load: () => meter.load(),
    within: (run, work) => owners.run(run, work),
  });
  host = loaded;
  port.on("message", (command: ConnectorCommand) => {
    if (command.type === "levels") levels.replace(command.levels);
    else loaded.receive(command);
  });
  send({ type: "ready", plugins: plugins.facts() });
});
