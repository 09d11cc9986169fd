import type { RequestListener } from "node:http";
import { hostname } from "node:os";
import { type Clock, type ConfigDef, type Props, type Random, RetriableError } from "../api/index.js";
import { Backoff } from "../base/backoff.js";
import { Closers } from "../base/closers.js";
import { holdProcess } from "../base/hold-process.js";
import { SystemHttpClient } from "../base/http-client.js";
import type { LogLevels } from "../base/log/log-levels.js";
import { LOGGERS } from "../base/log/logger-names.js";
import type { NamedLogger } from "../base/logger.js";
import { processLoad } from "../base/metrics/process-load.js";
import { ThreadMeter } from "../base/metrics/thread-load.js";
import { type ConfigProvider, closeConfigProviders, loadConfigProviders } from "../herder/config/config-providers.js";
import { resolveReferences } from "../herder/config/config-references.js";
import {
  distributedConfigDef,
  idleWorkerKeys,
  ownClientProperties,
  parseDistributedConfig,
} from "../herder/config/distributed-config.js";
import type { DistributedHerder } from "../herder/distributed-herder.js";
import type { HerderLoop } from "../herder/herder-loop.js";
import { type AccessRules, accessRules } from "../http/access/access-rules.js";
import { advertisedAddress, localUrl } from "../http/server/listener.js";
import { type Endpoint, RestServer } from "../http/server/rest-server.js";
import type { KafkaClient } from "../kafka/client/kafka-client.js";
import { createKafkaClient } from "../kafka/create-kafka-client.js";
import { METRICS_MEDIA_TYPE, WORKER_METRICS } from "../metrics/worker-metrics.js";
import type { MetricsPage } from "../rest/root-routes.js";
import { warmUpWorker } from "../worker/create-worker.js";
import { loadConfigProviderPlugins } from "../worker/plugins/load-plugins.js";
import { checkWorkerClients } from "../worker/task/client-faults.js";
import { isRetriable } from "../worker/task/error-policy.js";
import { buildCommit } from "./package-version.js";
import { type RestEndpoints, restEndpoints, workerTls } from "./rest-endpoints.js";
import { type HerderWiring, makeHerder, type SharedConfig } from "./stack-herder.js";

export interface WorkerStackOptions {
  /** The worker's properties under Kafka Connect's names. References in them are resolved here. */
  readonly props: Props;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: NamedLogger;
  /** Those that `logger` obeys; set by REST. */
  readonly levels: LogLevels;
  /** For config providers: the process's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The option that set the address, for the message when the address is taken. */
  readonly restOption: string;
  /** The place for a property that the worker does not know; undefined if there is none. */
  readonly placeOf?: (key: string) => string | undefined;
}

/** A worker that serves REST. */
export interface RunningWorker<H extends DistributedHerder = DistributedHerder> {
  /** The local REST address: `http://127.0.0.1:8083`. */
  readonly restUrl: string;
  readonly herder: H;
  /** Stops, commits everything, and leaves the group. */
  close(): Promise<void>;
  /** Ends as a crash would: no drain, no commit, no leave. */
  abandon(): Promise<void>;
}

/** How long a starting worker looks for a broker before it gives up. */
const FIND_BROKER_MS = 15_000;

/**
 * Loads the modules that a worker needs first: REST and the plugins. For callers that must wait before they start one,
 * as `millrace up` does for its broker. Loaded modules stay loaded.
 */
export async function warmUp(): Promise<void> {
  await Promise.all([import("../rest/rest-app.js"), warmUpWorker()]);
}

/**
 * Starts one distributed worker. REST binds first, because its port is part of the worker's name; it answers as soon as
 * the internal topics have been read.
 *
 * @throws ConfigError for bad properties, ConflictError for an address in use, RetriableError when no broker answers.
 */
export function startWorkerStack(options: WorkerStackOptions): Promise<RunningWorker> {
  return startWorker(options, { def: distributedConfigDef, parse: parseDistributedConfig, makeHerder });
}

/** The differences between a distributed and a standalone worker. */
export interface WorkerMode<C extends SharedConfig, H extends DistributedHerder> {
  readonly def: ConfigDef;
  /** @throws ConfigError */
  parse(props: Props): C;
  makeHerder(wiring: HerderWiring<C>): { readonly loop: HerderLoop; readonly herder: H };
}

/** As startWorkerStack, in the given mode. */
export async function startWorker<C extends SharedConfig, H extends DistributedHerder>(
  options: WorkerStackOptions,
  mode: WorkerMode<C, H>,
): Promise<RunningWorker<H>> {
  const { clock, random, logger } = options;
  const ofProviders = logger.named(LOGGERS.providers);
  const opened = new Closers();
  const providers = await loadConfigProviders(options.props, {
    env: options.env,
    logger: ofProviders,
    plugins: () => loadConfigProviderPlugins(options.props["plugin.path"], ofProviders),
  });
  opened.add("the config providers", async () => closeConfigProviders(providers, ofProviders));
  let settings: WorkerSettings<C>;
  try {
    settings = readSettings(options, mode, providers);
  } catch (error) {
    await opened.close();
    throw error;
  }
  const { props, config, endpoints, access } = settings;
  const client = createKafkaClient({
    properties: ownClientProperties(props),
    clock,
    random,
    logger: logger.named(LOGGERS.clients),
    onConnectivity: (waitingFor) => {
      if (waitingFor) logger.warn(waitingFor);
      else logger.info("Kafka answers again");
    },
  });
  opened.add("the Kafka client", () => client.close());
  const bind = async (at: readonly Endpoint[], property: string): Promise<RestServer> => {
    const server = await RestServer.bind(at, { property, clock });
    opened.add(`REST's server of ${property}`, () => server.close());
    return server;
  };
  let rest: RestServer;
  let admin: RestServer;
  try {
    rest = await bind(endpoints.main, options.restOption);
    admin = await bind(endpoints.admin ?? [], "admin.listeners");
  } catch (error) {
    await opened.close();
    throw error;
  }
  for (const each of admin.bound) logger.info("REST's admin endpoints listen", { url: localUrl([each]) });
  const advertised = {
    host: config["rest.advertised.host.name"],
    port: config["rest.advertised.port"],
    scheme: config["rest.advertised.listener"],
  };
  const address = advertisedAddress(rest.bound, advertised, hostname());
  const http = new SystemHttpClient(clock, () => workerTls(props));
  const { loop, herder } = mode.makeHerder({ stack: options, props, config, client, http, providers, address });
  const close = async (end: () => Promise<void>) => {
    opened.add("the herder", end);
    opened.add("REST's ports", () => {
      rest.stopAccepting();
      admin.stopAccepting();
    });
    // The ports kept the process alive until now.
    const release = holdProcess();
    try {
      await opened.close();
    } finally {
      release();
    }
  };
  try {
    await findBroker(client, props["bootstrap.servers"] ?? "", options);
    const topics = { tracked: config["topic.tracking.enable"], resettable: config["topic.tracking.allow.reset"] };
    // REST's code loads while the broker answers.
    const serve = async () => {
      const { adminApp, restApp } = await import("../rest/rest-app.js");
      const metrics = metricsPage(herder, new ThreadMeter(clock));
      const commit = buildCommit();
      const context = { herder, clock, http, logger: logger.named(LOGGERS.rest), commit, metrics, access, topics };
      rest.serve(restApp(context, { hasAdmin: endpoints.admin === undefined }) as RequestListener);
      admin.serve(adminApp(context) as RequestListener);
    };
    await Promise.all([loop.start(), herder.clusterId(), serve()]);
  } catch (error) {
    await close(() => loop.abandon());
    throw error;
  }
  return {
    restUrl: localUrl(rest.bound),
    herder,
    close: () => close(() => loop.close()),
    abandon() {
      rest.cut();
      admin.cut();
      return close(() => loop.abandon());
    },
  };
}

interface WorkerSettings<C extends SharedConfig> {
  /** With the providers' values. */
  readonly props: Props;
  readonly config: C;
  readonly endpoints: RestEndpoints;
  readonly access: AccessRules;
}

/** @throws ConfigError */
function readSettings<C extends SharedConfig>(
  options: WorkerStackOptions,
  mode: Pick<WorkerMode<C, DistributedHerder>, "def" | "parse">,
  providers: ReadonlyMap<string, ConfigProvider>,
): WorkerSettings<C> {
  const props = resolveReferences(options.props, providers);
  const config = mode.parse(props);
  warnOfIdleKeys(options, idleWorkerKeys(props, mode.def));
  const endpoints = restEndpoints(config, props);
  const access = accessRules(config, options.env);
  if (access.users?.some(({ users }) => users.size === 0)) {
    options.logger.warn("A file of REST's users is empty, so every request is allowed");
  }
  checkWorkerClients(props);
  return { props, config, endpoints, access };
}

/** One line for all keys of a kind: a file for Java may have many. */
function warnOfIdleKeys(
  { logger, placeOf }: Pick<WorkerStackOptions, "logger" | "placeOf">,
  { unknown, withoutEffect }: ReturnType<typeof idleWorkerKeys>,
): void {
  const places = new Set(unknown.map((key) => placeOf?.(key)));
  for (const place of places) {
    const keys = unknown.filter((key) => placeOf?.(key) === place).join(", ");
    logger.warn("Unknown worker properties have no effect", { keys, ...(place !== undefined && { place }) });
  }
  if (withoutEffect.length > 0) {
    logger.warn("These worker properties have no effect here", { keys: withoutEffect.join(", ") });
  }
}

/** Loads the metrics' code for the first scrape: many workers are never asked. */
function metricsPage(herder: DistributedHerder, meter: ThreadMeter): MetricsPage {
  return {
    mediaType: METRICS_MEDIA_TYPE,
    async text() {
      const { metricsText } = await import("../metrics/metrics-text.js");
      const report = await herder.report();
      const own = { version: herder.version, commit: buildCommit(), process: processLoad(), thread: meter.load() };
      return metricsText(WORKER_METRICS, { ...report, ...own });
    },
  };
}

/**
 * Waits for a broker that may still be starting.
 *
 * @throws RetriableError BROKER_UNREACHABLE when none answers in time
 */
async function findBroker(client: KafkaClient, servers: string, { clock, random }: WorkerStackOptions): Promise<void> {
  const backoff = new Backoff({ initialMs: 100, maxMs: 1_000 }, random);
  const deadlineMs = clock.monotonicMs() + FIND_BROKER_MS;
  for (;;) {
    try {
      return await client.admin.connect(Math.max(1, deadlineMs - clock.monotonicMs()));
    } catch (cause) {
      const delayMs = backoff.nextMs();
      if (isRetriable(cause) && clock.monotonicMs() + delayMs < deadlineMs) await clock.delay(delayMs);
      else {
        throw new RetriableError(
          "BROKER_UNREACHABLE",
          `No broker of bootstrap.servers=${servers} answered (${innermost(cause)}): start Kafka, or correct bootstrap.servers`,
          { cause },
        );
      }
    }
  }
}

/** The message of the innermost cause. */
function innermost(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  return inner instanceof Error ? inner.message : String(inner);
}
