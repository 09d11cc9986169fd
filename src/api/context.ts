import type { Clock } from "./clock.js";
import type { Converter } from "./converter.js";
import type { Logger } from "./logger.js";
import type { Random } from "./random.js";
import type { SinkRecord, SourceMap, TopicPartition, TopicPartitionOffset } from "./records.js";

/** What every connector and task is given. */
export interface PluginContext {
  readonly connectorName: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** A stored source offset: where a source partition goes on. null: nothing stored (or a tombstone to be stored). */
export interface SourceOffset {
  readonly partition: SourceMap;
  readonly offset: SourceMap | null;
}

export interface ConnectorContext extends PluginContext {
  /** Asks the worker to call `taskConfigs` again: the set of tasks, or what they do, has changed. */
  requestTaskReconfiguration(): void;
  /** Fails the connector (not its tasks). */
  raiseError(error: Error): void;
}

interface TaskContext extends PluginContext {
  readonly taskId: number;
  /** Aborts when the task is to stop: whatever the task waits for ends with it, so that `stop` takes less than a second. */
  readonly stopping: AbortSignal;
  /**
   * Says what the task waits for outside (a database, a store), naming it, or null once it goes on. The task stays
   * RUNNING; its status shows the text as `trace`. Saying the same again costs nothing.
   */
  waitingFor(reason: string | null): void;
  /** A built-in converter, configured: for tasks that read or write a converter's format themselves. @throws ConfigError */
  converter(className: string, props: Readonly<Record<string, string>>, isKey: boolean): Converter;
}

export interface SourceTaskContext extends TaskContext {
  /** The stored offsets of these partitions, in the same order; `offset` null where none is stored. */
  readOffsets(partitions: readonly SourceMap[]): Promise<readonly SourceOffset[]>;
  /** Asks for an offset flush as soon as everything that `poll` has returned so far is acknowledged. */
  requestCommit(): void;
}

export interface SinkTaskContext extends TaskContext {
  /** The partitions that are open. */
  assignment(): readonly TopicPartition[];
  /** Goes back (or forward) to these offsets before the next `put`. */
  seek(offsets: readonly TopicPartitionOffset[]): void;
  /** Stops, or resumes, the delivery of these partitions; they must be open. */
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  /** Asks for a `preCommit` and commit before the next `put`. */
  requestCommit(): void;
  /** After a RetriableError from `put`: hand the batch over again in `delayMs`, not at the default pace. */
  retryAfter(delayMs: number): void;
  /** Reports one bad record (dead letter queue, log) and lets the task go on; undefined unless errors.tolerance=all. Resolves when the report is written. */
  readonly reportErrant: ((record: SinkRecord, error: Error) => Promise<void>) | undefined;
}
