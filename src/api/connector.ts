import type { ConfigDef, ConfigValue } from "./config-def.js";
import type { ConnectorContext, SinkOffset, SinkTaskContext, SourceOffset, SourceTaskContext } from "./context.js";
import type { ErrorCodes } from "./error-code.js";
import type { SinkRecord, SourceRecord, TopicPartition, TopicPartitionOffset } from "./records.js";

/** The configuration of a connector or task, with config provider references resolved. */
export type Props = Readonly<Record<string, string>>;

/**
 * Plans the work of one named connector. `config` and `validate` are also used on instances that are never started.
 * Runs in the connectors' host, one thread for all connectors of a worker. Its imports must be light: import heavy
 * clients inside `validate`. A call that blocks the thread's event loop for `task.host.timeout.ms` fails the connector.
 * If another connector ends the host, this one is created and started again in a new host.
 */
export interface Connector {
  readonly config: ConfigDef;
  /**
   * Checks that go beyond ConfigDef: that the database answers, that two keys agree. `values` is the result of
   * `validateConfig(config, props)`; returns it with errors added. When absent, `values` is the final result.
   */
  validate?(
    props: Readonly<Record<string, string | null>>,
    values: ConfigValue[],
    context: ValidationContext,
  ): Promise<ConfigValue[]>;
  /**
   * May be called again after `stop`.
   * @throws ConfigError or any other error, with which the connector becomes FAILED.
   */
  start(context: ConnectorContext, props: Props): Promise<void>;
  /** One configuration per task, at most `maxTasks`: the connector's own plus the keys that differ between tasks. */
  taskConfigs(maxTasks: number): Promise<Record<string, string>[]>;
  stop(): Promise<void>;
}

export type ValidationContext = Pick<ConnectorContext, "clock" | "random" | "logger">;

export interface SourceConnector extends Connector {
  /**
   * Judges new offsets before any is stored (PATCH and DELETE of a connector's offsets, KIP-875), and applies them to a
   * source that keeps positions of its own. Called on an instance that is not started, and perhaps again with the same
   * offsets. A reset passes every stored partition with null. Accept null for any partition, even a malformed one:
   * nothing else removes it.
   *
   * @param props the connector's configuration.
   * @returns true if these offsets are all there is to alter; false if the source keeps positions that its users must
   *   alter by other means. Absent: false.
   * @throws DataError for offsets that no task could continue from: the request is answered with 400; UnsupportedError
   *   if offsets of this connector cannot be altered. Nothing is stored after any error.
   */
  alterOffsets?(props: Props, offsets: readonly SourceOffset[], context: ValidationContext): Promise<boolean>;
  /**
   * Whether tasks with this configuration deliver exactly once when their records and offsets are written in
   * transactions (KIP-618): from a stored offset they must return exactly the records after it. Asked at validation
   * under `exactly.once.support=required`, of an instance that is not started. Absent or null: not known, and refused.
   */
  exactlyOnceSupport?(props: Props): Promise<Support | null>;
  /** Whether tasks use `context.transactions`. Asked as above, under `transaction.boundary=connector`. Absent: not. */
  canDefineTransactionBoundaries?(props: Props): Promise<Support>;
}

/** A source connector's answer about transactions. */
export type Support = "SUPPORTED" | "UNSUPPORTED";

export interface SinkConnector extends Connector {
  /** As SourceConnector.alterOffsets, before the offsets of the connector's consumer group are altered or deleted. */
  alterOffsets?(props: Props, offsets: readonly SinkOffset[], context: ValidationContext): Promise<boolean>;
}

/**
 * Reads a source. The worker calls `start`, then `poll` repeatedly, one call at a time, then `stop`. It calls `commit`
 * after each store of offsets, also while `poll` waits. An error from any of them fails the task, except a
 * RetriableError from `poll`: the worker polls again.
 */
export interface SourceTask {
  start(context: SourceTaskContext, props: Props): Promise<void>;
  /**
   * Returns the next records in source order, as many as are available (up to some thousands). Waits while there are
   * none. Returns null or [] once `context.stopping` has aborted, and may return them at any time. (I9)
   */
  poll(): Promise<readonly SourceRecord[] | null>;
  /**
   * These offsets are stored durably: the source may release its data up to them. (I3) May be called while `poll`
   * waits.
   */
  commit?(flushed: readonly SourceOffset[]): Promise<void>;
  /**
   * How far this task is behind its source: what it has not returned from `poll` yet, as far as it knows without asking
   * anyone. Called every few seconds, also while `poll` waits.
   */
  lag?(): SourceLag;
  /**
   * Numbers of its own that the task shows in `/metrics` now, by name: lower-case letters, digits and underscores. At
   * most 50. Called every few seconds, also while `poll` waits.
   */
  gauges?(): Readonly<Record<string, number>>;
  /** Releases all resources. Called once, after the last `poll` returned, also when `start` failed. */
  stop(): Promise<void>;
}

/** A task's distance from its source. */
export interface SourceLag {
  /** Bytes of the source that were not returned yet; undefined: unknown. */
  readonly lagBytes?: number | undefined;
  /** Milliseconds from the last returned record's change at the source to its return from `poll`; undefined: unknown. */
  readonly lagMs?: number | undefined;
}

/**
 * Writes to a sink. The worker calls, one at a time: `start`, `open` for assigned partitions, `put` repeatedly (with []
 * when there are no records, for time-based work), `preCommit` before each commit, `close` for revoked partitions
 * (after a last `preCommit`), `stop`. One exception: when that last `preCommit` takes longer than
 * `SinkTaskContext.commitTimeoutMs`, `close` is called while it still runs. All other calls wait until it returns.
 */
export interface SinkTask {
  start(context: SinkTaskContext, props: Props): Promise<void>;
  open(partitions: readonly TopicPartition[]): Promise<void>;
  /** @throws RetriableError to receive the same batch again; any other error fails the task. */
  put(records: readonly SinkRecord[]): Promise<void>;
  /**
   * `current` holds the offset after the last `put` record of every open partition. Returns the offsets that are safe
   * to commit: every record before them has reached its destination. Omitted partitions are not committed. (I2)
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
  /** The plugin's own error codes, for documentation. */
  readonly errorCodes?: ErrorCodes;
}

export interface SourcePlugin extends ConnectorPluginBase {
  readonly type: "source";
  /** Creates a connector. Loads nothing heavy. */
  connector(): SourceConnector;
  /** Creates a task. Called in task hosts only, so that its imports load there. */
  task(): Promise<SourceTask>;
}

export interface SinkPlugin extends ConnectorPluginBase {
  readonly type: "sink";
  /** Creates a connector. Loads nothing heavy. */
  connector(): SinkConnector;
  task(): Promise<SinkTask>;
}

/** A connector package's entry module exports one of these, or an array of them, as `default`. */
export type ConnectorPlugin = SourcePlugin | SinkPlugin;
