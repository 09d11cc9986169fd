import { basename, dirname, join } from "node:path";
import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/logger.js";
import type { Random } from "../../base/random.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import type { BrokerProperties } from "../broker-properties.js";
import { type BrokerState, randomKafkaUuid } from "../broker-state.js";
import type { LogConfig } from "../log/log-config.js";
import { PartitionLog, type PartitionLogOptions } from "../log/partition-log.js";
import type { SealedFiles } from "../log/segments/log-files.js";
import type { StoredTopic } from "../metadata-file.js";
import type { OffsetCheckpoint } from "../offset-checkpoint.js";
import type { TopicPlan } from "./judge-topic.js";
import { logConfigOf, type TopicOverrides } from "./topic-config.js";
import { isInternalTopic } from "./topic-name.js";

/** Suffix of the partition folders of deleted topics, until they are removed. */
const DELETED_SUFFIX = "-delete";

/** A new name for a partition's folder that shall be removed; no longer than file systems allow. */
function deletedFolder(folder: string, random: Random): string {
  const [, topic = "", partition = ""] = /^(.*)-(\d+)$/.exec(basename(folder)) ?? [];
  const mark = random.uuid().replaceAll("-", "");
  return join(dirname(folder), `${topic.slice(0, 200)}-${partition}.${mark}${DELETED_SUFFIX}`);
}

/** A topic and the logs of its partitions. */
export interface Topic {
  readonly name: string;
  readonly id: string;
  readonly replicationFactor: number;
  readonly isInternal: boolean;
  readonly configs: TopicOverrides;
  readonly logs: readonly PartitionLog[];
}

export interface TopicRegistryOptions {
  readonly folder: string;
  readonly state: BrokerState;
  readonly properties: BrokerProperties;
  readonly files: SealedFiles;
  readonly startOffsets: OffsetCheckpoint;
  readonly cleanerOffsets: OffsetCheckpoint;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Throws when another process owns the folder; each log calls it before it appends. */
  readonly checkFolder: () => void;
  /** Called before a log is opened, which may take long if it must be recovered. */
  readonly onOpenLog: () => void;
}

class OpenTopic implements Topic {
  readonly logs: PartitionLog[] = [];
  readonly isInternal: boolean;
  logConfig: LogConfig;

  constructor(
    readonly name: string,
    public stored: StoredTopic,
    properties: BrokerProperties,
  ) {
    this.isInternal = isInternalTopic(name);
    this.logConfig = logConfigOf(stored.configs, properties);
  }

  get id(): string {
    return this.stored.id;
  }

  get replicationFactor(): number {
    return this.stored.replicationFactor;
  }

  get configs(): TopicOverrides {
    return this.stored.configs;
  }
}

/**
 * The topics of the broker, and the only creator and deleter of their logs. A change is written to the metadata first:
 * a topic exists if and only if the metadata holds it; folders follow.
 */
export class TopicRegistry {
  readonly #options: TopicRegistryOptions;
  readonly #topics = new Map<string, OpenTopic>();
  readonly #byId = new Map<string, OpenTopic>();

  /** Opens the logs of all topics, recovering those that were not closed. */
  constructor(options: TopicRegistryOptions) {
    this.#options = options;
    this.#putStrayFoldersAside();
    for (const [name, stored] of Object.entries(options.state.metadata.topics)) {
      this.#open(name, stored, (topic) => this.#openLogs(topic));
    }
  }

  get(name: string): Topic | undefined {
    return this.#topics.get(name);
  }

  byId(id: string): Topic | undefined {
    return this.#byId.get(id);
  }

  /** The log of a partition; undefined when there is no such topic or partition. */
  log(name: string, partition: number): PartitionLog | undefined {
    return this.#topics.get(name)?.logs[partition];
  }

  /** All topics, by name. */
  all(): Topic[] {
    return [...this.#topics.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  names(): ReadonlySet<string> {
    return new Set(this.#topics.keys());
  }

  /** Creates a topic as planned; it can be written to when this returns. */
  create(plan: TopicPlan): Topic {
    const { state, startOffsets, cleanerOffsets, random, logger } = this.#options;
    const { name, partitions, replicationFactor, configs } = plan;
    // Of a deleted topic whose deletion was interrupted: its log start would cut off the records of this one.
    startOffsets.drop(name);
    cleanerOffsets.drop(name);
    this.#putAsideOldFolders(name, 0, partitions);
    const stored = { id: randomKafkaUuid(random), partitions, replicationFactor, configs };
    state.update({ topics: { ...state.metadata.topics, [name]: stored } });
    try {
      const topic = this.#open(name, stored, (each) => this.#createLogs(each));
      logger.info("Created a topic", { topic: name, partitions, id: stored.id });
      return topic;
    } catch (cause) {
      // Otherwise the next start would open the topic again, and fail at the same point (disk full, too many files).
      const { [name]: _, ...topics } = state.metadata.topics;
      state.update({ topics });
      throw cause;
    }
  }

  /**
   * Deletes a topic with its records, also on a full disk. Once the metadata lacks it, it is deleted: what of its files cannot be removed
   * now, the next start removes.
   */
  delete(name: string): void {
    const { state, folder, files, startOffsets, cleanerOffsets, random, logger } = this.#options;
    const topic = this.#known(name);
    const { [name]: _, ...topics } = state.metadata.topics;
    state.update({ topics });
    this.#topics.delete(name);
    this.#byId.delete(topic.id);
    const tryTo = (step: () => void) => {
      try {
        step();
      } catch (cause) {
        logger.error(
          "A part of a deleted topic could not be removed; the next start removes it",
          { topic: name },
          cause,
        );
      }
    };
    for (const [partition, log] of topic.logs.entries()) {
      const from = join(folder, `${name}-${partition}`);
      // Renamed at once: the next start then finishes the removal.
      const to = deletedFolder(from, random);
      tryTo(() => log.detach(() => files.disk.rename(from, to)));
      tryTo(() => files.disk.removeFolder(to));
    }
    tryTo(() => startOffsets.drop(name));
    tryTo(() => cleanerOffsets.drop(name));
    state.keepReserve();
    logger.info("Deleted a topic", { topic: name });
  }

  /** Adds partitions up to `count`. */
  addPartitions(name: string, count: number): void {
    const topic = this.#known(name);
    const before = topic.stored;
    this.#putAsideOldFolders(name, before.partitions, count);
    this.#store(topic, { ...before, partitions: count });
    try {
      this.#createLogs(topic);
    } catch (cause) {
      this.#store(topic, before);
      throw cause;
    }
  }

  /** Replaces a topic's own settings. They are in effect when this returns. */
  configure(name: string, configs: TopicOverrides): void {
    const topic = this.#known(name);
    this.#store(topic, { ...topic.stored, configs });
    topic.logConfig = logConfigOf(configs, this.#options.properties);
  }

  /** Applies changed defaults. Called after a change of the broker's settings. */
  refreshConfigs(): void {
    for (const topic of this.#topics.values()) {
      topic.logConfig = logConfigOf(topic.stored.configs, this.#options.properties);
    }
  }

  /** Deletes the records below `offset`. Resolves once the new start is on disk. */
  async deleteRecords(name: string, partition: number, offset: number): Promise<void> {
    const log = this.#known(name).logs[partition]!;
    // A start that outlives the records below it would also hide those that are written in their place.
    await log.flushBefore(offset);
    // Of several that waited the highest counts; a start raised by retention may not be on disk. A deleted topic has
    // closed its log.
    if (log.removed || offset <= this.#options.startOffsets.get(name, partition)) return;
    this.#options.startOffsets.set(name, partition, offset);
    log.raiseStart(offset);
  }

  /** Closes all logs, for a clean stop. One that cannot be closed does not stop the others; the next start checks it. */
  async close(): Promise<void> {
    for (const { logs } of this.#topics.values()) {
      for (const log of logs) {
        try {
          await log.close();
        } catch (cause) {
          const text = "A log could not be closed cleanly; the next start checks it";
          this.#options.logger.error(text, { folder: log.folder }, cause);
        }
      }
    }
    this.#options.files.close();
  }

  /** Closes all logs without writing, as a crash would. */
  abandon(): void {
    for (const { logs } of this.#topics.values()) for (const log of logs) log.abandon();
    this.#options.files.close();
  }

  #store(topic: OpenTopic, stored: StoredTopic): void {
    const { state } = this.#options;
    state.update({ topics: { ...state.metadata.topics, [topic.name]: stored } });
    topic.stored = stored;
  }

  #open(name: string, stored: StoredTopic, openLogs: (topic: OpenTopic) => void): OpenTopic {
    const topic = new OpenTopic(name, stored, this.#options.properties);
    openLogs(topic);
    this.#topics.set(name, topic);
    this.#byId.set(stored.id, topic);
    return topic;
  }

  /** Creates the logs that a topic lacks; on failure none of them. */
  #createLogs(topic: OpenTopic): void {
    const { folder, files } = this.#options;
    const known = topic.logs.length;
    try {
      while (topic.logs.length < topic.stored.partitions) {
        topic.logs.push(PartitionLog.open(this.#logOptions(topic, topic.logs.length)));
      }
      files.disk.syncFolder(folder);
    } catch (cause) {
      for (const log of topic.logs.splice(known)) log.abandon();
      throw cause;
    }
  }

  /**
   * Makes way for new partitions, before the metadata names them: a deleted one of the same name may have left its
   * folder, because the disk failed, and the new one would take its records for its own.
   */
  #putAsideOldFolders(name: string, from: number, to: number): void {
    const { folder, files, random, logger } = this.#options;
    for (let partition = from; partition < to; partition++) {
      const old = join(folder, `${name}-${partition}`);
      try {
        files.disk.list(old);
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code === "ENOENT") continue;
        throw cause;
      }
      const aside = deletedFolder(old, random);
      files.disk.rename(old, aside);
      files.disk.syncFolder(folder);
      try {
        files.disk.removeFolder(aside);
      } catch (cause) {
        logger.error("A deleted partition could not be removed; the next start removes it", { folder: aside }, cause);
      }
    }
  }

  /** Opens the logs of a stored topic. One that cannot be opened is offline; all others are served. */
  #openLogs(topic: OpenTopic): void {
    const { cleanerOffsets, folder, files, onOpenLog } = this.#options;
    let isNew = false;
    for (let partition = 0; partition < topic.stored.partitions; partition++) {
      onOpenLog();
      const options = this.#logOptions(topic, partition);
      let log: PartitionLog;
      try {
        isNew = files.disk.makeFolder(options.folder) !== undefined || isNew;
        log = PartitionLog.open(options);
      } catch (cause) {
        log = PartitionLog.openOffline(options, cause);
      }
      topic.logs.push(log);
      // Offsets that recovery truncated will be written again, with records that were never cleaned.
      if (!log.offline && cleanerOffsets.get(topic.name, partition) > log.logEndOffset) {
        cleanerOffsets.set(topic.name, partition, log.logEndOffset);
      }
    }
    if (isNew) files.disk.syncFolder(folder);
  }

  #logOptions(topic: OpenTopic, partition: number): PartitionLogOptions {
    const { folder, files, clock, logger, state, startOffsets, checkFolder } = this.#options;
    return {
      folder: join(folder, `${topic.name}-${partition}`),
      config: () => topic.logConfig,
      files,
      clock,
      logger,
      leaderEpoch: state.metadata.epoch,
      logStartOffset: startOffsets.get(topic.name, partition),
      checkFolder,
    };
  }

  /** Finishes deletions, and renames folders of no known topic, which a new topic might otherwise take for its own. */
  #putStrayFoldersAside(): void {
    const { folder, state, logger } = this.#options;
    const { disk } = this.#options.files;
    const entries = disk.list(folder);
    const names = new Set(entries.map(({ name }) => name));
    for (const entry of entries) {
      if (!entry.isFolder) continue;
      const path = join(folder, entry.name);
      if (entry.name.endsWith(DELETED_SUFFIX)) {
        disk.removeFolder(path);
        continue;
      }
      const named = /^(.+)-(\d+)$/.exec(entry.name);
      if (!named) continue;
      const stored = state.metadata.topics[named[1]!];
      if (stored && Number(named[2]) < stored.partitions) continue;
      let aside = `${entry.name}.stray`;
      for (let n = 1; names.has(aside); n++) aside = `${entry.name}.stray${n}`;
      names.add(aside);
      disk.rename(path, join(folder, aside));
      logger.warn("Renamed a partition folder that belongs to no topic", { from: path, to: join(folder, aside) });
    }
  }

  #known(name: string): OpenTopic {
    const topic = this.#topics.get(name);
    if (!topic) throw new KafkaError("UNKNOWN_TOPIC_OR_PARTITION", `Looking up topic ${name}`);
    return topic;
  }
}
