import type { ConfigDef, ConfigValue } from "./config-def.js";
import type { ConnectorContext, SinkTaskContext, SourceOffset, SourceTaskContext } from "./context.js";
import type { ErrorCodes } from "./error-code.js";
import type { SinkRecord, SourceRecord, TopicPartition, TopicPartitionOffset } from "./records.js";

/** A connector's or task's configuration: what the user gave, references already resolved. */
export type Props = Readonly<Record<string, string>>;

/**
 * Plans the work of one named connector. `config` and `validate` are called on instances that are never started.
 * Runs in the connectors' host, one thread for all connectors of a worker: what it imports must be light, so heavy
 * clients are imported inside `validate`. A call that keeps the thread from its event loop for `task.host.timeout.ms`
 * fails the connector. If another connector ends the host, this one is made and started again in a new host.
 */
export interface Connector {
  readonly config: ConfigDef;
  /**
   * Checks `props` further than ConfigDef can (that the database answers, that two keys agree). `values` is what
   * `validateConfig(config, props)` gave; returns it, with errors added. Absent: `values` as they are.
   */
  validate?(
    props: Readonly<Record<string, string | null>>,
    values: ConfigValue[],
    context: ValidationContext,
  ): Promise<ConfigValue[]>;
  /** May be called again after `stop`. @throws ConfigError or any other error: the connector is FAILED with it. */
  start(context: ConnectorContext, props: Props): Promise<void>;
  /** One configuration per task, `maxTasks` at the most; each is the connector's own plus what tells the tasks apart. */
  taskConfigs(maxTasks: number): Promise<Record<string, string>[]>;
  stop(): Promise<void>;
}

export type ValidationContext = Pick<ConnectorContext, "clock" | "random" | "logger">;

/**
 * Reads a source. The worker calls `start`, then `poll` again and again, one at a time, then `stop`; `commit` comes whenever
 * offsets were stored, also while `poll` waits. An error thrown by any of them fails the task, but for RetriableError from `poll`: it polls again.
 */
export interface SourceTask {
  start(context: SourceTaskContext, props: Props): Promise<void>;
  /**
   * The next records in source order, in a batch as large as is at hand (some thousands). Waits while there are none;
   * null or [] after `context.stopping` aborted, or now and then so that the loop can turn. (I9)
   */
  poll(): Promise<readonly SourceRecord[] | null>;
  /** These offsets are stored for good: what came before them may be let go of at the source. (I3) May be called while `poll` waits. */
  commit?(flushed: readonly SourceOffset[]): Promise<void>;
  /** Called once, after the last `poll` returned, also when `start` failed. Releases everything. */
  stop(): Promise<void>;
}

/**
 * Writes to a sink. The worker calls, one at a time: `start`, `open` for partitions gained, `put` again and again
 * (with [] when there is nothing, so that time can be looked at), `preCommit` before each commit, `close` for
 * partitions lost (after a last `preCommit`), `stop`.
 */
export interface SinkTask {
  start(context: SinkTaskContext, props: Props): Promise<void>;
  open(partitions: readonly TopicPartition[]): Promise<void>;
  /** @throws RetriableError to be handed the same batch again; anything else fails the task. */
  put(records: readonly SinkRecord[]): Promise<void>;
  /**
   * `current`: for every open partition the offset after the last record put. Returns the offsets that are safe to
   * commit: everything before them is at its destination. Partitions left out are not committed. (I2)
   */
  preCommit(current: readonly TopicPartitionOffset[]): Promise<readonly TopicPartitionOffset[]>;
  close(partitions: readonly TopicPartition[]): Promise<void>;
  stop(): Promise<void>;
}

interface ConnectorPluginBase {
  /** The value of `connector.class`, as Kafka Connect's users write it. */
  readonly className: string;
  /** The value of `task.class` in the stored task configurations. */
  readonly taskClassName: string;
  readonly version: string;
  /** The codes of its own errors, for documentation. */
  readonly errorCodes?: ErrorCodes;
  /** A fresh connector. Loads nothing heavy. */
  connector(): Connector;
}

export interface SourcePlugin extends ConnectorPluginBase {
  readonly type: "source";
  /** A fresh task; called in a task host only, so that its imports load there. */
  task(): Promise<SourceTask>;
}

export interface SinkPlugin extends ConnectorPluginBase {
  readonly type: "sink";
  task(): Promise<SinkTask>;
}

/** What a connector package's entry module exports as `default`: its plugins. */
export type ConnectorPlugin = SourcePlugin | SinkPlugin;
