import { hostname } from "node:os";
import { type Clock, type Logger, type Props, type Random, RetriableError } from "../api/index.js";
import { Backoff } from "../base/backoff.js";
import { type LogLevel, silentLogger } from "../base/logger.js";
import { loadConfigProviders } from "../herder/config-providers.js";
import { resolveReferences } from "../herder/config-references.js";
import { ConfigValidator } from "../herder/config-validator.js";
import { DistributedHerder } from "../herder/distributed-herder.js";
import type { ConnectProtocol } from "../herder/group-messages.js";
import type { OffsetEntry, SubmittedConfig } from "../herder/herder.js";
import { HerderLoop, type HerderParts, type Stores } from "../herder/herder-loop.js";
import { signBody } from "../herder/session-keys.js";
import {
  internalTopics,
  ownClientProperties,
  parseWorkerConfig,
  unknownWorkerKeys,
  type WorkerConfig,
  workerOverridePolicy,
} from "../herder/worker-config.js";
import { createKafkaClient } from "../kafka/create-kafka-client.js";
import type { KafkaClient } from "../kafka/kafka-client.js";
import { advertisedAddress, parseListener } from "../rest/listener.js";
import { RestServer } from "../rest/rest-server.js";
import { postTaskConfigs } from "../rest/worker-client.js";
import { CompactedLog } from "../stores/compacted-log.js";
import { ConfigStore } from "../stores/config-store.js";
import { ensureInternalTopics } from "../stores/internal-topic.js";
import { KafkaLogTransport } from "../stores/log-transport.js";
import { OffsetStore } from "../stores/offset-store.js";
import { StatusStore } from "../stores/status-store.js";
import { createWorker } from "../worker/create-worker.js";
import { loadPlugins } from "../worker/load-plugins.js";
import { packageVersion } from "./package-version.js";

export interface WorkerStackOptions {
  /** The worker's properties, as Kafka Connect names them; references in them are resolved here. */
  readonly props: Props;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly logLevel: LogLevel;
  /** For config providers: the process's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told which connector's status may have changed, as the status topic says. For tests. */
  readonly onStatus?: (connector: string) => void;
  /** How the option that chose the address is called, for the message when it is taken. */
  readonly restOption: string;
}

/** A distributed worker that serves REST. */
export interface RunningWorker {
  /** Where REST answers here: `http://127.0.0.1:8083`. */
  readonly restUrl: string;
  readonly herder: DistributedHerder;
  /** Stops with everything committed, and leaves the group. */
  close(): Promise<void>;
  /** Ends as a crash would: no drain, no commit, no leave. */
  abandon(): Promise<void>;
}

/** How long a worker that starts looks for a broker before it gives up. */
const FIND_BROKER_MS = 15_000;

/**
 * Loads what a worker needs first: REST and the plugins. For who has to wait before it can start one, as `millrace up`
 * has for its broker; what is loaded stays loaded.
 */
export async function warmUp(): Promise<void> {
  await Promise.all([import("../rest/rest-app.js"), loadPlugins(undefined, silentLogger)]);
}

/**
 * Starts one distributed worker: REST is bound first (its port is part of the worker's name) and answers as soon as the
 * internal topics have been read.
 *
 * @throws ConfigError for bad properties, ConflictError for an address that is taken, RetriableError when no broker answers.
 */
export async function startWorkerStack(options: WorkerStackOptions): Promise<RunningWorker> {
  const { clock, random, logger, env } = options;
  const providers = loadConfigProviders(options.props, { env, logger: logger.child("config-provider") });
  const props = resolveReferences(options.props, providers);
  const config = parseWorkerConfig(props);
  for (const key of unknownWorkerKeys(props)) logger.warn("A worker property is not known and has no effect", { key });
  const policy = workerOverridePolicy(config);
  const listener = parseListener(config.listeners[0]!);
  if (config.listeners.length > 1)
    logger.warn("Only the first of the listeners is used", { listener: config.listeners[0] });
  const rest = await RestServer.bind(listener, options.restOption);
  const advertised = { host: config["rest.advertised.host.name"], port: config["rest.advertised.port"] };
  const { workerId, url } = advertisedAddress(listener, rest.port, advertised, hostname());
  const client = createKafkaClient({
    properties: ownClientProperties(props),
    clock,
    random,
    logger: logger.child("kafka"),
    onConnectivity: (waitingFor) => {
      if (waitingFor) logger.warn(waitingFor);
      else logger.info("Kafka answers again");
    },
  });
  const loop: HerderLoop = new HerderLoop(
    {
      workerId,
      url,
      protocol: config["connect.protocol"].toLowerCase() as ConnectProtocol,
      syncTimeoutMs: config["worker.sync.timeout.ms"],
      maxRebalanceDelayMs: config["scheduled.rebalance.max.delay.ms"],
      tracksTopics: config["topic.tracking.enable"],
      sessionKeyAlgorithm: config["inter.worker.key.generation.algorithm"],
      sessionKeyTtlMs: config["inter.worker.key.ttl.ms"],
      providers,
      clock,
      random,
      logger: logger.child("herder"),
    },
    herderParts(options, props, config, client, (leaderUrl, connector, taskConfigs) =>
      postTaskConfigs(leaderUrl, connector, taskConfigs, (body) => {
        const { sessionKey } = loop.configs();
        return sessionKey && signBody(sessionKey, body);
      }),
    ),
  );
  const clusterId = memoized(() => client.admin.clusterId());
  const herder = new DistributedHerder({
    loop,
    version: packageVersion(),
    url,
    signatureAlgorithms: config["inter.worker.verification.algorithms"],
    validator: () =>
      new ConfigValidator({
        plugins: loop.worker.plugins,
        worker: {
          keyConverter: config["key.converter"],
          valueConverter: config["value.converter"],
          headerConverter: config["header.converter"],
        },
        groupId: config["group.id"],
        overridePolicy: policy,
        providers,
        clock,
        random,
        logger: logger.child("herder"),
      }),
    clusterId,
    sinkOffsets: (connectorConfig, name) => sinkOffsets(client, connectorConfig, name, props),
  });
  const close = async (end: () => Promise<void>) => {
    await end();
    await rest.close();
    await client.close();
  };
  try {
    await findBroker(client, props["bootstrap.servers"] ?? "", options);
    const topics = { tracked: config["topic.tracking.enable"], resettable: config["topic.tracking.allow.reset"] };
    await Promise.all([loop.start(), clusterId(), rest.serve({ herder, clock, logger: logger.child("rest"), topics })]);
  } catch (error) {
    await close(() => loop.abandon());
    throw error;
  }
  const host = listener.host === "" ? "127.0.0.1" : listener.host.includes(":") ? `[${listener.host}]` : listener.host;
  return {
    restUrl: `http://${host}:${rest.port}`,
    herder,
    close: () => close(() => loop.close()),
    abandon: () => close(() => loop.abandon()),
  };
}

/** Waits for a broker that may still be starting. @throws RetriableError BROKER_UNREACHABLE when none answers in time */
async function findBroker(client: KafkaClient, servers: string, { clock, random }: WorkerStackOptions): Promise<void> {
  const backoff = new Backoff({ initialMs: 100, maxMs: 1_000 }, random);
  const deadlineMs = clock.monotonicMs() + FIND_BROKER_MS;
  for (;;) {
    try {
      return await client.admin.connect(Math.max(1, deadlineMs - clock.monotonicMs()));
    } catch (cause) {
      const delayMs = backoff.nextMs();
      const retriable = cause instanceof Error && "retriable" in cause && cause.retriable === true;
      if (retriable && clock.monotonicMs() + delayMs < deadlineMs) await clock.delay(delayMs);
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

/** What went wrong first of all. */
function innermost(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  return inner instanceof Error ? inner.message : String(inner);
}

function herderParts(
  options: WorkerStackOptions,
  props: Props,
  config: WorkerConfig,
  client: KafkaClient,
  postTaskConfigs: HerderParts["postTaskConfigs"],
): HerderParts {
  const { clock, random, logger, logLevel } = options;
  return {
    async openStores(configListener, signal): Promise<Stores> {
      const topics = internalTopics(config, props);
      const storeLogger = logger.child("stores");
      await ensureInternalTopics(
        Object.values(topics),
        { admin: client.admin, clock, random, logger: storeLogger },
        signal,
      );
      const openLog = (topic: string) => (apply: ConstructorParameters<typeof CompactedLog>[0]["apply"]) =>
        new CompactedLog({
          topic,
          transport: new KafkaLogTransport(client, topic, clock),
          clock,
          random,
          logger: storeLogger,
          apply,
        });
      const onStatus = options.onStatus ?? (() => {});
      return {
        config: new ConfigStore(openLog(topics.config.name), configListener, storeLogger),
        offset: new OffsetStore(openLog(topics.offset.name), storeLogger),
        status: new StatusStore(openLog(topics.status.name), onStatus, clock, storeLogger),
      };
    },
    createWorker: (listener, offsets) =>
      createWorker({
        workerProps: props,
        offsets,
        listener,
        clock,
        random,
        logger: logger.child("worker"),
        logLevel,
        createKafkaClient,
      }),
    joinGroup: (callbacks, protocols) =>
      client.groupMember(
        {
          groupId: config["group.id"],
          protocolType: "connect",
          protocols,
          sessionTimeoutMs: config["session.timeout.ms"],
          rebalanceTimeoutMs: config["rebalance.timeout.ms"],
          heartbeatIntervalMs: config["heartbeat.interval.ms"],
        },
        callbacks,
      ),
    postTaskConfigs,
    onLoggerLevel: (name, level) => logger.info("A logger's level was set for the cluster", { name, level }),
  };
}

async function sinkOffsets(
  client: KafkaClient,
  connector: SubmittedConfig,
  name: string,
  props: Props,
): Promise<OffsetEntry[]> {
  const groupId = connector["consumer.override.group.id"] ?? props["consumer.group.id"] ?? `connect-${name}`;
  const committed = await client.admin.listGroupOffsets(groupId);
  return committed.map(({ topic, partition, offset }) => ({
    partition: { kafka_topic: topic, kafka_partition: partition },
    offset: { kafka_offset: offset },
  }));
}

/** Asks once; asks again only when that failed. */
function memoized<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => {
    answer ??= ask().catch((error: unknown) => {
      answer = undefined;
      throw error;
    });
    return answer;
  };
}
