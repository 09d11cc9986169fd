import { Worker } from "node:worker_threads";
import { deferred } from "../base/deferred.js";
import type { LogFormat } from "../base/log/line-logger.js";
import type { LogLevel } from "../base/log/log-levels.js";
import type { LogSink } from "../base/logger.js";
import type { InsideAddress } from "./open-listeners.js";
import type { ScramUser } from "./security/scram-user.js";
import type { BrokerThreadData, BrokerThreadOrder, BrokerThreadReport } from "./thread-messages.js";

export interface BrokerThreadOptions {
  /** The broker's data folder; created if it does not exist. */
  readonly dataDir: string;
  /** `HOST:PORT`; port 0 takes any free one. Undefined: the property `listeners` decides. */
  readonly listen?: string | undefined;
  /** As in `startBroker`. */
  readonly listenInside?: boolean;
  /** Kafka's broker properties, by Kafka's names. */
  readonly properties?: Readonly<Record<string, string>>;
  /** As in `startBroker`. */
  readonly scramUsers?: readonly ScramUser[];
  readonly logLevel: LogLevel;
  /** By default text. */
  readonly logFormat?: LogFormat;
  /** Receives the broker's formatted log lines. */
  readonly logSink: LogSink;
}

/** A broker that runs in its own thread. */
export interface BrokerThread {
  readonly host: string;
  readonly port: number;
  /** As in `RunningBroker`. */
  readonly inside: InsideAddress | undefined;
  readonly clusterId: string;
  /** Rejects when the thread ends without `close`. */
  readonly ended: Promise<void>;
  /** A clean stop. */
  close(): Promise<void>;
}

/**
 * The broker did not start; the message names the reason and the remedy. `failure` is the class of the error in the
 * thread.
 */
export class BrokerStartError extends Error {
  override readonly name = "BrokerStartError";
  constructor(
    readonly failure: string,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Starts the bundled broker in a worker thread, so that broker and worker do not share an event loop. Needs compiled
 * code. Called by `millrace up`.
 *
 * @throws BrokerStartError when it cannot start (port in use, data folder locked, damaged metadata, bad property).
 */
export async function startBrokerThread(options: BrokerThreadOptions): Promise<BrokerThread> {
  const { dataDir, listen, listenInside = false, properties = {}, scramUsers = [], logLevel, logSink } = options;
  const logFormat = options.logFormat ?? "text";
  const workerData: BrokerThreadData = { dataDir, listen, listenInside, properties, scramUsers, logLevel, logFormat };
  const thread = new Worker(new URL("./broker-thread.js", import.meta.url), { workerData, name: "broker" });
  const ready = deferred<Extract<BrokerThreadReport, { kind: "ready" }>>();
  const closed = deferred();
  const ended = deferred();
  let closing = false;
  thread.on("message", (report: BrokerThreadReport) => {
    if (report.kind === "log") logSink(report.line);
    else if (report.kind === "ready") ready.resolve(report);
    else if (report.kind === "closed") closed.resolve();
    else ready.reject(new BrokerStartError(report.name, report.message));
  });
  thread.on("error", (cause) => {
    ready.reject(cause);
    ended.reject(new Error("The broker's thread has failed", { cause }));
  });
  thread.on("exit", (code) => {
    ready.reject(new BrokerStartError("Error", `The broker's thread ended with exit code ${code}`));
    closed.resolve();
    if (closing) ended.resolve();
    else ended.reject(new Error(`The broker's thread ended with exit code ${code}`));
  });
  const { host, port, inside, clusterId } = await ready.promise;
  const close = async () => {
    closing = true;
    const order: BrokerThreadOrder = { kind: "close" };
    thread.postMessage(order);
    await closed.promise;
    await thread.terminate();
  };
  return { host, port, inside, clusterId, ended: ended.promise, close };
}
