import type { Clock, Logger, Props, Random } from "../api/index.js";
import type { LogLevel } from "../base/logger.js";
import { ConnectWorker } from "./connect-worker.js";
import { openInProcessHost } from "./host/in-process-host.js";
import type { CreateKafkaClient } from "./host/task-clients.js";
import { openThreadHost } from "./host/thread-host.js";
import { loadPlugins } from "./plugins/load-plugins.js";
import type { Plugins, SourceOffsetStore, Worker, WorkerListener } from "./worker.js";
import { parseWorkerSettings } from "./worker-config.js";

export interface WorkerOptions {
  /** The worker's properties with references resolved. */
  readonly workerProps: Props;
  readonly offsets: SourceOffsetStore;
  readonly listener: WorkerListener;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** For the task hosts' threads, which write to standard error by themselves. */
  readonly logLevel: LogLevel;
  /** For tasks in this thread (task.isolation=none); threads make their clients by themselves. */
  readonly createKafkaClient: CreateKafkaClient;
  /** Instead of loading them; task hosts in threads load theirs in any case. */
  readonly plugins?: Plugins;
}

/** Makes a worker: loads the plugins; task hosts are opened when the first task needs one. @throws ConfigError */
export async function createWorker(options: WorkerOptions): Promise<Worker> {
  const { workerProps, offsets, listener, clock, random, logger, logLevel, createKafkaClient } = options;
  const settings = parseWorkerSettings(workerProps);
  const plugins = options.plugins ?? (await loadPlugins(workerProps["plugin.path"], logger));
  return new ConnectWorker({
    settings,
    plugins,
    offsets,
    listener,
    clock,
    random,
    logger,
    openHost: (host, kind, heapMb, hostListener) => {
      if (kind === "in-process") {
        const hostLogger = logger.child(`host-${host}`);
        const parts = { workerProps, plugins, createKafkaClient, clock, random, logger: hostLogger };
        return openInProcessHost(parts, hostListener);
      }
      const data = { host, workerProps, logLevel };
      return openThreadHost(data, kind === "dedicated" ? heapMb : undefined, hostListener);
    },
  });
}
