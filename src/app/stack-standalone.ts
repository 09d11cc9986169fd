import { LOGGERS } from "../base/log/logger-names.js";
import {
  parseStandaloneConfig,
  type StandaloneConfig,
  standaloneConfigDef,
} from "../herder/config/standalone-config.js";
import { HerderLoop } from "../herder/herder-loop.js";
import type { HerderParts, Stores } from "../herder/herder-parts.js";
import { LoneMember } from "../herder/membership/lone-member.js";
import { StandaloneHerder } from "../herder/standalone-herder.js";
import { CompactedLog, type LogFold } from "../stores/compacted-log.js";
import { ConfigStore } from "../stores/config-store.js";
import { OffsetStore } from "../stores/offset-store.js";
import { IN_MEMORY, LocalLog } from "../stores/standalone/local-log.js";
import { OffsetFile } from "../stores/standalone/offset-file.js";
import { StatusStore } from "../stores/status-store.js";
import { readConnectorFile } from "./connector-file.js";
import { ownOffsets } from "./own-offsets.js";
import { applyClusterLevel, type HerderWiring, herderOptions, redacting, workerFactory } from "./stack-herder.js";
import { type RunningWorker, startWorker, type WorkerStackOptions } from "./stack-worker.js";

/** A standalone worker that serves REST. */
export interface RunningStandalone extends RunningWorker<StandaloneHerder> {
  /** Rejects if a connector of the command line cannot be created; the worker has stopped then. */
  readonly failed: Promise<never>;
}

/**
 * Starts a standalone worker, and the connectors of these files on it, one after the other: `millrace standalone`.
 *
 * @throws as startWorkerStack
 */
export async function startStandaloneStack(
  options: WorkerStackOptions,
  connectorFiles: readonly string[],
): Promise<RunningStandalone> {
  const worker = await startWorker(options, {
    def: standaloneConfigDef,
    parse: parseStandaloneConfig,
    makeHerder: makeStandaloneHerder,
  });
  const created = worker.herder.createAll(connectorFiles.map((path) => () => readConnectorFile(path)));
  return {
    ...worker,
    failed: created.then(
      () => new Promise<never>(() => {}),
      async (error: unknown) => {
        await worker.close();
        throw error;
      },
    ),
  };
}

function makeStandaloneHerder(given: HerderWiring<StandaloneConfig>) {
  // It delivers at least once, whatever its file says.
  const wiring = { ...given, props: { ...given.props, "exactly.once.source.support": "unavailable" } };
  const { stack, config, address, providers } = wiring;
  const { clock, random, logger } = stack;
  const loop: HerderLoop = new HerderLoop(
    {
      ...address,
      // Unsigned: nobody else publishes task configs.
      protocol: "compatible",
      syncTimeoutMs: 3_000,
      maxRebalanceDelayMs: 0,
      tracksTopics: config["topic.tracking.enable"],
      sessionKeyKind: { algorithm: "HmacSHA256", bytes: undefined },
      sessionKeyTtlMs: 0,
      providers,
      clock,
      random,
      logger: logger.named(LOGGERS.herder),
    },
    makeParts(wiring),
  );
  return {
    loop,
    herder: new StandaloneHerder({
      ...herderOptions(wiring, loop, undefined),
      protocol: "none",
      signatureAlgorithms: [],
    }),
  };
}

function makeParts({ stack, props, config }: HerderWiring<StandaloneConfig>): HerderParts {
  const { clock, random, logger } = stack;
  return {
    async openStores(listeners, redactions): Promise<Stores> {
      const storeLogger = logger.named(LOGGERS.stores);
      const file = config["offset.storage.file.filename"];
      const offsets = new OffsetFile(file, storeLogger);
      const log = { clock, random, logger: storeLogger };
      const openLog = (topic: string) => (fold: LogFold) =>
        new CompactedLog({ ...log, topic, transport: new LocalLog(IN_MEMORY), fold });
      const openFile = (fold: LogFold) =>
        new CompactedLog({ ...log, topic: "offsets", file, transport: new LocalLog(offsets), fold });
      return {
        config: new ConfigStore(openLog("configs"), listeners.config),
        offset: new OffsetStore(
          openFile,
          ownOffsets(
            { stack: redacting(stack, redactions), props },
            { partitions: -1, replicationFactor: -1, configs: {} },
          ),
        ),
        status: new StatusStore(openLog("statuses"), listeners.status, clock, random, storeLogger),
      };
    },
    createWorker: workerFactory({ stack, props }),
    joinGroup: (callbacks, protocols) =>
      new LoneMember({ callbacks, protocols, clock, random, logger: logger.named(LOGGERS.herder) }),
    postTaskConfigs: () => Promise.reject(new Error("A standalone worker has no leader elsewhere")),
    putFence: () => Promise.reject(new Error("A standalone worker has no leader elsewhere")),
    fenceProducers: () => Promise.reject(new Error("A standalone worker delivers at least once")),
    onLoggerLevel: (name, level) => applyClusterLevel(stack, name, level),
  };
}
