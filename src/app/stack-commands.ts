import { ConfigError, errorKind, type Props } from "../api/index.js";
import { SystemClock } from "../base/clock.js";
import { LOG_FORMATS, type LogFormat, lineLogger } from "../base/log/line-logger.js";
import { LOG_LEVELS, type LogLevel, LogLevels, parseLogLevel } from "../base/log/log-levels.js";
import { LOGGERS } from "../base/log/logger-names.js";
import type { NamedLogger } from "../base/logger.js";
import { SystemRandom } from "../base/random.js";
import { EXIT, errorLine, exitCodeOf } from "../cli/exit-code.js";
import type { BrokerOptions, ExportCommandOptions, UpOptions } from "../cli/program.js";
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
export function runUp(
  { data, kafka, rest, registry, registryConfig, config, brokerConfig, addScram, passwordFile }: UpOptions,
  host: CommandProcess,
): Promise<number> {
  return runService(host, config, async (props, logger, log) => {
    const { startStack } = await import("./stack.js");
    const stack = await startStack({
      broker: {
        dataDir: data,
        listen: kafka,
        listenOption: "--kafka",
        properties: brokerConfig === undefined ? {} : readPropertiesFile(brokerConfig),
        addScram,
        passwordFile,
        logLevel: log.level,
        logFormat: log.format,
        logSink: host.report,
      },
      props: rest === undefined ? props : { ...props, listeners: `http://${rest}` },
      ...(registry !== undefined && {
        registry: {
          listen: registry,
          props: registryConfig === undefined ? {} : readPropertiesFile(registryConfig),
        },
      }),
      restOption: rest === undefined && props["listeners"] !== undefined ? "listeners" : "--rest",
      clock,
      random,
      logger,
      levels: log.levels,
      env: host.env,
      onBroker: (address) => host.print(`Kafka broker: ${address}`),
    });
    host.print(`REST interface: ${stack.worker.restUrl}`);
    if (stack.registry) host.print(`Schema registry: ${stack.registry.url}`);
    return stack;
  });
}

/** `millrace worker FILE`. Resolves with the exit code at the end. */
export function runWorker(file: string, host: CommandProcess): Promise<number> {
  return runService(host, file, async (props, logger, { levels }) => {
    const { startWorkerStack } = await import("./stack-worker.js");
    const worker = await startWorkerStack({
      props,
      clock,
      random,
      logger,
      levels,
      env: host.env,
      restOption: "listeners",
    });
    host.print(`REST interface: ${worker.restUrl}`);
    return worker;
  });
}

/** `millrace registry FILE`. Resolves with the exit code at the end. */
export function runRegistry(file: string, host: CommandProcess): Promise<number> {
  return runService(host, file, async (props, logger) => {
    const { [LEVEL_KEY]: _level, [LEVELS_KEY]: _levels, [FORMAT_KEY]: _format, ...properties } = props;
    const { startRegistryStack } = await import("./stack-registry.js");
    const registry = await startRegistryStack({
      props: properties,
      clock,
      random,
      logger,
      env: host.env,
      listenOption: "listeners",
    });
    host.print(`Schema registry: ${registry.url}`);
    return registry;
  });
}

/** `millrace standalone FILE CONNECTOR_FILES`. Resolves with the exit code at the end. */
export function runStandalone(file: string, connectorFiles: readonly string[], host: CommandProcess): Promise<number> {
  return runService(host, file, async (props, logger, { levels }) => {
    const { startStandaloneStack } = await import("./stack-standalone.js");
    const worker = await startStandaloneStack(
      { props, clock, random, logger, levels, env: host.env, restOption: "listeners" },
      connectorFiles,
    );
    host.print(`REST interface: ${worker.restUrl}`);
    return worker;
  });
}

/** `millrace broker`. Resolves with the exit code at the end. */
export function runBroker(
  { data, listen, config, addScram, passwordFile }: BrokerOptions,
  host: CommandProcess,
): Promise<number> {
  return runService(host, config, async (props, _logger, log) => {
    const { [LEVEL_KEY]: _level, [LEVELS_KEY]: _levels, [FORMAT_KEY]: _format, ...properties } = props;
    const { addressOf, startBrokerStack } = await import("./stack.js");
    const broker = await startBrokerStack({
      dataDir: data,
      listen,
      listenOption: "--listen",
      properties,
      addScram,
      passwordFile,
      logLevel: log.level,
      logFormat: log.format,
      logSink: host.report,
    });
    host.print(`Kafka broker: ${addressOf(broker)}`);
    return { failed: broker.ended.then(() => new Promise<never>(() => {})), close: () => broker.close() };
  });
}

/** `millrace broker export`. Resolves with the exit code: `failed` unless everything was carried that can be. */
export async function runExport(options: ExportCommandOptions, host: CommandProcess): Promise<number> {
  const stop = new AbortController();
  void host.stopRequested.then((signal) => stop.abort(new Error(`stopped by ${signal}`)));
  try {
    const { levels, format } = logSettings({}, host.env);
    const logger = lineLogger(host.report, clock, levels, "millrace.export", format);
    const { exportBetween } = await import("./stack-export.js");
    const isComplete = await exportBetween(options, { clock, random, logger, print: host.print, signal: stop.signal });
    return isComplete ? EXIT.ok : EXIT.failed;
  } catch (error) {
    // What a stop breaks off fails with an error of its own, which would name a server that may be well.
    host.report(errorLine(stop.signal.aborted ? stop.signal.reason : error));
    return exitCodeOf(error, "starting");
  }
}

/** `millrace demo`. Resolves with the exit code at the end. */
export async function runDemoCommand(options: { readonly keep: boolean }, host: CommandProcess): Promise<number> {
  const stop = new AbortController();
  void host.stopRequested.then(() => stop.abort());
  try {
    const { levels, format } = logSettings({ [LEVEL_KEY]: "warn" }, host.env);
    const logger = lineLogger(host.report, clock, levels, "millrace.demo", format);
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

const LEVEL_KEY = "log.level";
const LEVELS_KEY = "log.levels";
const FORMAT_KEY = "log.format";

interface LogSettings {
  /** The root logger's level at the start. */
  readonly level: LogLevel;
  readonly levels: LogLevels;
  readonly format: LogFormat;
}

/** After a stop request, the time for a start in progress to reach a state that can be stopped. */
const START_GRACE_MS = 3_000;

/** Starts a service, runs it until the process must stop, and closes it. Reports every error in one line. */
async function runService(
  host: CommandProcess,
  propertiesFile: string | undefined,
  start: (props: Record<string, string>, logger: NamedLogger, log: LogSettings) => Promise<Service>,
): Promise<number> {
  let logger: NamedLogger;
  let service: Service;
  try {
    const props = propertiesFile === undefined ? {} : readPropertiesFile(propertiesFile);
    const log = logSettings(props, host.env);
    logger = lineLogger(host.report, clock, log.levels, LOGGERS.process, log.format);
    // A start may wait long for a broker. A stop request need not: nothing runs yet that could lose anything.
    const gaveUp = host.stopRequested.then(() => clock.delay(START_GRACE_MS)).then(() => undefined);
    const started = await Promise.race([start(props, logger, log), gaveUp]);
    if (!started) return EXIT.ok;
    service = started;
  } catch (error) {
    const isMissing = errorKind(error) === "config" && (error as ConfigError).code === "CONFIG_MISSING";
    const place = isMissing && propertiesFile !== undefined ? ` It is missing from ${propertiesFile}.` : "";
    host.report(`${errorLine(error)}${place}`);
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

/** The log of one process. The environment overrides the properties. @throws ConfigError for an unknown value */
function logSettings(props: Props, env: CommandProcess["env"]): LogSettings {
  const levelText = env["MILLRACE_LOG_LEVEL"] ?? props[LEVEL_KEY] ?? "info";
  const level = parseLogLevel(levelText);
  if (!level) {
    const message = `Invalid value ${levelText} for ${LEVEL_KEY} or MILLRACE_LOG_LEVEL: ${LOG_LEVELS.join(", ")}`;
    throw new ConfigError(LEVEL_KEY, message);
  }
  const formatText = env["MILLRACE_LOG_FORMAT"] ?? props[FORMAT_KEY] ?? "text";
  const format = LOG_FORMATS.find((name) => name === formatText.trim().toLowerCase());
  if (!format) {
    const message = `Invalid value ${formatText} for ${FORMAT_KEY} or MILLRACE_LOG_FORMAT: ${LOG_FORMATS.join(", ")}`;
    throw new ConfigError(FORMAT_KEY, message);
  }
  return { level, levels: new LogLevels(level, namedLevels(props[LEVELS_KEY] ?? "")), format };
}

/** `NAME=LEVEL,NAME=LEVEL`. @throws ConfigError */
function namedLevels(text: string): (readonly [name: string, level: LogLevel])[] {
  const entries = text.split(",").filter((entry) => entry.trim() !== "");
  return entries.map((entry) => {
    const [name = "", levelText = ""] = entry.split("=").map((part) => part.trim());
    const level = parseLogLevel(levelText);
    if (name !== "" && level) return [name, level];
    const message = `Invalid value ${entry.trim()} for ${LEVELS_KEY}: write NAME=LEVEL, with one of the levels ${LOG_LEVELS.join(", ")}`;
    throw new ConfigError(LEVELS_KEY, message);
  });
}
