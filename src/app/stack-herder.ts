import { type Clock, ConfigError, type Props, type Random } from "../api/index.js";
import type { HttpClient } from "../base/http-client.js";
import { type LogLevels, parseLogLevel } from "../base/log/log-levels.js";
import { LOGGERS } from "../base/log/logger-names.js";
import { type NamedLogger, silentLogger } from "../base/logger.js";
import type { ConfigProvider } from "../herder/config/config-providers.js";
import { ConfigValidator } from "../herder/config/config-validator.js";
import { type DistributedConfig, internalTopics } from "../herder/config/distributed-config.js";
import { RedactingLogger } from "../herder/config/redacting-logger.js";
import type { Redactions } from "../herder/config/redaction.js";
import type { StandaloneConfig } from "../herder/config/standalone-config.js";
import { DistributedHerder, type DistributedHerderOptions } from "../herder/distributed-herder.js";
import { HerderLoop } from "../herder/herder-loop.js";
import type { HerderParts, Stores } from "../herder/herder-parts.js";
import type { ConnectProtocol } from "../herder/membership/group-messages.js";
import { type SessionKeyKind, signBody } from "../herder/membership/session-keys.js";
import type { KafkaClient } from "../kafka/client/kafka-client.js";
import { createKafkaClient } from "../kafka/create-kafka-client.js";
import { KafkaError } from "../protocol/kafka-error.js";
import { postTaskConfigs, putFence } from "../rest/worker-client.js";
import { CompactedLog, type LogFold } from "../stores/compacted-log.js";
import { ConfigStore } from "../stores/config-store.js";
import { ensureInternalTopics } from "../stores/internal-topic.js";
import { TransactionalSends } from "../stores/leader-sends.js";
import { KafkaLogTransport } from "../stores/log-transport.js";
import { OffsetStore } from "../stores/offset-store.js";
import { StatusStore } from "../stores/status-store.js";
import { createWorker } from "../worker/create-worker.js";
import { alterSinkOffsets, resetSinkOffsets, sinkOffsets } from "../worker/sink/sink-offsets.js";
import { overridePolicy } from "../worker/task/override-policy.js";
import { adminProperties, transactionalIdOf } from "../worker/task/task-client-properties.js";
import { exactlyOnceMode } from "../worker/worker-config.js";
import { ownOffsets } from "./own-offsets.js";
import { packageVersion } from "./package-version.js";

/** The inputs of a herder, in every mode. */
export interface HerderWiring<C = DistributedConfig> {
  readonly stack: {
    readonly clock: Clock;
    readonly random: Random;
    readonly logger: NamedLogger;
    readonly levels: LogLevels;
  };
  /** The worker's properties with references resolved, and their parsed form below. */
  readonly props: Props;
  readonly config: C;
  readonly client: KafkaClient;
  /** Reaches the other workers. */
  readonly http: HttpClient;
  readonly providers: ReadonlyMap<string, ConfigProvider>;
  /** This worker's REST address for other workers. */
  readonly address: { readonly workerId: string; readonly url: string };
}

/** The settings that every mode has. */
export type SharedConfig = Pick<DistributedConfig, keyof DistributedConfig & keyof StandaloneConfig>;

/** Creates the herder of one worker over Kafka. It does nothing until its loop starts. */
export function makeHerder(wiring: HerderWiring): { readonly loop: HerderLoop; readonly herder: DistributedHerder } {
  const { config } = wiring;
  const loop = makeLoop(wiring);
  const herder = new DistributedHerder({
    ...herderOptions(wiring, loop, config["group.id"]),
    protocol: config["connect.protocol"].toLowerCase(),
    signatureAlgorithms: config["inter.worker.verification.algorithms"],
  });
  return { loop, herder };
}

/** A herder's options that are the same in every mode. */
export function herderOptions(
  wiring: HerderWiring<SharedConfig>,
  loop: HerderLoop,
  groupId: string | undefined,
): Omit<DistributedHerderOptions, "signatureAlgorithms" | "protocol"> {
  return {
    loop,
    version: packageVersion(),
    url: wiring.address.url,
    validator: memoizedSync(() => makeValidator(wiring, loop, groupId)),
    clusterId: memoized(() => wiring.client.admin.clusterId()),
    levels: wiring.stack.levels,
    clock: wiring.stack.clock,
    providers: wiring.providers,
    sinkOffsets: sinkOffsetGroups(wiring),
    fencesSources: exactlyOnceMode(wiring.props) === "enabled",
  };
}

function makeLoop(wiring: HerderWiring): HerderLoop {
  const { stack, config, http, providers, address } = wiring;
  const loop: HerderLoop = new HerderLoop(
    {
      ...address,
      protocol: config["connect.protocol"].toLowerCase() as ConnectProtocol,
      syncTimeoutMs: config["worker.sync.timeout.ms"],
      maxRebalanceDelayMs: config["scheduled.rebalance.max.delay.ms"],
      tracksTopics: config["topic.tracking.enable"],
      sessionKeyKind: sessionKeyKind(config),
      sessionKeyTtlMs: config["inter.worker.key.ttl.ms"],
      providers,
      clock: stack.clock,
      random: stack.random,
      logger: stack.logger.named(LOGGERS.herder),
    },
    makeParts(wiring, {
      postTaskConfigs: (leaderUrl, connector, taskConfigs, configOffset) =>
        postTaskConfigs(http, leaderUrl, connector, taskConfigs, configOffset, sign),
      putFence: (leaderUrl, connector) => putFence(http, leaderUrl, connector, sign),
    }),
  );
  const sign = (body: Buffer) => {
    const { sessionKey } = loop.configs();
    return sessionKey && signBody(sessionKey, config["inter.worker.signature.algorithm"], body);
  };
  return loop;
}

function sessionKeyKind(config: DistributedConfig): SessionKeyKind {
  const bits = config["inter.worker.key.size"];
  return {
    algorithm: config["inter.worker.key.generation.algorithm"],
    bytes: bits === null ? undefined : Math.ceil(bits / 8),
  };
}

function makeValidator(
  { props, providers }: HerderWiring<SharedConfig>,
  loop: HerderLoop,
  groupId: string | undefined,
): ConfigValidator {
  return new ConfigValidator({
    plugins: loop.worker.plugins,
    code: loop.worker,
    workerProps: props,
    groupId,
    overridePolicy: overridePolicy(props),
    providers,
  });
}

function makeParts(
  { stack, props, config, client }: HerderWiring,
  asked: Pick<HerderParts, "postTaskConfigs" | "putFence">,
): HerderParts {
  const { clock, random, logger } = stack;
  return {
    async openStores(listeners, redactions, signal): Promise<Stores> {
      const topics = internalTopics(config, props);
      const storeLogger = logger.named(LOGGERS.stores);
      await ensureInternalTopics(
        Object.values(topics),
        { admin: client.admin, clock, random, logger: storeLogger },
        signal,
      );
      const mode = exactlyOnceMode(props);
      const leaderId = `connect-cluster-${config["group.id"]}`;
      if (mode !== "disabled") await requireTransactions(client, leaderId, signal);
      const leaderSends =
        mode === "disabled"
          ? undefined
          : new TransactionalSends(client, leaderId, topics.config.name, clock, storeLogger);
      const openLog =
        (topic: string, readCommitted = false) =>
        (fold: LogFold) =>
          new CompactedLog({
            topic,
            transport: new KafkaLogTransport(client, topic, clock, readCommitted),
            clock,
            random,
            logger: storeLogger,
            fold,
          });
      return {
        config: new ConfigStore(openLog(topics.config.name, mode === "enabled"), listeners.config, leaderSends),
        offset: new OffsetStore(
          openLog(topics.offset.name, mode === "enabled"),
          ownOffsets({ stack: redacting(stack, redactions), props }, topics.offset, {
            topic: topics.offset.name,
            clusterId: (ending) => client.admin.clusterId(ending),
          }),
        ),
        status: new StatusStore(openLog(topics.status.name), listeners.status, clock, random, storeLogger),
      };
    },
    createWorker: workerFactory({ stack, props }),
    joinGroup: (callbacks, protocols) =>
      client.groupMember(
        {
          groupId: config["group.id"],
          protocolType: "connect",
          protocols,
          sessionTimeoutMs: config["session.timeout.ms"],
          rebalanceTimeoutMs: config["rebalance.timeout.ms"],
          heartbeatIntervalMs: config["heartbeat.interval.ms"],
          coordinatorTimeoutMs: config["heartbeat.interval.ms"],
        },
        callbacks,
      ),
    ...asked,
    fenceProducers: (connector, ofConnector, tasks, redactions) =>
      fenceProducers({ stack: redacting(stack, redactions), props }, connector, ofConnector, tasks),
    onLoggerLevel: (name, text) => applyClusterLevel(stack, name, text),
  };
}

/** @throws ConfigError when the cluster serves no transactions. */
async function requireTransactions(client: KafkaClient, transactionalId: string, signal: AbortSignal): Promise<void> {
  try {
    await client.admin.findTransactionCoordinator(transactionalId, signal);
  } catch (cause) {
    if (!KafkaError.is(cause, "UNSUPPORTED_VERSION")) throw cause;
    throw new ConfigError(
      "exactly.once.source.support",
      "exactly.once.source.support needs transactions, which the brokers of bootstrap.servers do not serve: use brokers that do, or set it to 'disabled'",
      { cause },
    );
  }
}

/** For clients with the settings of a connector, whose log lines may contain the values of its references. */
export function redacting(stack: HerderWiring["stack"], redactions: Redactions): HerderWiring["stack"] {
  return { ...stack, logger: new RedactingLogger(stack.logger, redactions) };
}

/** Fences the producers of a connector's tasks, in the cluster that its own admin settings name. */
async function fenceProducers(
  { stack, props }: Pick<HerderWiring, "stack" | "props">,
  connector: string,
  ofConnector: Props,
  tasks: readonly number[],
): Promise<void> {
  const { clock, random, logger } = stack;
  const properties = {
    ...adminProperties(props, ofConnector, { connector, task: 0 }, "adminclient"),
    "client.id": `connector-worker-adminclient-${connector}`,
  };
  const client = createKafkaClient({ properties, clock, random, logger: logger.named(LOGGERS.admin, { connector }) });
  try {
    await client.admin.fenceProducers(tasks.map((task) => transactionalIdOf(props, { connector, task })));
  } finally {
    await client.close();
  }
}

/** Creates the worker of a herder, in every mode. */
export function workerFactory({ stack, props }: Pick<HerderWiring, "stack" | "props">): HerderParts["createWorker"] {
  const { clock, random, logger, levels } = stack;
  return (listener, offsets, redactions, fencing) =>
    createWorker({
      workerProps: props,
      offsets,
      fencing,
      listener,
      clock,
      random,
      logger: new RedactingLogger(logger.named(LOGGERS.worker), redactions),
      levels,
      createKafkaClient,
    });
}

/** Applies a level that was set for all workers. Another worker's version may know levels that this one does not. */
export function applyClusterLevel({ levels, logger, clock }: HerderWiring["stack"], name: string, text: string): void {
  const log = logger.named(LOGGERS.loggers);
  const level = parseLogLevel(text);
  if (level) {
    const changed = levels.set(name, level, clock.nowMs());
    log.info("The level of a logger was set for the cluster", { logger: name, level, changed: changed.length });
  } else log.warn("The level that was set for the cluster is unknown and has no effect", { logger: name, level: text });
}

function sinkOffsetGroups({
  stack,
  props: worker,
}: Pick<HerderWiring, "stack" | "props">): DistributedHerderOptions["sinkOffsets"] {
  const { clock, random } = stack;
  // Silent: the tasks' own clients log the same warnings about these settings.
  const createClient = (properties: Props) =>
    createKafkaClient({ properties, clock, random, logger: silentLogger, onConnectivity() {} });
  const owner = (name: string, connector: Props) => ({ worker, connector, name, createClient });
  return {
    async list(connector, name) {
      const committed = await sinkOffsets(owner(name, connector));
      return committed.map(({ topic, partition, offset }) => ({
        partition: { kafka_topic: topic, kafka_partition: partition },
        offset: { kafka_offset: offset },
      }));
    },
    alter: ({ name, config }, ...change) => alterSinkOffsets(owner(name, config), ...change),
    reset: ({ name, config }, ...change) => resetSinkOffsets(owner(name, config), ...change),
  };
}

/** Calls `ask` once, and again only after a failure. */
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

function memoizedSync<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
