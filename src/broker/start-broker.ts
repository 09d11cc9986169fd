import { dirname, join } from "node:path";
import type { Clock } from "../base/clock.js";
import { deferred } from "../base/deferred.js";
import { type Disk, SYSTEM_DISK } from "../base/files/disk.js";
import { makeFolderDurably } from "../base/files/durable-files.js";
import type { Logger } from "../base/logger.js";
import type { Random } from "../base/random.js";
import type { AclBinding } from "./access/acl.js";
import { Authorizer } from "./access/authorizer.js";
import { BrokerProperties } from "./broker-properties.js";
import { DataFolderLock, type DataFolderLostError } from "./data-folder/data-folder-lock.js";
import { FreeSpace } from "./free-space.js";
import type { Broker } from "./handler.js";
import { HANDLERS } from "./handlers/handler-table.js";
import type { Interceptor } from "./interceptor.js";
import { CleaningInLoop } from "./log/cleaning/cleaning-in-loop.js";
import type { CleaningWorker } from "./log/cleaning/cleaning-worker.js";
import type { PartitionLog } from "./log/partition-log.js";
import { SealedFiles } from "./log/segments/sealed-files.js";
import { LogCleaner } from "./log-cleaner.js";
import { Maintenance } from "./maintenance.js";
import { BrokerState } from "./metadata/broker-state.js";
import { MetadataLog } from "./metadata/metadata-log.js";
import { parseEndpoint } from "./net/endpoint.js";
import type { Listener } from "./net/listener.js";
import { listenersAt, planListeners } from "./net/plan-listener.js";
import { OffsetCheckpoint } from "./offset-checkpoint.js";
import { openCoordinators } from "./open-coordinators.js";
import { type InsideAddress, openListeners } from "./open-listeners.js";
import { ClientQuotas } from "./quotas/client-quotas.js";
import { ListenerCertificates } from "./security/listener-certificates.js";
import { listenerSecurity } from "./security/listener-security.js";
import { addScramUsers, type ScramUser } from "./security/scram-user.js";
import { TopicRegistry } from "./topics/topic-registry.js";

/** Interval at which the disk is asked for its free space. */
const FREE_SPACE_MS = 1000;

export interface BrokerOptions {
  /** The broker's data folder; created if it does not exist. */
  readonly dataDir: string;
  /** `HOST:PORT`; port 0 takes any free one. Undefined: the property `listeners` decides. */
  readonly listen?: string | undefined;
  /**
   * Also listens on a free loopback port if the first listener might keep a worker in this process out: by an advertised
   * address that cannot be reached from here, by TLS or by SASL.
   */
  readonly listenInside?: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Kafka's broker properties, by Kafka's names. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Users of SCRAM to add, if they do not exist. */
  readonly scramUsers?: readonly ScramUser[];
  /** By default logs are compacted in the calling thread, in steps. */
  readonly cleaningWorker?: CleaningWorker;
  /** For tests: a disk that fails. */
  readonly disk?: Disk;
  /** For tests: called for every request before it is served. */
  readonly interceptor?: Interceptor;
}

/** A running broker. */
export interface RunningBroker {
  readonly host: string;
  readonly port: number;
  /** The ports of the listeners, by their names. */
  readonly ports: ReadonlyMap<string, number>;
  /** The loopback address of `listenInside`; undefined if there is none. */
  readonly inside: InsideAddress | undefined;
  readonly clusterId: string;
  /**
   * Rejects with DataFolderLostError when another process has taken the folder; the broker has abandoned its data by
   * then.
   */
  readonly ended: Promise<void>;
  /** Stops cleanly: everything is on disk, and the next start recovers nothing. */
  close(): Promise<void>;
  /** Simulates a crash: connections break, nothing is flushed. Acknowledged writes are in the files nevertheless. */
  abandon(): Promise<void>;
}

/** @returns the first folder that it made, of the data folder and its parents; undefined: none. */
function makeDataFolder(disk: Disk, path: string): string | undefined {
  try {
    return makeFolderDurably(disk, path);
  } catch (cause) {
    const { message } = cause as Error;
    throw new Error(`Data folder ${path} cannot be created: ${message}. Choose another with --data or log.dirs`, {
      cause,
    });
  }
}

/**
 * Starts the bundled broker: one node that is controller, leader and coordinator of everything.
 *
 * With log.flush.interval.messages=1, which `millrace up` and `millrace broker` set, a write is acknowledged once it is
 * on disk. With Kafka's default it is acknowledged once the operating system has it: it survives `kill -9`, and a power
 * loss can take it.
 *
 * @throws DataFolderLockedError, ListenError, BrokerMetadataError, BrokerPropertyError, EndpointError; each message
 * names the obstacle and the remedy.
 */
export async function startBroker(options: BrokerOptions): Promise<RunningBroker> {
  const { dataDir, clock, random, logger, disk = SYSTEM_DISK } = options;
  const properties = propertiesOf(options);
  const plans = planListeners(properties);
  for (const name of properties.unknown)
    logger.warn("A broker property is not known here and has no effect", { property: name });
  const firstMade = makeDataFolder(disk, dataDir);
  const lost = deferred<DataFolderLostError>();
  const lock = await DataFolderLock.take({ folder: dataDir, clock, logger, onLost: lost.resolve });
  const checkFolder = () => lock.check();
  const maintenance = new Maintenance(clock, logger, checkFolder);
  let topics: TopicRegistry | undefined;
  let metadata: BrokerState | undefined;
  try {
    const state = BrokerState.open(new MetadataLog(dataDir, disk, checkFolder, logger), random, () => clock.turn());
    metadata = state;
    await addScramUsers(options.scramUsers ?? [], state, random, logger);
    properties.setDynamic(state.metadata.nodeConfigs, state.metadata.defaultConfigs);
    const secured = plans.map((plan) => {
      return { plan, security: listenerSecurity(plan.name, plan.protocol, properties, options) };
    });
    const tokens = secured.flatMap(({ security }) => security.sasl?.tokens ?? []);
    await Promise.all(tokens.map((each) => each.load()));
    const cleanerOffsets = new OffsetCheckpoint(join(dataDir, "cleaner-offset-checkpoint"), disk, logger);
    const registry = await openTopics(options, state, properties, cleanerOffsets, lock);
    topics = registry;
    const { groups, markers, transactions } = await openCoordinators(registry, state, options, properties);
    const nodeId = properties.number("node.id");
    const freeSpace = new FreeSpace(() => properties.number("millrace.log.free.bytes.min"), logger);
    const diskSpace = () => disk.space(dataDir);
    const measureSpace = async () => freeSpace.measured((await diskSpace()).freeBytes);
    await measureSpace();
    const broker: Broker = {
      nodeId,
      topics: registry,
      groups,
      transactions,
      markers,
      properties,
      state,
      quotas: new ClientQuotas(() => state.metadata, properties, clock),
      certificates: new ListenerCertificates(properties, logger),
      freeSpace,
      diskSpace,
      authorizer: authorizerOf(properties, state, logger),
      clock,
      logger,
      apis: HANDLERS,
    };
    const { listeners, first, inside } = await openListeners(options, secured, broker);
    const worker = options.cleaningWorker ?? new CleaningInLoop(disk, () => clock.turn());
    const cleaner = new LogCleaner({ topics: registry, checkpoint: cleanerOffsets, properties, worker, clock, logger });
    startMaintenance(maintenance, broker, listeners, cleaner);
    for (const each of tokens) {
      const refresh = { intervalMs: () => each.refreshInMs, run: () => each.refresh() };
      maintenance.start({ name: "reading the keys of tokens", ...refresh });
    }
    maintenance.start({ name: "measuring the free space", intervalMs: () => FREE_SPACE_MS, run: measureSpace });
    const { clusterId } = state.metadata;
    const { host, port } = first;
    logger.info("Broker serves", { host, port, dataDir, clusterId });
    const end = async (clean: boolean) => {
      maintenance.stop();
      const cleanerStopped = cleaner.stop();
      groups.close();
      const transactionsClosed = transactions.close();
      if (clean) await transactionsClosed;
      await Promise.all(listeners.map((each) => (clean ? each.close() : each.abandon())));
      const closes = clean && lock.isHeld();
      if (!closes) registry.abandon();
      await cleanerStopped;
      if (closes) await registry.close();
      await state.close();
      lock.release();
      logger.info(closes ? "Broker stopped" : "Broker abandoned");
    };
    return {
      host,
      port,
      ports: new Map(listeners.map(({ plan, port: each }) => [plan.name, each])),
      inside,
      clusterId,
      ...endingOf(end, lost.promise),
    };
  } catch (error) {
    const isOurs = lock.isHeld();
    if (isOurs) await topics?.close();
    else topics?.abandon();
    await metadata?.close();
    lock.release();
    if (firstMade !== undefined && isOurs) removeMade(disk, dataDir, firstMade, logger);
    throw error;
  }
}

/** Removes a data folder that a failed start has made, and its parents from `firstMade` on, unless others use them. */
function removeMade(disk: Disk, dataDir: string, firstMade: string, logger: Logger): void {
  try {
    disk.removeFolder(dataDir);
    for (let parent = dirname(dataDir); parent.length >= firstMade.length; parent = dirname(parent)) {
      if (disk.list(parent).length > 0) return;
      disk.removeFolder(parent);
    }
  } catch (cause) {
    logger.warn("The data folder that a failed start has made could not be removed", { folder: dataDir }, cause);
  }
}

/** undefined: every client may do everything. */
function authorizerOf(properties: BrokerProperties, { metadata }: BrokerState, logger: Logger): Authorizer | undefined {
  if (properties.text("authorizer.class.name") === "") return undefined;
  const authorizer = new Authorizer(properties, logger);
  authorizer.setAcls(metadata.acls.values() as Iterable<AclBinding>);
  return authorizer;
}

/** The properties, with the options added under Kafka's names: DescribeConfigs shows both. */
function propertiesOf({ properties = {}, listen, dataDir }: BrokerOptions): BrokerProperties {
  if (listen === undefined) return new BrokerProperties({ ...properties, "log.dirs": dataDir });
  const listeners = listenersAt(parseEndpoint(listen), new BrokerProperties(properties));
  return new BrokerProperties({ ...properties, listeners, "log.dirs": dataDir });
}

/** Ends the broker once: by the first `close` or `abandon`, or by itself when its folder is lost. */
function endingOf(
  end: (clean: boolean) => Promise<void>,
  lost: Promise<DataFolderLostError>,
): Pick<RunningBroker, "ended" | "close" | "abandon"> {
  const ended = deferred();
  let ending: Promise<void> | undefined;
  const endOnce = (clean: boolean) => {
    ending ??= end(clean);
    return ending;
  };
  void lost.then(async (cause) => {
    await endOnce(false);
    ended.reject(cause);
  });
  return {
    ended: ended.promise,
    close: () => endOnce(true).then(ended.resolve),
    abandon: () => endOnce(false).then(ended.resolve),
  };
}

function openTopics(
  { dataDir, clock, random, logger, disk = SYSTEM_DISK }: BrokerOptions,
  state: BrokerState,
  properties: BrokerProperties,
  cleanerOffsets: OffsetCheckpoint,
  lock: DataFolderLock,
) {
  return TopicRegistry.open({
    folder: dataDir,
    state,
    properties,
    files: new SealedFiles(disk),
    startOffsets: new OffsetCheckpoint(join(dataDir, "log-start-offset-checkpoint"), disk, logger),
    cleanerOffsets,
    recoveryPoints: new OffsetCheckpoint(join(dataDir, "recovery-point-offset-checkpoint"), disk, logger),
    clock,
    random,
    logger,
    checkFolder: () => lock.check(),
    // Recovering many logs takes longer than the lock may be silent, and timers do not fire meanwhile.
    onOpenLog: () => lock.beatIfDue(),
  });
}

function startMaintenance(
  maintenance: Maintenance,
  { topics, groups, transactions, properties, certificates, clock, logger }: Broker,
  listeners: readonly Listener[],
  cleaner: LogCleaner,
): void {
  const every = (name: string) => () => properties.number(name);
  const eachLog = async (chore: string, work: (log: PartitionLog) => void | Promise<void>) => {
    for (const log of topics.all().flatMap((topic) => topic.logs)) {
      try {
        await work(log);
      } catch (cause) {
        // One failing log must not stop the work on the others.
        logger.error("A chore of a log failed and will be tried again", { chore, folder: log.folder }, cause);
      }
    }
  };
  maintenance.start({
    name: "flushing logs",
    intervalMs: every("log.flush.scheduler.interval.ms"),
    run: () => {
      const nowMs = clock.nowMs();
      return eachLog("flushing logs", (log) => log.tend(nowMs, properties.number("producer.id.expiration.ms")));
    },
  });
  maintenance.start({
    name: "writing recovery points",
    intervalMs: every("log.flush.offset.checkpoint.interval.ms"),
    run: () => topics.checkpoint(),
  });
  maintenance.start({
    name: "deleting old segments",
    intervalMs: every("log.retention.check.interval.ms"),
    run: () =>
      eachLog("deleting old segments", async (log) => {
        const count = await log.applyRetention(clock.nowMs());
        const { folder, logStartOffset } = log;
        if (count > 0) logger.info("Deleted old segments", { folder, count, logStartOffset });
      }),
  });
  maintenance.start({
    name: "expiring offsets",
    intervalMs: every("offsets.retention.check.interval.ms"),
    run: () => groups.expire(),
  });
  maintenance.start({
    name: "aborting old transactions",
    intervalMs: every("transaction.abort.timed.out.transaction.cleanup.interval.ms"),
    run: () => transactions.tend(),
  });
  maintenance.start({
    name: "expiring transactional ids",
    intervalMs: every("transaction.remove.expired.transaction.cleanup.interval.ms"),
    run: () => transactions.expire(),
  });
  maintenance.start({
    name: "compacting logs",
    intervalMs: every("log.cleaner.backoff.ms"),
    run: () => cleaner.run(),
  });
  maintenance.start({
    name: "reading changed certificates",
    intervalMs: every("millrace.ssl.reload.interval.ms"),
    run: () => certificates.reload(),
  });
  maintenance.start({
    name: "closing idle connections",
    intervalMs: () => 30_000,
    run: () => {
      for (const listener of listeners) listener.closeIdle();
    },
  });
}
