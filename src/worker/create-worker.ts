import type { Clock, Logger, Props, Random } from "../api/index.js";
import { type LogLevel, silentLogger } from "../base/logger.js";
import { ConnectWorker } from "./connect-worker.js";
import { openConnectorsInProcess, openConnectorThread } from "./connector/open-connector-host.js";
import { PluginCalls } from "./connector/plugin-calls.js";
import { openInProcessHost } from "./host/in-process-host.js";
import type { CreateKafkaClient } from "./host/task-clients.js";
import { openThreadHost } from "./host/thread-host.js";
import { loadPlugins, pluginFolders } from "./plugins/load-plugins.js";
import { NamedPlugins } from "./plugins/named-plugins.js";
import type { SourceOffsetStore, Worker, WorkerListener } from "./worker.js";
import { parseWorkerSettings } from "./worker-config.js";

export interface WorkerOptions {
  /** The worker's properties with references resolved. */
  readonly workerProps: Props;
  readonly offsets: SourceOffsetStore;
  readonly listener: WorkerListener;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** For the hosts' threads, which drop lines below it. */
  readonly logLevel: LogLevel;
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
  const { workerProps, offsets, listener, clock, random, logger, logLevel, createKafkaClient } = options;
  const settings = parseWorkerSettings(workerProps);
  const inProcess = settings["task.isolation"] === "none";
  const pluginPath = workerProps["plugin.path"];
  const here = await loadPlugins(inProcess ? pluginPath : undefined, logger);
  const calls = new PluginCalls({
    timeoutMs: settings["task.host.timeout.ms"],
    clock,
    logger,
    open: (leftOut, hostListener) =>
      inProcess
        ? openConnectorsInProcess({ plugins: here, clock, random, logger }, hostListener)
        : openConnectorThread(
            { name: "connectors", workerProps, logLevel, leftOut },
            settings["task.heap.mb"],
            hostListener,
          ),
  });
  const elsewhere = !inProcess && pluginFolders(pluginPath).length > 0;
  const facts = elsewhere ? await calls.loaded() : here.facts();
  return new ConnectWorker({
    settings,
    plugins: new NamedPlugins(facts),
    calls,
    offsets,
    listener,
    clock,
    logger,
    openHost: (host, kind, heapMb, hostListener) => {
      const name = `host-${host}`;
      if (kind === "in-process") {
        const parts = { workerProps, plugins: here, createKafkaClient, clock, random, logger: logger.child(name) };
        return openInProcessHost(parts, hostListener);
      }
      const data = { name, workerProps, logLevel, leftOut: calls.leftOut };
      return openThreadHost("host/task-host-thread", data, kind === "dedicated" ? { heapMb } : {}, hostListener);
    },
  });
}

/** Loads the modules that every worker needs first. */
export async function warmUpWorker(): Promise<void> {
  await loadPlugins(undefined, silentLogger);
}
