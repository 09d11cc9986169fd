import type { Clock } from "./clock.js";
import type { Converter } from "./converter.js";
import type { Logger } from "./logger.js";
import type { Random } from "./random.js";
import type { SinkRecord, SourceMap, SourceRecord, TopicPartition, TopicPartitionOffset } from "./records.js";

/** The context of every connector and task. */
export interface PluginContext {
  readonly connectorName: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** A source offset: where a source partition continues. null: none is stored, or a tombstone is to be stored. */
export interface SourceOffset {
  readonly partition: SourceMap;
  readonly offset: SourceMap | null;
}

/** A sink's new offset: the next record to read of a topic partition. null: the stored one is to be deleted. */
export interface SinkOffset extends TopicPartition {
  readonly offset: number | null;
}

/** What a source keeps for a connector that has not read it yet, such as the log behind a replication slot. */
export interface SourceRetention {
  readonly bytes: number;
  readonly bytesPerSecond?: number | undefined;
  /** At which it is lost, or must not grow further. */
  readonly limitBytes?: number | undefined;
  /** Until the limit, if it goes on growing like this. */
  readonly secondsToLimit?: number | undefined;
}

export interface ConnectorContext extends PluginContext {
  /** Asks the worker to call `taskConfigs` again because the tasks or their work have changed. */
  requestTaskReconfiguration(): void;
  /** Shows in the metrics what the source keeps; null: it is not known now. In force until the connector stops. */
  reportRetention(retention: SourceRetention | null): void;
  /** Fails the connector (not its tasks). */
  raiseError(error: Error): void;
}

interface TaskContext extends PluginContext {
  readonly taskId: number;
  /**
   * Aborts when the task must stop. Every wait of the task must end with it, so that `stop` takes less than a second.
   */
  readonly stopping: AbortSignal;
  /**
   * Reports the external system (a database, a store) that the task waits for, or null once it continues. The task
   * stays RUNNING; its status shows the text as `trace`. Reporting the same text again costs nothing.
   */
  waitingFor(reason: string | null): void;
  /** A configured built-in converter, for tasks that read or write its format themselves. @throws ConfigError */
  converter(className: string, props: Readonly<Record<string, string>>, isKey: boolean): Converter;
}

/**
 * Ends the transactions of a source task that defines their boundaries itself (KIP-618). A request for a record, which
 * must be one that `poll` then returns, takes effect once it is produced or dropped; a request without one takes effect
 * after the next batch that `poll` returns, which may be empty. An abort drops records, but not their offsets: the
 * source goes on after them. Asking for both at one place fails the task.
 */
export interface TransactionContext {
  commitTransaction(record?: SourceRecord): void;
  abortTransaction(record?: SourceRecord): void;
}

/** A partition of a topic that a plugin reads beside its source, such as one with signals. */
export interface TopicToRead {
  readonly topic: string;
  readonly partition: number;
  /** Properties of Java's consumer: `bootstrap.servers`, `group.id`, `security.protocol`, …. */
  readonly properties: Readonly<Record<string, string>>;
  /** Stands before these properties in the plugin's configuration, for errors that name a key. */
  readonly keyPrefix: string;
  /** Nothing before this offset is read, whatever the group has committed. */
  readonly notBefore?: number | undefined;
}

/** `key` and `value` are copies. */
export interface TopicMessage {
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

/** Reads one partition from what its group has committed, or else from `auto.offset.reset`. Joins no group. */
export interface TopicReader {
  /**
   * The messages that have arrived; waits up to `maxWaitMs` for the first. One call at a time.
   *
   * @throws any error of Kafka or the network; the next call tries again.
   */
  poll(maxWaitMs: number): Promise<readonly TopicMessage[]>;
  /** Commits the offset of the next message to read. @throws as `poll`. */
  commit(nextOffset: number): Promise<void>;
  /** Ends a call in progress with an error. */
  close(): Promise<void>;
}

export interface SourceTaskContext extends TaskContext {
  /** The stored offsets of these partitions, in the same order; `offset` is null where none is stored. */
  readOffsets(partitions: readonly SourceMap[]): Promise<readonly SourceOffset[]>;
  /** Does not connect yet. The worker closes what is left open at the task's end. @throws ConfigError */
  openTopic(what: TopicToRead): TopicReader;
  /** Requests an offset flush as soon as all records returned by `poll` so far are acknowledged. */
  requestCommit(): void;
  /** Undefined unless the worker delivers exactly once and the connector has `transaction.boundary=connector`. */
  readonly transactions?: TransactionContext | undefined;
}

export interface SinkTaskContext extends TaskContext {
  /** The open partitions. */
  assignment(): readonly TopicPartition[];
  /** Moves to these offsets, back or forward, before the next `put`. */
  seek(offsets: readonly TopicPartitionOffset[]): void;
  /** Stops the delivery of these partitions, which must be open. */
  pause(partitions: readonly TopicPartition[]): void;
  /** Resumes the delivery of these partitions, which must be open. */
  resume(partitions: readonly TopicPartition[]): void;
  /** Requests a `preCommit` and commit before the next `put`. */
  requestCommit(): void;
  /**
   * `offset.flush.timeout.ms`. Of revoked partitions the worker commits nothing if `preCommit` takes longer, so a task
   * that waits in it for its destination then returns what is safe by now.
   */
  readonly commitTimeoutMs: number;
  /** Sets the delay after which the batch is delivered again following a RetriableError from `put`. */
  retryAfter(delayMs: number): void;
  /**
   * Reports one bad record, or a copy of it, so that the task can continue. Resolves when the report is written. Rejects
   * unless errors.tolerance=all: the task then fails after this `put`, even if it ignores the rejection. Undefined
   * without a dead letter queue and errors.log.enable (KIP-610).
   */
  readonly reportErrant: ((record: SinkRecord, error: Error) => Promise<void>) | undefined;
}
