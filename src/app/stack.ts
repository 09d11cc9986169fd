import { join } from "node:path";
import { ConfigError, ConflictError } from "../api/index.js";
import type { LogFormat } from "../base/log/line-logger.js";
import type { LogLevel } from "../base/log/log-levels.js";
import type { LogSink } from "../base/logger.js";
import { BROKER_KEYS } from "../broker/broker-properties.js";
import { formatEndpoint, reachableHere } from "../broker/net/endpoint.js";
import { type BrokerThread, startBrokerThread } from "../broker/start-broker-thread.js";
import { scramUsers } from "./scram-users.js";
import type { RunningRegistry } from "./stack-registry.js";
import type { RunningWorker, WorkerStackOptions } from "./stack-worker.js";

export interface BrokerStackOptions {
  /** Folder for all data, the broker's included. */
  readonly dataDir: string;
  /** `HOST:PORT`; port 0 takes any free one. Undefined: from `listeners`, by default 127.0.0.1:9092. */
  readonly listen: string | undefined;
  /** The option that set the address, for the message when the address is taken. */
  readonly listenOption: string;
  /** Kafka's broker properties. */
  readonly properties: Readonly<Record<string, string>>;
  /** Users of SCRAM to add, as `--add-scram` names them. */
  readonly addScram?: readonly string[] | undefined;
  /** File with the password of the users of `addScram` that are named without one; `-` is the standard input. */
  readonly passwordFile?: string | undefined;
  /** Whether a worker in this process may need an address of its own: see `connectionOf`. */
  readonly hasWorker?: boolean;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  readonly logSink: LogSink;
}

export interface UpStackOptions extends Omit<WorkerStackOptions, "props"> {
  readonly broker: BrokerStackOptions;
  /** Worker properties over the defaults of `millrace up`. */
  readonly props: Readonly<Record<string, string>>;
  /** Where a schema registry listens, and its properties; undefined: there is none. */
  readonly registry?: { readonly listen: string; readonly props: Readonly<Record<string, string>> };
  /** Called as soon as the broker listens, before the worker starts. */
  readonly onBroker: (address: string) => void;
}

/** A broker and a worker in one process. */
export interface RunningStack {
  readonly worker: RunningWorker;
  readonly registry: RunningRegistry | undefined;
  /** `HOST:PORT`. */
  readonly kafka: string;
  /** Rejects if the broker or the schema registry ends by itself. */
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

/** Defaults of a worker beside the bundled broker: one node, so one replica of everything. */
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
 * Defaults of the bundled broker that are not Kafka's: there is one copy of the data, so a record is acknowledged once
 * it is on disk, where Kafka relies on its replicas (docs/decisions/group-commit.md).
 */
const BROKER_DEFAULTS: Readonly<Record<string, string>> = { "log.flush.interval.messages": "1" };

/**
 * Starts broker and worker: `millrace up`.
 *
 * @throws the errors of startBrokerStack and startWorkerStack; nothing runs then.
 */
export async function startStack(options: UpStackOptions): Promise<RunningStack> {
  // The worker's code loads while the broker's thread loads its own and opens its logs.
  const [broker, { startWorkerStack }] = await Promise.all([
    startBrokerStack({ ...options.broker, hasWorker: true }),
    loadWorker(),
  ]);
  const kafka = addressOf(broker);
  options.onBroker(kafka);
  let registry: RunningRegistry | undefined;
  let worker: RunningWorker;
  try {
    // Before the worker: its connectors may need it at once.
    registry = await startRegistry(options, broker);
    worker = await startWorkerStack({
      ...options,
      props: { ...UP_DEFAULTS, ...options.props, ...connectionOf(broker) },
      placeOf: (key) => (Object.hasOwn(BROKER_KEYS, key) ? "the broker's properties: --broker-config FILE" : undefined),
    });
  } catch (error) {
    await registry?.close();
    await broker.close();
    throw error;
  }
  const never = new Promise<never>(() => {});
  return {
    worker,
    registry,
    kafka,
    failed: Promise.race([broker.ended.then(() => never), registry?.failed ?? never]),
    async close() {
      // The worker first: its last records may need the registry, and its last offsets go to the broker.
      try {
        await worker.close();
      } finally {
        try {
          await registry?.close();
        } finally {
          await broker.close();
        }
      }
    },
  };
}

async function startRegistry(options: UpStackOptions, broker: BrokerThread): Promise<RunningRegistry | undefined> {
  if (!options.registry) return undefined;
  const { startRegistryStack } = await import("./stack-registry.js");
  const { listen, props } = options.registry;
  const connection = Object.entries(connectionOf(broker)).filter(
    ([key]) => !/^(?:producer|consumer|admin)\./.test(key),
  );
  return startRegistryStack({
    ...options,
    listenOption: "--registry",
    props: {
      "kafkastore.topic.replication.factor": "1",
      ...props,
      ...Object.fromEntries(connection.map(([key, value]) => [`kafkastore.${key}`, value])),
      listeners: `http://${listen}`,
    },
  });
}

async function loadWorker() {
  const loaded = await import("./stack-worker.js");
  await loaded.warmUp();
  return loaded;
}

/**
 * Starts the bundled broker in a thread of its own.
 *
 * @throws ConflictError when the port is in use or the folder is locked, ConfigError for a bad address or property.
 */
export async function startBrokerStack(options: BrokerStackOptions): Promise<BrokerThread> {
  const { listen, listenOption, hasWorker = false, logLevel, logFormat, logSink } = options;
  const properties = { ...BROKER_DEFAULTS, ...options.properties };
  const dataDir = properties["log.dirs"] ?? properties["log.dir"] ?? join(options.dataDir, "broker");
  if (dataDir.includes(","))
    throw new ConfigError("log.dirs", `Broker property log.dirs: only one folder is supported, got ${dataDir}`);
  try {
    return await startBrokerThread({
      dataDir,
      listen,
      listenInside: hasWorker,
      properties,
      scramUsers: scramUsers(options.addScram ?? [], options.passwordFile),
      logLevel,
      logFormat,
      logSink,
    });
  } catch (cause) {
    if (!(cause instanceof Error) || !("failure" in cause)) throw cause;
    const { failure, message } = cause;
    if (failure === "DataFolderLockedError") throw new ConflictError("DATA_FOLDER_LOCKED", message, { cause });
    if (failure === "ListenError") throw new ConflictError("PORT_IN_USE", message, { cause });
    if (failure === "EndpointError") throw new ConfigError(listenOption, message, { cause });
    if (failure === "BrokerPropertyError") throw new ConfigError("broker properties", message, { cause });
    throw cause;
  }
}

/**
 * How the worker beside a broker connects to it. The advertised address may be reachable only from outside, and the
 * listeners may require a certificate or a password.
 */
function connectionOf(broker: BrokerThread): Readonly<Record<string, string>> {
  const { inside } = broker;
  const login = inside?.login;
  const security: Readonly<Record<string, string>> = login
    ? {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.jaas.config": `org.apache.kafka.common.security.plain.PlainLoginModule required username="${login.user}" password="${login.password}";`,
      }
    : {};
  const ofConnectors = ["producer.", "consumer.", "admin."].flatMap((prefix) => {
    return Object.entries(security).map(([key, value]) => [prefix + key, value]);
  });
  return { ...security, ...Object.fromEntries(ofConnectors), "bootstrap.servers": addressOf(inside ?? broker) };
}

/** `HOST:PORT` at which clients on this machine reach a broker. */
export function addressOf(broker: { readonly host: string; readonly port: number }): string {
  return formatEndpoint(reachableHere(broker));
}
