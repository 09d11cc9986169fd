import { parentPort, workerData } from "node:worker_threads";
import { BufferGarbage } from "../base/buffer-garbage.js";
import { SystemClock } from "../base/clock.js";
import { InvariantError } from "../base/invariant-error.js";
import { lineLogger } from "../base/log/line-logger.js";
import { LogLevels } from "../base/log/log-levels.js";
import { LOGGERS } from "../base/log/logger-names.js";
import { SystemRandom } from "../base/random.js";
import { CleaningInThread } from "./log/cleaning/cleaning-in-thread.js";
import { startBroker } from "./start-broker.js";
import type { BrokerThreadData, BrokerThreadOrder, BrokerThreadReport } from "./thread-messages.js";

/**
 * The bundled broker in its own thread, started by `startBrokerThread`. Log lines are posted to the starter, which
 * writes them all, in order.
 */
async function main(): Promise<void> {
  const port = parentPort;
  if (!port) throw new InvariantError("The broker thread was not started as a thread");
  const report = (message: BrokerThreadReport) => port.postMessage(message);
  const { logLevel, logFormat, ...options } = workerData as BrokerThreadData;
  const clock = new SystemClock();
  new BufferGarbage(clock).start();
  const write = (line: string) => report({ kind: "log", line });
  const logger = lineLogger(write, clock, new LogLevels(logLevel), LOGGERS.broker, logFormat);
  try {
    const random = new SystemRandom();
    const broker = await startBroker({ ...options, clock, random, logger, cleaningWorker: new CleaningInThread() });
    port.on("message", (order: BrokerThreadOrder) => {
      if (order.kind !== "close") return;
      void broker.close().then(() => {
        report({ kind: "closed" });
        port.close();
      });
    });
    const { host, port: brokerPort, inside, clusterId } = broker;
    report({ kind: "ready", host, port: brokerPort, inside, clusterId });
    // A deferred's rejection alone ends nothing. Thrown, the loss of the folder ends the process with its reason.
    void broker.ended.catch((cause: unknown) => {
      throw cause;
    });
  } catch (error) {
    const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
    report({ kind: "failed", name, message });
    port.close();
  }
}

await main();
