import { join } from "node:path";
import { ConfigError, ConflictError } from "../api/index.js";
import type { LogSink } from "../base/logger.js";
import { type BrokerThread, startBrokerThread } from "../broker/start-broker-thread.js";
import type { RunningWorker, WorkerStackOptions } from "./stack-worker.js";

export interface BrokerStackOptions {
  /** Folder of all data; the broker's is in it. */
  readonly dataDir: string;
  /** `HOST:PORT`; port 0 takes any free one. */
  readonly listen: string;
  /** How the option that chose the address is called, for the message when it is taken. */
  readonly listenOption: string;
  readonly logLevel: WorkerStackOptions["logLevel"];
  readonly logSink: LogSink;
}

export interface UpStackOptions extends Omit<WorkerStackOptions, "props"> {
  readonly broker: BrokerStackOptions;
  /** Worker properties over the defaults of `millrace up`. */
  readonly props: Readonly<Record<string, string>>;
  /** Told as soon as the broker listens, before the worker starts. */
  readonly onBroker: (address: string) => void;
}

/** A broker and a worker in one process. */
export interface RunningStack {
  readonly worker: RunningWorker;
  /** `HOST:PORT`. */
  readonly kafka: string;
  /** Rejects if the broker ends by itself. */
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

/** What a worker beside the bundled broker uses unless it is told otherwise: one node, so one copy of everything. */
const UP_DEFAULTS: Readonly<Record<string, string>> = {
  "group.id": "millrace-cluster",
  "config.storage.topic": "connect-configs",
  "config.storage.replication.factor": "1",
  "offset.storage.topic": "connect-offsets",
  "offset.storage.replication.factor": "1",
  "status.storage.topic": "connect-status",
  "status.storage.replication.factor": "1",
  "key.converter": "org.apache.kafka.connect.json.JsonConverter",
  "value.converter": "org.apache.kafka.connect.json.JsonConverter",
  "offset.flush.interval.ms": "10000",
  listeners: "http://127.0.0.1:8083",
};

/**
 * Starts broker and worker: `millrace up`.
 *
 * @throws what startBrokerStack and startWorkerStack throw; nothing runs then.
 */
export async function startStack(options: UpStackOptions): Promise<RunningStack> {
  // The worker's code is loaded while the broker's thread loads its own and opens its logs.
  const [broker, { startWorkerStack }] = await Promise.all([startBrokerStack(options.broker), loadWorker()]);
  const kafka = addressOf(broker);
  options.onBroker(kafka);
  let worker: RunningWorker;
  try {
    worker = await startWorkerStack({
      ...options,
      props: { ...UP_DEFAULTS, ...options.props, "bootstrap.servers": kafka },
    });
  } catch (error) {
    await broker.close();
    throw error;
  }
  return {
    worker,
    kafka,
    failed: broker.ended.then(() => new Promise<never>(() => {})),
    async close() {
      // The worker first: its last offsets go to the broker.
      try {
        await worker.close();
      } finally {
        await broker.close();
      }
    },
  };
}

async function loadWorker() {
  const loaded = await import("./stack-worker.js");
  await loaded.warmUp();
  return loaded;
}

/**
 * Starts the bundled broker in a thread of its own.
 *
 * @throws ConflictError when the port is in use or the folder is locked, ConfigError for a bad address.
 */
export async function startBrokerStack(options: BrokerStackOptions): Promise<BrokerThread> {
  const { dataDir, listen, listenOption, logLevel, logSink } = options;
  try {
    return await startBrokerThread({ dataDir: join(dataDir, "broker"), listen, logLevel, logSink });
  } catch (cause) {
    if (!(cause instanceof Error) || !("failure" in cause)) throw cause;
    const { failure, message } = cause;
    if (failure === "DataFolderLockedError") throw new ConflictError("DATA_FOLDER_LOCKED", message, { cause });
    if (failure === "ListenError") throw new ConflictError("PORT_IN_USE", message, { cause });
    if (failure === "EndpointError") throw new ConfigError(listenOption, message, { cause });
    throw cause;
  }
}

/** `HOST:PORT` of a broker. */
export function addressOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
