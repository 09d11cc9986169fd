import { ConfigError, type Logger } from "../api/index.js";
import { SystemClock } from "../base/clock.js";
import { LOG_LEVELS, type LogLevel, TextLogger } from "../base/logger.js";
import { SystemRandom } from "../base/random.js";
import { EXIT, errorLine, exitCodeOf } from "../cli/exit-code.js";
import type { BrokerOptions, UpOptions } from "../cli/program.js";
import { readPropertiesFile } from "./properties-file.js";

/** A running service, as a command sees it. */
interface Service {
  /** Rejects when the service has failed by itself; never resolves. */
  readonly failed?: Promise<never>;
  close(): Promise<void>;
}

/** The process that runs the commands; tests have their own. */
export interface CommandProcess {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Prints one line to standard output, for programs to read. */
  print(line: string): void;
  /** Prints one line to standard error. */
  report(line: string): void;
  /** Resolves with the signal when the process must stop (SIGTERM, SIGINT). */
  readonly stopRequested: Promise<string>;
}

/** `millrace up`. Resolves with the exit code at the end. */
export function runUp({ data, kafka, rest, config, brokerConfig }: UpOptions, host: CommandProcess): Promise<number> {
  return runService(host, config, async (props, logger, logLevel) => {
    const { startStack } = await import("./stack.js");
    const stack = await startStack({
      broker: {
        dataDir: data,
        listen: kafka,
        listenOption: "--kafka",
        properties: brokerConfig === undefined ? {} : readPropertiesFile(brokerConfig),
        logLevel,
        logSink: host.report,
      },
      props: rest === undefined ? props : { ...props, listeners: `http://${rest}` },
      restOption: rest === undefined && props["listeners"] !== undefined ? "listeners" : "--rest",
      clock,
      random,
      logger,
      logLevel,
      env: host.env,
      onBroker: (address) => host.print(`Kafka broker: ${address}`),
    });
    host.print(`REST interface: ${stack.worker.restUrl}`);
    return stack;
  });
}

/** `millrace worker FILE`. Resolves with the exit code at the end. */
export function runWorker(file: string, host: CommandProcess): Promise<number> {
  return runService(host, file, async (props, logger, logLevel) => {
    const { startWorkerStack } = await import("./stack-worker.js");
    const worker = await startWorkerStack({
      props,
      clock,
      random,
      logger,
      logLevel,
      env: host.env,
      restOption: "listeners",
    });
    host.print(`REST interface: ${worker.restUrl}`);
    return worker;
  });
}

/** `millrace standalone FILE CONNECTOR_FILES`. Resolves with the exit code at the end. */
export function runStandalone(file: string, connectorFiles: readonly string[], host: CommandProcess): Promise<number> {
  return runService(host, file, async (props, logger, logLevel) => {
    const { startStandaloneStack } = await import("./stack-standalone.js");
    const worker = await startStandaloneStack(
      { props, clock, random, logger, logLevel, env: host.env, restOption: "listeners" },
      connectorFiles,
    );
    host.print(`REST interface: ${worker.restUrl}`);
    return worker;
  });
}

/** `millrace broker`. Resolves with the exit code at the end. */
export function runBroker({ data, listen, config }: BrokerOptions, host: CommandProcess): Promise<number> {
  return runService(host, config, async (props, _logger, logLevel) => {
    const { "log.level": _, ...properties } = props;
    const { addressOf, startBrokerStack } = await import("./stack.js");
    const broker = await startBrokerStack({
      dataDir: data,
      listen,
      listenOption: "--listen",
      properties,
      logLevel,
      logSink: host.report,
    });
    host.print(`Kafka broker: ${addressOf(broker)}`);
    return { failed: broker.ended.then(() => new Promise<never>(() => {})), close: () => broker.close() };
  });
}

/** `millrace demo`. Resolves with the exit code at the end. */
export async function runDemoCommand(options: { readonly keep: boolean }, host: CommandProcess): Promise<number> {
  const stop = new AbortController();
  void host.stopRequested.then(() => stop.abort());
  try {
    const logLevel = logLevelOf(host.env["MILLRACE_LOG_LEVEL"] ?? "warn");
    const logger = new TextLogger(host.report, clock, () => logLevel, "millrace.demo");
    const { runDemo } = await import("../demo/demo.js");
    const out = process.stdout;
    return await runDemo({
      ...options,
      signal: stop.signal,
      out,
      isTerminal: out.isTTY === true,
      clock,
      random,
      logger,
    });
  } catch (error) {
    host.report(errorLine(error));
    return exitCodeOf(error, "running");
  }
}

const clock = new SystemClock();
const random = new SystemRandom();

/** After a stop request, the time for a start in progress to reach a state that can be stopped. */
const START_GRACE_MS = 3_000;

/** Starts a service, runs it until the process must stop, and closes it. Reports every error in one line. */
async function runService(
  host: CommandProcess,
  propertiesFile: string | undefined,
  start: (props: Record<string, string>, logger: Logger, logLevel: LogLevel) => Promise<Service>,
): Promise<number> {
  let logger: Logger;
  let service: Service;
  try {
    const props = propertiesFile === undefined ? {} : readPropertiesFile(propertiesFile);
    const logLevel = logLevelOf(host.env["MILLRACE_LOG_LEVEL"] ?? props["log.level"] ?? "info");
    logger = new TextLogger(host.report, clock, () => logLevel, "millrace");
    // A start may wait long for a broker. A stop request need not: nothing runs yet that could lose anything.
    const gaveUp = host.stopRequested.then(() => clock.delay(START_GRACE_MS)).then(() => undefined);
    const started = await Promise.race([start(props, logger, logLevel), gaveUp]);
    if (!started) return EXIT.ok;
    service = started;
  } catch (error) {
    host.report(errorLine(error));
    return exitCodeOf(error, "starting");
  }
  try {
    const signal = await Promise.race([host.stopRequested, ...(service.failed ? [service.failed] : [])]);
    logger.info("Stopping", { signal });
    await service.close();
    logger.info("Stopped");
    return EXIT.ok;
  } catch (error) {
    logger.error("The process ends", {}, error);
    host.report(errorLine(error));
    return exitCodeOf(error, "running");
  }
}

function logLevelOf(text: string): LogLevel {
  const level = text.toLowerCase();
  const known = LOG_LEVELS.find((name) => name === level);
  if (known) return known;
  throw new ConfigError(
    "log.level",
    `Invalid value ${text} for log.level or MILLRACE_LOG_LEVEL: ${LOG_LEVELS.join(", ")}`,
  );
}
