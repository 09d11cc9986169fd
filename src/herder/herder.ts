import type { LoggerLevel, LogLevel } from "../base/log/log-levels.js";
import type { ConfigInfos, ConfigKeyInfo } from "../contract/config-infos.js";
import type {
  ConnectorInfo,
  ConnectorStateInfo,
  InstanceState,
  OffsetEntry,
  SubmittedConfig,
  SubmittedOffset,
  TaskInfo,
} from "../contract/connector-info.js";
import type { PluginInfo } from "../contract/plugin-info.js";
import type { RestartRequest } from "../contract/restart-request.js";
import type { TargetState } from "../contract/target-state.js";
import type { TaskId } from "../contract/task-id.js";
import type { RequestSignature } from "./membership/session-keys.js";
import type { WorkerReport } from "./worker-report.js";

/** The herder's current or last operation, shown in the message of a request that timed out. */
export interface Stage {
  readonly description: string;
  /** Milliseconds since 1970. */
  readonly startedMs: number;
  readonly completedMs: number | undefined;
}

/**
 * The control plane of one worker, for REST. Reads use this worker's own copy of the topics; the group's leader carries
 * out writes.
 *
 * @throws NotFoundError for unknown names; ConflictError for requests that the state forbids; ConfigError for bad
 *   configurations; MisdirectedError when another worker must do it.
 */
export interface Herder {
  /** Waits until the cluster has answered. */
  clusterId(): Promise<string>;
  readonly version: string;
  /** Whether the first rebalance is done: the worker has started up. */
  readonly ready: boolean;
  /** Resolves once the herder's loop has run a command. */
  ping(): Promise<void>;
  readonly stage: Stage | undefined;

  /** Resolves once the topics have been read. Call the methods below only afterwards. */
  readonly loaded: Promise<void>;
  connectors(): readonly string[];
  connectorInfo(name: string): ConnectorInfo;
  connectorStatus(name: string): ConnectorStateInfo;
  taskStatus(id: TaskId): { readonly id: number } & InstanceState;
  tasks(name: string): readonly TaskInfo[];
  /** Topics that the connector has used. */
  topics(name: string): readonly string[];
  resetTopics(name: string): void;
  offsets(name: string): Promise<readonly OffsetEntry[]>;
  /** Stores offsets of a STOPPED connector. Resolves with the message for the client. */
  alterOffsets(name: string, offsets: readonly SubmittedOffset[]): Promise<string>;
  /** Deletes all offsets of a STOPPED connector. Resolves with the message for the client. */
  resetOffsets(name: string): Promise<string>;

  create(name: string, config: SubmittedConfig, initialState: TargetState | undefined): Promise<ConnectorInfo>;
  putConfig(
    name: string,
    config: SubmittedConfig,
  ): Promise<{ readonly created: boolean; readonly info: ConnectorInfo }>;
  /** Merges `patch` over the config; null removes a key. */
  patchConfig(name: string, patch: SubmittedConfig): Promise<ConnectorInfo>;
  remove(name: string): Promise<void>;
  setTargetState(name: string, state: TargetState): Promise<void>;
  /** Restarts the connector object; resolves once it runs. */
  restartConnector(name: string): Promise<void>;
  /** Resolves with the state in which everything that will restart shows RESTARTING. */
  requestRestart(request: RestartRequest): Promise<ConnectorStateInfo>;
  restartTask(id: TaskId): Promise<void>;
  /**
   * Publishes task configs as the leader, at the request of the worker that runs the connector. That worker generated
   * them from the connector's record at `configOffset` of the config topic (undefined from a Java worker).
   */
  publishTaskConfigs(
    name: string,
    configs: readonly SubmittedConfig[],
    body: Buffer,
    signature: RequestSignature | undefined,
    configOffset: number | undefined,
  ): Promise<void>;

  /** Fences the producers of a source connector's earlier tasks as the leader, at the request of a worker (KIP-618). */
  fence(name: string, body: Buffer, signature: RequestSignature | undefined): Promise<void>;

  validate(config: SubmittedConfig): Promise<ConfigInfos>;
  /** This worker's measurements of itself; answers within a second or so, even if a host hangs. */
  report(): Promise<WorkerReport>;

  /** The loggers of this worker's process, by name, without those that are off. */
  loggers(): readonly LoggerLevel[];
  /** @throws NotFoundError LOGGER_NOT_FOUND */
  logger(name: string): LoggerLevel;
  /** Sets a level on this worker. @returns the names of the loggers whose level changed, sorted */
  setLogLevel(namespace: string, level: LogLevel): readonly string[];
  /** Sets a level on every running worker of the group; resolves once the request is stored. @param level as sent */
  setClusterLogLevel(namespace: string, level: string): Promise<void>;

  plugins(): readonly PluginInfo[];
  pluginConfig(classOrAlias: string, version?: string): Promise<readonly ConfigKeyInfo[]>;
}
