import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/logger.js";
import type { Random } from "../../base/random.js";
import { Turns } from "../../base/turns.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import type { BrokerProperties } from "../broker-properties.js";
import type { LogConfig } from "../log/log-config.js";
import { PartitionLog } from "../log/partition-log.js";
import type { PartitionLogOptions } from "../log/partition-log-options.js";
import type { SealedFiles } from "../log/segments/sealed-files.js";
import type { StoredTopic } from "../metadata/broker-metadata.js";
import { type BrokerState, randomKafkaUuid } from "../metadata/broker-state.js";
import { MetadataInDoubtError } from "../metadata/metadata-log.js";
import type { OffsetCheckpoint } from "../offset-checkpoint.js";
import type { TopicPlan } from "./judge-topic.js";
import { PartitionFolders } from "./partition-folders.js";
import { logConfigOf, type TopicOverrides } from "./topic-config.js";
import { isInternalTopic } from "./topic-name.js";

/** The turn in which recovery points are written; no topic has this name. */
const CHECKPOINT_TURN = "recovery points";
/** Logs that are forced to disk at the same time. Node runs four file operations at a time; the rest waits there. */
const LOGS_AT_A_TIME = 16;
/** Logs that are checkpointed before other work gets its turn. */
const LOGS_PER_TURN = 20;

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
  readonly recoveryPoints: OffsetCheckpoint;
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
 * The topics of the broker, and the only creator and deleter of their logs. A topic exists if and only if the metadata
 * holds it; folders follow. A change is in effect once it is on disk; those of one topic are made one after another.
 */
export class TopicRegistry {
  readonly #options: TopicRegistryOptions;
  readonly #folders: PartitionFolders;
  readonly #topics = new Map<string, OpenTopic>();
  readonly #byId = new Map<string, OpenTopic>();
  #version = 0;
  readonly #turns = new Turns();
  /** Topics that are being created: no other may take the name, or one that collides with it. */
  readonly #creating = new Map<string, Promise<Topic>>();
  #forget: (name: string) => Promise<boolean> = () => Promise.resolve(true);

  /** Opens the logs of all topics. Those that were not closed are recovered, and on disk once this resolves. */
  static async open(options: TopicRegistryOptions): Promise<TopicRegistry> {
    const registry = new TopicRegistry(options);
    await registry.#forEachLog((log) => log.forceRecovered());
    return registry;
  }

  private constructor(options: TopicRegistryOptions) {
    this.#options = options;
    const { folder, files, random, logger, clock, state } = options;
    this.#folders = new PartitionFolders({ folder, files, random, logger, turn: () => clock.turn() });
    const known = this.#folders.putAsideStrays(state.metadata.topics);
    for (const [name, stored] of state.metadata.topics) {
      const topic = new OpenTopic(name, stored, options.properties);
      this.#openLogs(topic, known);
      this.#add(topic);
    }
  }

  /**
   * Sets what is called for a topic that is deleted, and again before one of its name is created: it deletes what else
   * there is of the topic, and resolves with whether all of that is on disk.
   */
  onDeleted(forget: (name: string) => Promise<boolean>): void {
    this.#forget = forget;
  }

  /** Rises with each topic that is created or deleted or gets partitions. */
  get version(): number {
    return this.#version;
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

  /** The names that are taken, by topics and by those that are being created. */
  names(): ReadonlySet<string> {
    return new Set([...this.#topics.keys(), ...this.#creating.keys()]);
  }

  /** The creation under way of a topic; undefined when there is none. */
  creating(name: string): Promise<Topic> | undefined {
    return this.#creating.get(name);
  }

  /** Runs `step` once all earlier changes of a topic are made. For those that depend on how the topic is. */
  inTurn<T>(name: string, step: () => Promise<T>): Promise<T> {
    return this.#turns.take(name, step);
  }

  /**
   * Creates a topic as planned. It can be written to, and is on disk, once this resolves.
   * @throws rejects with KafkaError TOPIC_ALREADY_EXISTS; KAFKA_STORAGE_ERROR while something of a deleted topic of the
   * name cannot be deleted; the disk's error; MetadataInDoubtError. No such topic is served then.
   */
  create(plan: TopicPlan): Promise<Topic> {
    const { name } = plan;
    const creation = this.inTurn(name, () => this.#create(plan)).finally(() => {
      if (this.#creating.get(name) === creation) this.#creating.delete(name);
    });
    if (!this.#creating.has(name)) this.#creating.set(name, creation);
    return creation;
  }

  async #create({ name, partitions, replicationFactor, configs }: TopicPlan): Promise<Topic> {
    const { state, startOffsets, cleanerOffsets, random, properties, logger } = this.#options;
    if (this.#topics.has(name)) throw new KafkaError("TOPIC_ALREADY_EXISTS", `Creating topic ${name}`);
    // Of a deleted topic: its log start would cut off the records of this one, and its readers would begin behind them.
    await startOffsets.drop(name);
    await cleanerOffsets.drop(name);
    if (!(await this.#forget(name))) {
      const detail = "what a deleted topic of this name has left, such as committed offsets, cannot be deleted yet";
      throw new KafkaError("KAFKA_STORAGE_ERROR", `Creating topic ${name}`, { detail });
    }
    const stored = { id: randomKafkaUuid(random), partitions, replicationFactor, configs };
    await state.change({ kind: "topic", name, topic: stored });
    const topic = new OpenTopic(name, stored, properties);
    try {
      topic.logs.push(...(await this.#makeLogs(topic, 0, partitions)));
    } catch (cause) {
      await this.#takeBack(name, () => state.change({ kind: "delete-topic", name }));
      throw cause;
    }
    this.#add(topic);
    logger.info("Created a topic", { topic: name, partitions, id: stored.id });
    return topic;
  }

  /**
   * Deletes a topic with its records, also on a full disk. Once the metadata lacks it, it is deleted: what of its files
   * cannot be removed now, the next start removes.
   * @throws rejects with KafkaError UNKNOWN_TOPIC_OR_PARTITION; the disk's error, with which the topic stays; or
   * MetadataInDoubtError: the next start may find the topic deleted, so that its logs are offline until then.
   */
  delete(name: string): Promise<void> {
    return this.inTurn(name, () => this.#delete(this.#known(name)));
  }

  async #delete(topic: OpenTopic): Promise<void> {
    const { name } = topic;
    const { state, startOffsets, cleanerOffsets, logger } = this.#options;
    try {
      await state.change({ kind: "delete-topic", name });
    } catch (cause) {
      // Nothing may be acknowledged that the next start would delete.
      if (cause instanceof MetadataInDoubtError) for (const log of topic.logs) log.fail("deleting", cause);
      throw cause;
    }
    this.#topics.delete(name);
    this.#byId.delete(topic.id);
    this.#version++;
    const tryTo = async (step: () => void | Promise<void>) => {
      try {
        await step();
      } catch (cause) {
        const text = "A part of a deleted topic could not be removed; the next start removes it";
        logger.error(text, { topic: name }, cause);
      }
    };
    const renamed: string[] = [];
    for (const log of topic.logs) {
      await tryTo(() => log.detach(() => void renamed.push(this.#folders.rename(log.folder))));
    }
    await tryTo(() => this.#folders.settled([]));
    for (const folder of renamed) await this.#folders.removeLater(folder);
    await tryTo(() => startOffsets.drop(name));
    await tryTo(() => cleanerOffsets.drop(name));
    state.keepReserve();
    logger.info("Deleted a topic", { topic: name });
    await this.#forget(name);
  }

  /** Adds partitions up to `count`. Called in the topic's turn. They can be written to once this resolves. */
  async addPartitions(name: string, count: number): Promise<void> {
    const { state } = this.#options;
    const topic = this.#known(name);
    const before = topic.stored;
    const stored = { ...before, partitions: count };
    await state.change({ kind: "topic", name, topic: stored });
    try {
      topic.logs.push(...(await this.#makeLogs(topic, before.partitions, count)));
    } catch (cause) {
      await this.#takeBack(name, () => state.change({ kind: "topic", name, topic: before }));
      throw cause;
    }
    topic.stored = stored;
    this.#version++;
  }

  /** Replaces a topic's own settings. Called in the topic's turn. They are in effect once this resolves. */
  async configure(name: string, configs: TopicOverrides): Promise<void> {
    const { state, properties } = this.#options;
    const topic = this.#known(name);
    const stored = { ...topic.stored, configs };
    await state.change({ kind: "topic", name, topic: stored });
    topic.stored = stored;
    topic.logConfig = logConfigOf(configs, properties);
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
    if (log.isClosed || offset <= this.#options.startOffsets.get(name, partition)) return;
    await this.#options.startOffsets.raise(name, partition, offset);
    log.raiseStart(offset);
  }

  /**
   * Stores up to where each log is on disk, so that a start after a crash checks only the records since. Called by the
   * broker's maintenance, and at a clean stop.
   * @throws rejects with the disk's error.
   */
  checkpoint(): Promise<void> {
    return this.#turns.take(CHECKPOINT_TURN, () => this.#checkpoint());
  }

  async #checkpoint(): Promise<void> {
    const { recoveryPoints, clock, logger } = this.#options;
    const points = new Map<readonly [string, number], number>();
    for (const { name, logs } of this.all()) {
      for (const [partition, log] of logs.entries()) {
        try {
          points.set([name, partition], log.checkpoint());
        } catch (cause) {
          logger.warn("A log could not write its recovery point and will try again", { folder: log.folder }, cause);
        }
        if (points.size % LOGS_PER_TURN === 0) await clock.turn();
      }
    }
    await recoveryPoints.replaceAll(points);
  }

  /** Closes all logs, for a clean stop. One that cannot be closed does not stop the others; the next start checks it. */
  async close(): Promise<void> {
    const { logger, files } = this.#options;
    await this.#forEachLog(async (log) => {
      try {
        await log.close();
      } catch (cause) {
        const text = "A log could not be closed cleanly; the next start checks it";
        logger.error(text, { folder: log.folder }, cause);
      }
    });
    try {
      await this.checkpoint();
    } catch (cause) {
      const text = "The recovery points could not be written; the next start checks more if it follows a crash";
      logger.warn(text, { folder: this.#options.folder }, cause);
    }
    files.close();
  }

  /** Closes all logs without writing, as a crash would. */
  abandon(): void {
    for (const { logs } of this.#topics.values()) for (const log of logs) log.abandon();
    this.#options.files.close();
  }

  /** Several at a time: the disk does their syncs together, and one after another they take ten times as long. */
  async #forEachLog(step: (log: PartitionLog) => Promise<void>): Promise<void> {
    const left = this.all().flatMap(({ logs }) => logs);
    const work = async () => {
      for (let log = left.pop(); log; log = left.pop()) await step(log);
    };
    await Promise.all(Array.from({ length: LOGS_AT_A_TIME }, work));
  }

  #add(topic: OpenTopic): void {
    this.#topics.set(topic.name, topic);
    this.#byId.set(topic.id, topic);
    this.#version++;
  }

  /** After partitions could not be made: otherwise the next start would fail at the same point. */
  async #takeBack(name: string, change: () => Promise<void>): Promise<void> {
    try {
      await change();
    } catch (cause) {
      const text = "Partitions that could not be made stay in the metadata; the next start makes them";
      this.#options.logger.error(text, { topic: name }, cause);
    }
  }

  /** Makes the logs of new partitions; on failure none of them. They are on disk once this resolves. */
  async #makeLogs(topic: OpenTopic, from: number, to: number): Promise<PartitionLog[]> {
    const logs: PartitionLog[] = [];
    try {
      for (let partition = from; partition < to; partition++) {
        this.#folders.make(topic.name, partition);
        logs.push(PartitionLog.open(this.#logOptions(topic, partition)));
      }
      await this.#folders.settled(logs.map(({ folder }) => ({ folder, topicId: topic.id })));
      return logs;
    } catch (cause) {
      for (const log of logs) {
        log.abandon();
        this.#folders.discard(log.folder);
      }
      throw cause;
    }
  }

  /**
   * Opens the logs of a stored topic. One that cannot be opened is offline; all others are served.
   * @param known the names of the partition folders that are there.
   */
  #openLogs(topic: OpenTopic, known: ReadonlySet<string>): void {
    const { folder, files, onOpenLog } = this.#options;
    let isNew = false;
    for (let partition = 0; partition < topic.stored.partitions; partition++) {
      onOpenLog();
      const options = this.#logOptions(topic, partition);
      let log: PartitionLog;
      try {
        isNew = this.#folders.adopt(topic.name, partition, topic.id, known) || isNew;
        log = PartitionLog.open(options);
      } catch (cause) {
        log = PartitionLog.openOffline(options, cause);
      }
      topic.logs.push(log);
      if (!log.offline) this.#lowerCleanerOffset(topic.name, partition, log);
    }
    if (isNew) files.disk.syncFolder(folder);
  }

  /** Offsets that recovery truncated will be written again, with records that were never cleaned. */
  #lowerCleanerOffset(topic: string, partition: number, { folder, logEndOffset }: PartitionLog): void {
    const { cleanerOffsets, logger } = this.#options;
    if (cleanerOffsets.get(topic, partition) <= logEndOffset) return;
    try {
      cleanerOffsets.set(topic, partition, logEndOffset);
    } catch (cause) {
      const text =
        "The cleaner's offset of a log that has lost records could not be written: until the next start its next records count as compacted";
      logger.error(text, { folder, logEndOffset }, cause);
    }
  }

  #logOptions(topic: OpenTopic, partition: number): PartitionLogOptions {
    const { files, clock, logger, state, startOffsets, recoveryPoints, checkFolder } = this.#options;
    return {
      folder: this.#folders.pathOf(topic.name, partition),
      config: () => topic.logConfig,
      files,
      clock,
      logger,
      leaderEpoch: state.metadata.epoch,
      logStartOffset: startOffsets.get(topic.name, partition),
      recoveryPoint: recoveryPoints.get(topic.name, partition),
      checkFolder,
    };
  }

  #known(name: string): OpenTopic {
    const topic = this.#topics.get(name);
    if (!topic) throw new KafkaError("UNKNOWN_TOPIC_OR_PARTITION", `Looking up topic ${name}`);
    return topic;
  }
}
