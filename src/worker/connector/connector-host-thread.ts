import { parentPort, workerData } from "node:worker_threads";
import { SystemClock } from "../../base/clock.js";
import { traceOf } from "../../base/error-trace.js";
import { InvariantError } from "../../base/invariant-error.js";
import type { LogLevel } from "../../base/logger.js";
import { SystemRandom } from "../../base/random.js";
import { ForwardingLogger } from "../host/forwarding-logger.js";
import { logStrayRejections } from "../host/stray-rejections.js";
import { loadPlugins } from "../plugins/load-plugins.js";
import { CodeOwner } from "./code-owner.js";
import { ConnectorHost } from "./connector-host.js";
import type { ConnectorCommand, ConnectorReport } from "./connector-host-messages.js";
import type { ConnectorThreadData } from "./open-connector-host.js";

// Entry of the connectors' host: loads the plugins, then runs connectors until the worker ends the thread.
const port = parentPort;
if (!port) throw new InvariantError("The connectors' host runs in a thread of the worker");
const { name, workerProps, logLevel, leftOut, owner } = workerData as ConnectorThreadData;
const send = (report: ConnectorReport) => port.postMessage(report);
const logger = new ForwardingLogger(send, logLevel as LogLevel, name);
const owners = new CodeOwner(owner);
let host: ConnectorHost | undefined;
logStrayRejections(process, logger, () => ({ plugin: host?.classOf(owners.current) }));
process.on("uncaughtException", (error) => {
  const { current } = owners;
  if (host && current !== 0) host.uncaught(current, error);
  else send({ type: "fatal", reason: `an uncaught error: ${traceOf(error).trimEnd()}` });
});

let entries = 0;
const plugins = await loadPlugins(workerProps["plugin.path"], logger, {
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
    clock: new SystemClock(),
    random: new SystemRandom(),
    logger,
    send,
    within: (run, work) => owners.run(run, work),
  });
  host = loaded;
  port.on("message", (command: ConnectorCommand) => loaded.receive(command));
  send({ type: "ready", plugins: plugins.facts() });
});
