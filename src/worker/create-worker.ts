import type { Clock, Props, Random } from "../api/index.js";
import type { LogLevels } from "../base/log/log-levels.js";
import { LOGGERS, PACKAGES } from "../base/log/logger-names.js";
import { type NamedLogger, silentLogger } from "../base/logger.js";
import { ConnectWorker } from "./connect-worker.js";
import { openConnectorsInProcess, openConnectorThread } from "./connector/open-connector-host.js";
import { PluginCalls } from "./connector/plugin-calls.js";
import { openInProcessHost } from "./host/in-process-host.js";
import type { CreateKafkaClient } from "./host/task-clients.js";
import { openThreadHost } from "./host/thread-host.js";
import { loadPlugins, pluginFolders } from "./plugins/load-plugins.js";
import { NamedPlugins, type PluginFacts } from "./plugins/named-plugins.js";
import { checkSourceTopics } from "./source/topic-creation.js";
import type { SourceFencing, SourceOffsetStore, Worker, WorkerListener } from "./worker.js";
import { parseWorkerSettings } from "./worker-config.js";

export interface WorkerOptions {
  /** The worker's properties with references resolved. */
  readonly workerProps: Props;
  readonly offsets: SourceOffsetStore;
  /** For exactly-once delivery; undefined when it is off. */
  readonly fencing?: SourceFencing | undefined;
  readonly listener: WorkerListener;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: NamedLogger;
  /** The hosts' threads follow them. */
  readonly levels: LogLevels;
  /** For tasks in this thread (task.isolation=none); threads create their own clients. */
  readonly createKafkaClient: CreateKafkaClient;
}

/**
 * Creates a worker. The first task opens a task host, the first connector or validation opens the connectors' host.
 * With a `plugin.path` the connectors' host opens at once and lists the plugins there, because only hosts load that
 * code.
 *
 * @throws ConfigError; RetriableError CONNECTOR_HOST_LOST when no host can load the plugins.
 */
export async function createWorker(options: WorkerOptions): Promise<Worker> {
  const { workerProps, offsets, fencing, listener, clock, random, logger, levels, createKafkaClient } = options;
  const settings = parseWorkerSettings(workerProps);
  const inProcess = settings["task.isolation"] === "none";
  const pluginPath = workerProps["plugin.path"];
  const here = await loadPlugins(inProcess ? pluginPath : undefined, logger.named(LOGGERS.plugins));
  const calls = new PluginCalls({
    timeoutMs: settings["task.host.timeout.ms"],
    clock,
    logger,
    open: (leftOut, hostListener) =>
      inProcess
        ? openConnectorsInProcess({ plugins: here, clock, random, logger }, hostListener)
        : openConnectorThread(
            { name: "connectors", workerProps, levels: levels.settings(), leftOut },
            settings["task.heap.mb"],
            hostListener,
          ),
  });
  const elsewhere = !inProcess && pluginFolders(pluginPath).length > 0;
  const facts = elsewhere ? await calls.loaded() : here.facts();
  addLoggers(levels, facts);
  const worker = new ConnectWorker({
    settings,
    plugins: new NamedPlugins(facts),
    calls,
    offsets,
    fencing,
    listener,
    clock,
    logger,
    checkConnector: (type, props) => {
      if (type === "source") checkSourceTopics(workerProps, props);
    },
    openHost: (host, kind, heapMb, hostListener) => {
      const name = `host-${host}`;
      if (kind === "in-process") {
        const parts = { workerProps, plugins: here, createKafkaClient, clock, random, logger };
        return openInProcessHost(parts, hostListener);
      }
      const data = { name, workerProps, levels: levels.settings(), leftOut: calls.leftOut };
      return openThreadHost("host/task-host-thread", data, kind === "dedicated" ? { heapMb } : {}, hostListener);
    },
  });
  levels.onChange((settings) => worker.setLogLevels(settings));
  return worker;
}

/** The loggers that exist before their first line: the worker's own, and each connector's class, task and package. */
function addLoggers(levels: LogLevels, { connector: connectors }: PluginFacts): void {
  for (const name of [...PACKAGES, ...Object.values(LOGGERS)]) levels.add(name);
  for (const { className, taskClassName } of connectors) {
    const end = className.lastIndexOf(".");
    for (const name of [className, taskClassName, ...(end > 0 ? [className.slice(0, end)] : [])]) levels.add(name);
  }
}

/** Loads the modules that every worker needs first. */
export async function warmUpWorker(): Promise<void> {
  await loadPlugins(undefined, silentLogger);
}
