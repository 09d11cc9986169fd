import type {
  ConfigDef,
  ConfigValue,
  ConnectorPlugin,
  Converter,
  HeaderConverter,
  Props,
  SourceMap,
  SourceOffset,
} from "../api/index.js";
import type { StatusState } from "../contract/connector-info.js";
import type { PluginInfo } from "../contract/plugin-info.js";
import type { TargetState } from "../contract/target-state.js";
import type { TaskId } from "../contract/task-id.js";

/** What a connector is found to be. UNASSIGNED: it was shut down here and may run elsewhere. */
export type ConnectorState = Exclude<StatusState, "RESTARTING">;

/** What a task is found to be. */
export type TaskState = Exclude<ConnectorState, "STOPPED">;

/** A connector's class, without its code. */
export type ConnectorFacts = Pick<ConnectorPlugin, "type" | "className" | "taskClassName" | "version">;

/**
 * The plugins of this worker, without their code, which runs in hosts only. Every class is found by its name, its simple
 * name, or its simple name without the type's suffix (`FileStreamSource`), unless two classes share that alias.
 */
export interface PluginCatalog {
  /** In order of type, then class. */
  list(): readonly PluginInfo[];
  /** @throws NotFoundError CLASS_NOT_FOUND, listing the connectors that are there. */
  connector(classOrAlias: string): ConnectorFacts;
  /** @throws NotFoundError CLASS_NOT_FOUND, listing the converters that are there. */
  converter(classOrAlias: string): { readonly className: string };
  /** @throws NotFoundError CLASS_NOT_FOUND, as above. */
  headerConverter(classOrAlias: string): { readonly className: string };
}

/** The plugins as a host has them, code and all; found as in the catalog, with the same errors. */
export interface Plugins {
  connector(classOrAlias: string): ConnectorPlugin;
  /** A fresh converter, not configured yet. */
  converter(classOrAlias: string): Converter;
  /** A fresh header converter, not configured yet. */
  headerConverter(classOrAlias: string): HeaderConverter;
}

/** A plugin class of which the configuration is asked. */
export interface PluginRef {
  readonly type: "connector" | "converter" | "header_converter";
  readonly className: string;
}

/** A plugin's keys, and what it makes of the values: without checks, recommenders and visibility, which are code. */
export interface PluginValidation {
  readonly config: ConfigDef;
  readonly values: ConfigValue[];
}

/**
 * Where source offsets live. Owned by the worker's thread, whatever thread the task runs in: one writer, one fold (I6).
 */
export interface SourceOffsetStore {
  /** The stored offsets of these partitions in the same order, read to the end of the topic first; `offset` null where none is stored. */
  read(connector: string, partitions: readonly SourceMap[]): Promise<readonly SourceOffset[]>;
  /**
   * Stores all entries; resolves after the topic's acknowledgement. `offset` null stores a tombstone. A rejection means
   * that some may not be stored: the worker hands them over again with newer ones.
   */
  flush(connector: string, entries: readonly SourceOffset[]): Promise<void>;
}

/**
 * Told what becomes of connectors and tasks, for the status topic. The listener adds worker id and generation and picks
 * the safe write for UNASSIGNED and FAILED. Called on the worker's thread, in the order in which things happened to one
 * connector or task; must not throw and must not wait.
 */
export interface WorkerListener {
  /** `trace` is the error with its causes for FAILED, else null. `version` is the plugin's, null when it is not known. */
  connectorStatus(name: string, state: ConnectorState, trace: string | null, version: string | null): void;
  /**
   * `trace` is the error with its causes for FAILED. For RUNNING it is what the task waits for outside
   * ("waiting for Kafka at …"), or null; then the call repeats RUNNING whenever that text changes.
   */
  taskStatus(id: TaskId, state: TaskState, trace: string | null, version: string | null): void;
  /** The connector asked for its task configs to be worked out again: call `taskConfigs` and publish if they differ. */
  requestReconfiguration(connector: string): void;
  /** A task of the connector produced to, or consumed from, this topic for the first time since the task started. */
  topicUsed(id: TaskId, topic: string): void;
}

/** A task as it stands. */
export interface TaskSnapshot {
  readonly id: TaskId;
  readonly state: TaskState;
  readonly trace: string | null;
  readonly version: string | null;
}

/** A connector as it stands. */
export interface ConnectorSnapshot {
  readonly name: string;
  readonly state: ConnectorState;
  readonly trace: string | null;
  readonly version: string | null;
}

/** A task's counters since it started. Counts only grow; what is "now" is said so. */
export interface TaskMetrics {
  readonly id: TaskId;
  readonly type: "source" | "sink";
  /** Records that `poll` gave, or that were read from topics. */
  readonly recordsRead: number;
  /** Records acknowledged by the broker, or accepted by `put`. */
  readonly recordsWritten: number;
  /** Records dropped: by a transformation, or as tolerated errors. */
  readonly recordsSkipped: number;
  /** Records that failed a stage, whatever the tolerance made of them. */
  readonly recordsFailed: number;
  /** Batches that were not empty, and the largest of them. */
  readonly batches: number;
  readonly batchRecordsMax: number;
  /** Offset commits that succeeded and failed. */
  readonly commits: number;
  readonly commitFailures: number;
  /** Source: records submitted and not settled, now. Sink: records behind the end of the partitions, when last fetched. */
  readonly lagRecords: number;
  /** Source: bytes in the producer's buffer, now. Sink: 0. */
  readonly lagBytes: number;
  /** Milliseconds spent inside `poll` or `put`. */
  readonly taskTimeMs: number;
}

/** A task host as it stands. */
export interface HostSnapshot {
  readonly host: number;
  readonly kind: "in-process" | "shared" | "dedicated";
  /** False while its thread starts, or does not answer. */
  readonly answering: boolean;
  readonly tasks: number;
}

/**
 * Runs connectors and tasks on this machine, and decides nothing about who runs what: the herder calls it, and is its
 * only caller. Calls about one connector or task are carried out in the order in which they were made. What goes wrong inside a
 * plugin never rejects a call: it is a FAILED status at the listener.
 */
export interface Worker {
  readonly plugins: PluginCatalog;

  /**
   * The keys of a plugin. Its code runs in the connectors' host, for 60 s at the most.
   *
   * @throws NotFoundError CLASS_NOT_FOUND; RetriableError PLUGIN_UNANSWERED when it takes too long, CONNECTOR_HOST_LOST
   *   when it ended the host; whatever the plugin throws.
   */
  configOf(plugin: PluginRef): Promise<ConfigDef>;
  /** As `configOf`; a connector's own `validate` is asked, too. `props` with references resolved. */
  validate(plugin: PluginRef, props: Readonly<Record<string, string | null>>): Promise<PluginValidation>;

  /**
   * Makes the connector and brings it to `targetState`. Resolves once it is there or has FAILED, with what it came to
   * (the listener was told before). A connector of that name that still runs is stopped first.
   *
   * @param props the connector's configuration with references resolved.
   */
  startConnector(name: string, props: Props, targetState: TargetState): Promise<ConnectorState>;
  /** Stops and forgets them, reporting UNASSIGNED unless one has FAILED; unknown names are fine. Late ones are cancelled after the graceful timeout. */
  stopConnectors(names: readonly string[]): Promise<void>;
  /** Starts or stops the connector object at hand (PAUSED and STOPPED keep it). A FAILED one only becomes STOPPED. Unknown names are fine. */
  setConnectorTargetState(name: string, state: TargetState): Promise<ConnectorState | undefined>;
  /**
   * One configuration per task as the config topic stores them: what the connector gave, `task.class`, and its `topics`
   * or `topics.regex`. References in `props` were resolved before: putting them back is the caller's.
   *
   * @throws ConflictError CONNECTOR_NOT_RUNNING when it is not here or not STARTED; ConfigError when it gave more than
   *   `tasks.max` and `tasks.max.enforce` holds (the connector is FAILED then); anything the connector throws.
   */
  taskConfigs(name: string): Promise<Record<string, string>[]>;
  /** All connectors that were started and not stopped. */
  connectors(): readonly ConnectorSnapshot[];

  /**
   * Starts a task. Resolves once it is handed to a task host; what follows is told to the listener. A task of that id
   * that still runs is stopped first.
   *
   * @param taskCount how many tasks the connector has, to hold against `tasks.max`.
   */
  startTask(
    id: TaskId,
    connectorProps: Props,
    taskProps: Props,
    targetState: TargetState,
    taskCount: number,
  ): Promise<void>;
  /**
   * Stops and forgets these tasks together, each reporting UNASSIGNED unless it has FAILED, which stays to be seen: final offsets are committed, within
   * `task.shutdown.graceful.timeout.ms` for the lot, then the late ones are cancelled. Unknown ids are fine.
   *
   * @param withinMs shortens that time: others may run these tasks afterwards.
   */
  stopTasks(ids: readonly TaskId[], withinMs?: number): Promise<void>;
  /** PAUSED or STARTED for tasks that run; STOPPED stops them. Unknown ids are fine. */
  setTaskTargetState(ids: readonly TaskId[], state: TargetState): Promise<void>;
  /** All tasks that were started and not stopped, FAILED ones included. */
  tasks(): readonly TaskSnapshot[];
  /** Counters of the tasks that run, as their hosts know them now; a host that does not answer within a second is left out. */
  metrics(): Promise<readonly TaskMetrics[]>;

  hosts(): readonly HostSnapshot[];
  /** Stops everything as stopTasks and stopConnectors do, then the hosts. */
  close(): Promise<void>;
  /** Drops everything on the spot, as a crash would: no drain, no commit, no leave, no status. */
  abandon(): Promise<void>;
}
