import type {
  ConfigDef,
  ConfigValue,
  ConnectorPlugin,
  ConverterPlugin,
  ErrorKind,
  PredicatePlugin,
  Props,
  SinkOffset,
  SourceLag,
  SourceMap,
  SourceOffset,
  SourceRetention,
  Support,
  TransformationPlugin,
} from "../api/index.js";
import type { ThreadLoad } from "../base/metrics/thread-load.js";
import type { StatusState } from "../contract/connector-info.js";
import type { PluginInfo } from "../contract/plugin-info.js";
import type { TargetState } from "../contract/target-state.js";
import type { TaskId } from "../contract/task-id.js";
import type { ClientMetrics } from "../kafka/client/client-metrics.js";

/** A connector's state. UNASSIGNED: it was shut down here and may run elsewhere. */
export type ConnectorState = Exclude<StatusState, "RESTARTING">;

/** A task's state. */
export type TaskState = Exclude<ConnectorState, "STOPPED">;

/** A plugin's class, without its code. */
export interface ClassFacts {
  readonly className: string;
  readonly version: string;
  /** The index file of its package; the same for all plugins of one package. */
  readonly location: string;
}

/** A connector's class, without its code. */
export interface ConnectorFacts extends ClassFacts {
  readonly type: ConnectorPlugin["type"];
  readonly taskClassName: string;
}

/** The plugins of each kind. A converter that also converts headers is a plugin of two kinds. */
export interface PluginsOfKind {
  readonly connector: ConnectorPlugin;
  readonly converter: ConverterPlugin & Required<Pick<ConverterPlugin, "converter">>;
  readonly header_converter: ConverterPlugin & Required<Pick<ConverterPlugin, "headerConverter">>;
  readonly transformation: TransformationPlugin;
  readonly predicate: PredicatePlugin;
}

export type PluginKind = keyof PluginsOfKind;

/** As PluginsOfKind, without code: data, which crosses threads. */
export type FactsOfKind = { readonly [K in PluginKind]: K extends "connector" ? ConnectorFacts : ClassFacts };

/** Which of a class's versions to take (KIP-891). By default the newest. */
export interface PluginChoice {
  /** The value of a `plugin.version` key: a version, a Maven range, or `latest`. */
  readonly version?: string | null | undefined;
  /** Without a version: the one in this package, if it has the class. */
  readonly near?: string | undefined;
}

/**
 * The worker's plugins, without their code, which runs only in hosts. A class can be looked up by its name, its simple
 * name, or its simple name without the kind's suffix (`FileStreamSource`), unless two classes share that alias.
 */
export interface PluginCatalog {
  /** In Kafka Connect's order of types, then by class and version. */
  list(): readonly PluginInfo[];
  /**
   * @throws NotFoundError CLASS_NOT_FOUND, listing the available classes of that kind, or PLUGIN_VERSION_NOT_FOUND,
   *   listing the available versions; ConfigError for a version that is no range.
   */
  find<K extends PluginKind>(kind: K, classOrAlias: string, choice?: PluginChoice): FactsOfKind[K];
  /** The versions of a class, ascending; none of an unknown class. */
  versions(kind: PluginKind, classOrAlias: string): readonly string[];
}

/** A host's plugins, with their code. Lookups and errors as in the catalog. */
export interface Plugins {
  readonly catalog: PluginCatalog;
  find<K extends PluginKind>(kind: K, classOrAlias: string, choice?: PluginChoice): PluginsOfKind[K];
}

/** A plugin class whose configuration is requested. */
export interface PluginRef extends PluginChoice {
  readonly type: PluginKind;
  readonly className: string;
  /** The plugin's keys stand under this prefix in the properties to validate, and in the answer. */
  readonly prefix?: string;
}

/** A plugin's keys and its judgement of the values. Checks, recommenders and visibility are code and left out. */
export interface PluginValidation {
  readonly config: ConfigDef;
  readonly values: ConfigValue[];
}

/**
 * The place of what a task stores in the order of its connector's offsets. REST alters them while no task runs, and what
 * a task stores that does not know of it, or is over, must not undo that.
 */
export interface OffsetEras {
  readonly worker: number;
  readonly own?: number;
}

/**
 * Where source offsets live. The worker's thread owns it, in whichever thread the task runs: one writer, one fold (I6).
 */
export interface SourceOffsetStore {
  /**
   * Reads to the topic's end. Returns these partitions' offsets in the same order; `offset` null if none is stored.
   *
   * @param props the connector's configuration, which may name a topic of its own; so in all methods.
   */
  read(connector: string, partitions: readonly SourceMap[], props: Props): Promise<readonly SourceOffset[]>;
  /** The newest eras, as far as the topics have been read. Tasks store their offsets in them. */
  eras(connector: string, props: Props): Promise<OffsetEras>;
  /** As `eras`, of the worker's topic alone, without waiting. */
  workerEra(connector: string): number;
  /**
   * Stores all entries; resolves after the topic's acknowledgement. `offset` null stores a tombstone. A rejection means
   * that some may not be stored: the worker passes them again together with newer ones.
   *
   * @param permit called before every attempt. Its error ends the flush.
   */
  flush(
    connector: string,
    entries: readonly SourceOffset[],
    permit: () => void,
    props: Props,
    eras: OffsetEras,
  ): Promise<void>;
  /**
   * The records that a task writes in its own transaction. They reuse the keys that the topic has.
   *
   * @param permit as in `flush`, for tombstones that must be elsewhere before; so are `eras`.
   */
  records(
    connector: string,
    entries: readonly SourceOffset[],
    permit: () => void,
    props: Props,
    eras?: OffsetEras,
  ): Promise<OffsetRecords>;
  /** The transaction with these records is committed. Called where the records were `isOverlaid`. */
  committed(
    connector: string,
    entries: readonly SourceOffset[],
    permit: () => void,
    props: Props,
    eras?: OffsetEras,
  ): Promise<void>;
}

/** The herder's checks before a source task that delivers exactly once may write (KIP-618), or one stores offsets. */
export interface SourceFencing {
  /**
   * Called before a task's producer takes over its transactional id. Resolves once the leader has fenced the tasks of
   * earlier commits.
   *
   * @throws RetriableError FENCING_FAILED while there is no leader, or Kafka is away, and when the task is no longer of
   *   the newest commit or of this worker; ConfigError FENCING_FAILED when Kafka or the leader refuses.
   */
  fence(id: TaskId): Promise<void>;
  /**
   * Called after that, and before a task's next offsets where the stored ones have been altered since its last.
   *
   * @throws RetriableError FENCING_FAILED when the task is no longer of the newest commit or of this worker;
   *   RetriableError STORE_UNREADABLE.
   */
  confirm(id: TaskId): Promise<void>;
}

/** The records that store offsets, for a writer other than the store. */
export interface OffsetRecords {
  readonly topic: string;
  readonly records: readonly { readonly key: Buffer; readonly value: Buffer | null }[];
  /** The topic is a connector's own: call `SourceOffsetStore.committed` once the records are committed. */
  readonly isOverlaid: boolean;
}

/**
 * Called with state changes of connectors and tasks, for the status topic. The listener adds worker id and generation and
 * picks the safe write for UNASSIGNED and FAILED. It runs on the worker's thread, in the order of events of one connector
 * or task; must not throw and must not block.
 */
export interface WorkerListener {
  /**
   * `trace` is the error with its causes for FAILED, else null. `version` is the plugin's, null when unknown. `kind` is
   * the error's kind for FAILED, null for an error outside the six.
   */
  connectorStatus(
    name: string,
    state: ConnectorState,
    trace: string | null,
    version: string | null,
    kind?: ErrorKind | null,
  ): void;
  /**
   * `trace` is the error with its causes for FAILED. For RUNNING it is what the task waits for
   * ("waiting for Kafka at …"), or is null; the call repeats RUNNING whenever that text changes. `kind` as above.
   */
  taskStatus(id: TaskId, state: TaskState, trace: string | null, version: string | null, kind?: ErrorKind | null): void;
  /** The connector requests new task configs: call `taskConfigs` and publish if they differ. */
  requestReconfiguration(connector: string): void;
  /**
   * A task of the connector produced to, or consumed from, this topic for the first time since the task started, or
   * since `forgetTopics`.
   */
  topicUsed(id: TaskId, topic: string): void;
}

/** A question to a source connector about transactions. */
export type TransactionQuestion = "exactlyOnceSupport" | "canDefineTransactionBoundaries";

/** A task's current state. */
export interface TaskSnapshot {
  readonly id: TaskId;
  readonly state: TaskState;
  readonly trace: string | null;
  readonly version: string | null;
  /** Shares of the time since its start in which it was RUNNING and PAUSED, 0 to 1. */
  readonly runningRatio: number;
  readonly pausedRatio: number;
  /** How long it has made no progress although it has work left, in ms; 0 otherwise. */
  readonly heldUpMs: number;
}

/** A connector's current state. */
export interface ConnectorSnapshot {
  readonly name: string;
  readonly state: ConnectorState;
  readonly trace: string | null;
  readonly version: string | null;
  /** As the connector reported last; null: nothing. */
  readonly retention: SourceRetention | null;
}

/**
 * A task's counters since it started. They only grow, except those marked "now"; "recent" is a maximum over the last 30
 * to 60 seconds.
 */
export interface TaskMetrics {
  readonly id: TaskId;
  readonly type: "source" | "sink";
  /** Records returned by `poll`, or read from topics. */
  readonly recordsRead: number;
  /** Records acknowledged by the broker, or accepted by `put`. */
  readonly recordsWritten: number;
  /** Records dropped by a transformation, or as tolerated errors. */
  readonly recordsSkipped: number;
  /** Failed attempts to process a record, tolerated or not. */
  readonly recordsFailed: number;
  /** Records given up, tolerated or not, after their last attempt. */
  readonly recordErrors: number;
  /** Further attempts to process a record. */
  readonly retries: number;
  /** Records reported in the log. */
  readonly errorsLogged: number;
  /** When the last record was given up, in ms since 1970. */
  readonly lastErrorMs: number | null;
  /** Records sent to the dead letter queue, and those that it refused. */
  readonly deadLetters: { readonly requests: number; readonly failures: number };
  /** Non-empty batches, and the size of the largest, recent. */
  readonly batches: number;
  readonly batchRecordsMax: number;
  /** Offset commits that succeeded and failed, their time in all, and the longest, recent. */
  readonly commits: number;
  readonly commitFailures: number;
  readonly commitTimeMs: number;
  readonly commitMaxMs: number;
  /** Exactly-once sources: committed transactions, their records in all, and the largest and smallest, recent. Else 0. */
  readonly transactions: number;
  readonly transactionRecords: number;
  readonly transactionRecordsMax: number;
  readonly transactionRecordsMin: number;
  /** Source: as `activeRecords`. Sink: records behind the partitions' ends as of the last fetch, now. */
  readonly lagRecords: number;
  /** Sink: of the partition that is furthest behind, now. Source: 0. */
  readonly lagRecordsMax: number;
  /** Source: bytes in the producer's buffer, now. Sink: 0. */
  readonly lagBytes: number;
  /** Source: records submitted and not settled, now. Sink: records put and not committed, now. */
  readonly activeRecords: number;
  /** Source: of `activeRecords`, those that wait for nothing but the boundary of their transaction, now. Sink: 0. */
  readonly awaitingBoundary: number;
  /** Recent. */
  readonly activeRecordsMax: number;
  /** Sink: records that were read and that `put` has not taken, now. Source: 0. */
  readonly pendingRecords: number;
  /** Source: how far it is behind, now, as its task reports; undefined if it does not. */
  readonly source: SourceLag | undefined;
  /** Source: the numbers that its task reports, by name. Sink: {}. */
  readonly own: Readonly<Record<string, number>>;
  /** Sink: open partitions, now. Source: 0. */
  readonly partitions: number;
  /** Its Kafka clients, those for administration excepted. */
  readonly clients: readonly (ClientMetrics & { readonly kind: "producer" | "consumer" })[];
  /** Milliseconds spent inside `poll` or `put`, those without records included. */
  readonly taskTimeMs: number;
  /** Calls of `poll` that returned records, or of `put` with records; their time in all, and the longest, recent. */
  readonly calls: number;
  readonly callTimeMs: number;
  readonly callMaxMs: number;
}

/** A host's current state: a task host's, or that of the connectors' host. */
export interface HostSnapshot {
  /** `host-0`, `connectors`. */
  readonly name: string;
  readonly kind: "in-process" | "shared" | "dedicated" | "connectors";
  /** False until its thread has loaded the plugins. A host that stops answering is dropped. */
  readonly answering: boolean;
  readonly tasks: number;
  /** Since its last message; 0 in the worker's own thread. */
  readonly silentMs: number;
  /** As of its last answer, two seconds ago or less; undefined before the first, and in the worker's own thread. */
  readonly load: ThreadLoad | undefined;
}

/** Starts of connectors or tasks on this worker, since its own. A success has reached its first state unfailed. */
export interface Starts {
  readonly attempts: number;
  readonly successes: number;
  readonly failures: number;
}

/**
 * Runs connectors and tasks on this machine. Only the herder calls it, and the herder decides who runs what. Calls
 * about one connector or task are carried out in order. A failure inside a plugin never rejects a call: the listener
 * gets a FAILED status.
 */
export interface Worker {
  readonly plugins: PluginCatalog;

  /**
   * The keys of a plugin. Its code runs in the connectors' host, for at most 60 s.
   *
   * @throws NotFoundError CLASS_NOT_FOUND; RetriableError VALIDATION_UNANSWERED when it takes too long,
   *   CONNECTOR_HOST_LOST when it killed the host; the plugin's own errors.
   */
  configOf(plugin: PluginRef): Promise<ConfigDef>;
  /** As `configOf`, with the connector's own `validate`. `props` with references resolved. */
  validate(plugin: PluginRef, props: Readonly<Record<string, string | null>>): Promise<PluginValidation>;

  /**
   * Creates the connector and brings it to `targetState`. Resolves with its state once it is there or FAILED,
   * after the listener was called. A running connector of that name is stopped first.
   *
   * @param props the connector's configuration with references resolved.
   */
  startConnector(name: string, props: Props, targetState: TargetState): Promise<ConnectorState>;
  /**
   * Stops and forgets them, reporting UNASSIGNED unless one has FAILED. Late ones are cancelled after the graceful
   * timeout. Unknown names are ignored.
   *
   * @param withinMs shortens that time, as in `stopTasks`.
   */
  stopConnectors(names: readonly string[], withinMs?: number): Promise<void>;
  /** Starts or stops the connector, keeping its object. FAILED can only become STOPPED. Undefined if unknown. */
  setConnectorTargetState(name: string, state: TargetState): Promise<ConnectorState | undefined>;
  /**
   * One configuration per task, as the config topic stores them: the connector's own, `task.class`, and its `topics` or
   * `topics.regex`. References in `props` are resolved: the caller puts them back.
   *
   * @throws ConflictError CONNECTOR_NOT_RUNNING when it is not here or not RUNNING; ConfigError for more configurations
   *   than `tasks.max` under `tasks.max.enforce` (the connector is then FAILED); the connector's own errors.
   */
  taskConfigs(name: string): Promise<Record<string, string>[]>;
  /**
   * Asks the connector's class to judge new offsets (`alterOffsets` in the plugin contract), and to apply them to its
   * own system. Stores none.
   *
   * @param props the connector's config, references resolved.
   * @returns whether these offsets are all there is to alter; false if the class has no such method.
   * @throws NotFoundError CLASS_NOT_FOUND; RetriableError VALIDATION_UNANSWERED or CONNECTOR_HOST_LOST; the connector's
   *   own errors.
   */
  alterOffsets(
    className: string,
    props: Props,
    offsets: readonly SourceOffset[] | readonly SinkOffset[],
  ): Promise<boolean>;
  /**
   * Asks a source connector's class what it supports of transactions (the plugin contract's methods of these names).
   *
   * @returns null if it has no such method.
   * @throws as `alterOffsets`.
   */
  transactionSupport(question: TransactionQuestion, className: string, props: Props): Promise<Support | null>;
  /** All connectors that were started and not stopped. */
  connectors(): readonly ConnectorSnapshot[];

  /**
   * Starts a task. Resolves once a task host has it; later events reach the listener. A running task of that id is
   * stopped first.
   *
   * @param taskCount number of the connector's tasks, checked against `tasks.max`.
   */
  startTask(
    id: TaskId,
    connectorProps: Props,
    taskProps: Props,
    targetState: TargetState,
    taskCount: number,
  ): Promise<void>;
  /**
   * Stops and forgets these tasks together. Final offsets are committed; after `task.shutdown.graceful.timeout.ms` for
   * all together the late ones are cancelled. Each reports UNASSIGNED unless it has FAILED: that status stays. Unknown
   * ids are ignored.
   *
   * @param withinMs shortens that time, because other workers may run these tasks afterwards.
   */
  stopTasks(ids: readonly TaskId[], withinMs?: number): Promise<void>;
  /** PAUSED or STARTED for running tasks; STOPPED stops them. Unknown ids are ignored. */
  setTaskTargetState(ids: readonly TaskId[], state: TargetState): Promise<void>;
  /** The topics of the connector's tasks are reported again, each at its next use. */
  forgetTopics(connector: string): void;
  /** All tasks that were started and not stopped, FAILED ones included. */
  tasks(): readonly TaskSnapshot[];
  /** Current counters of the running tasks; of a host that does not answer within a second, its last known ones. */
  metrics(): Promise<readonly TaskMetrics[]>;
  starts(): { readonly connectors: Starts; readonly tasks: Starts };

  hosts(): readonly HostSnapshot[];
  /** Stops everything as stopTasks and stopConnectors do, then the hosts. */
  close(): Promise<void>;
  /** Drops everything at once, as a crash would: no drain, no commit, no leave, no status. */
  abandon(): Promise<void>;
}
