import { ConfigError, ConflictError, NotFoundError } from "../api/index.js";
import type { LoggerLevel, LogLevel, LogLevels } from "../base/log/log-levels.js";
import type { ConfigInfos, ConfigKeyInfo } from "../contract/config-infos.js";
import type {
  ConnectorInfo,
  ConnectorStateInfo,
  OffsetEntry,
  SubmittedConfig,
  SubmittedOffset,
} from "../contract/connector-info.js";
import type { PluginInfo } from "../contract/plugin-info.js";
import type { RestartRequest } from "../contract/restart-request.js";
import type { TargetState } from "../contract/target-state.js";
import type { TaskId } from "../contract/task-id.js";
import type { ConnectorEntry } from "../stores/config-fold.js";
import type { StoredProps } from "../stores/config-records.js";
import { type ConfigValidator, findConnector, refusal } from "./config/config-validator.js";
import { ConnectorOffsets, type ConnectorOffsetsParts } from "./connector-offsets.js";
import { connectorInfo, connectorStateInfo, entryOf, taskInfos, taskState, withRestarting } from "./connector-views.js";
import type { Herder, Stage } from "./herder.js";
import type { HerderLoop } from "./herder-loop.js";
import type { LeaderWriter } from "./membership/leader-writer.js";
import { isSignedWith, type RequestSignature } from "./membership/session-keys.js";
import { SignatureError } from "./membership/signature-error.js";
import { MisdirectedError } from "./misdirected-error.js";
import { planRestart } from "./running/restart-plan.js";
import { taskKey } from "./work.js";
import type { ConnectorClasses, WorkerReport } from "./worker-report.js";

export interface DistributedHerderOptions extends ConnectorOffsetsParts {
  readonly version: string;
  /** This worker's advertised URL: a request that would come back to it is not forwarded. */
  readonly url: string;
  /** `inter.worker.verification.algorithms`, all of them known. */
  readonly signatureAlgorithms: readonly string[];
  /** The configured group protocol. */
  readonly protocol: string;
  /** Available once the worker exists, which has the plugins. */
  validator(): ConfigValidator;
  clusterId(): Promise<string>;
  readonly levels: LogLevels;
}

/** The herder of one worker in a group. Reads use its own copy of the topics; writes go through the leader. */
export class DistributedHerder implements Herder {
  readonly #offsets: ConnectorOffsets;

  constructor(private readonly options: DistributedHerderOptions) {
    this.#offsets = new ConnectorOffsets(options);
  }

  protected get loop(): HerderLoop {
    return this.options.loop;
  }

  get version(): string {
    return this.options.version;
  }

  get stage(): Stage | undefined {
    return this.loop.stages.current;
  }

  get loaded(): Promise<void> {
    return this.loop.loaded;
  }

  clusterId(): Promise<string> {
    return this.options.clusterId();
  }

  get ready(): boolean {
    return this.loop.ready;
  }

  async ping(): Promise<void> {
    await this.loop.run("answering a health check", async () => {});
  }

  connectors(): readonly string[] {
    return [...this.loop.configs().connectors.keys()];
  }

  connectorInfo(name: string): ConnectorInfo {
    return connectorInfo(this.loop.configs(), this.loop.worker.plugins, name);
  }

  connectorStatus(name: string): ConnectorStateInfo {
    return connectorStateInfo(this.loop.configs(), this.loop.stores.status, this.loop.worker.plugins, name);
  }

  taskStatus(id: TaskId) {
    return taskState(this.loop.stores.status, id);
  }

  tasks(name: string) {
    return taskInfos(this.loop.configs(), name);
  }

  topics(name: string): readonly string[] {
    return this.loop.stores.status.topics(name);
  }

  resetTopics(name: string): void {
    this.loop.stores.status.removeTopics(name);
  }

  offsets(name: string): Promise<readonly OffsetEntry[]> {
    return this.#offsets.list(name);
  }

  alterOffsets(name: string, offsets: readonly SubmittedOffset[]): Promise<string> {
    return this.#offsets.modify(name, offsets);
  }

  resetOffsets(name: string): Promise<string> {
    return this.#offsets.modify(name, undefined);
  }

  async create(name: string, config: SubmittedConfig, initialState: TargetState | undefined): Promise<ConnectorInfo> {
    const named = withName(name, config);
    await this.#refuseInvalid(named);
    return this.#writeConfig(name, async (writer) => {
      if (writer.configs.connectors.has(name)) {
        throw new ConflictError("CONNECTOR_EXISTS", `Connector ${name} already exists`);
      }
      await writer.putConnector(name, named, initialState);
      return this.connectorInfo(name);
    });
  }

  async putConfig(name: string, config: SubmittedConfig) {
    const named = withName(name, config);
    await this.#refuseInvalid(named);
    return this.#writeConfig(name, async (writer) => {
      const created = !writer.configs.connectors.has(name);
      await writer.putConnector(name, named);
      return { created, info: this.connectorInfo(name) };
    });
  }

  async patchConfig(name: string, patch: SubmittedConfig): Promise<ConnectorInfo> {
    for (;;) {
      // The patch applies to the leader's own copy, so leadership is checked before the config is validated.
      const stage = `reading the config of connector ${name}`;
      const before = await this.loop.asLeader(stage, "PATCH", async (writer) => entryOf(writer.configs, name));
      const patched = merged(before.config, patch);
      // Without a name it is refused by validation.
      checkName(name, patched);
      await this.#refuseInvalid(patched);
      const written = await this.#writeConfig(name, async (writer) => {
        // The config changed during validation: another request's change must not be lost.
        if (entryOf(writer.configs, name).configOffset !== before.configOffset) return false;
        await writer.putConnector(name, patched);
        return true;
      });
      if (written) return this.connectorInfo(name);
    }
  }

  async remove(name: string): Promise<void> {
    const stage = `removing the config for connector ${name} from the config topic`;
    const remove = async (writer: LeaderWriter) => {
      entryOf(writer.configs, name);
      await writer.removeConnector(name);
    };
    await this.loop.asLeader(stage, `Deleting connector ${name}`, remove, true);
  }

  async setTargetState(name: string, state: TargetState): Promise<void> {
    this.#requireKnown(name);
    if (state !== "STOPPED") {
      await this.loop.stores.config.putTargetState(name, state);
      return;
    }
    const stage = `writing the STOPPED target stage for connector ${name} to the config topic`;
    await this.loop.asLeader(stage, `Stopping connector ${name}`, async (writer) => {
      this.#requireKnown(name);
      await writer.stopConnector(name);
    });
  }

  async restartConnector(name: string): Promise<void> {
    await this.loop.membership.settled();
    const { started } = await this.loop.run(`restarting connector ${name}`, async () => {
      this.#requireRestartable(name);
      if (!this.loop.membership.assigned.connectors.has(name)) throw this.#elsewhere(name, undefined);
      const restart = this.loop.runner.restartConnector(name);
      await restart.stopped;
      return { started: restart.started };
    });
    const state = await this.loop.stages.during("starting the connector", () => started);
    if (state === "FAILED") throw new Error(`Failed to start connector: ${name}`);
  }

  async requestRestart(request: RestartRequest): Promise<ConnectorStateInfo> {
    const { connector } = request;
    const stage = `writing restart request for connector ${connector} to the config topic`;
    return this.loop.asLeader(stage, `Restarting connector ${connector}`, async (writer) => {
      this.#requireRestartable(connector);
      if (!this.loop.stores.status.status({ connector })) {
        throw new NotFoundError("STATUS_NOT_FOUND", `Status for connector ${connector} not found`);
      }
      const info = this.connectorStatus(connector);
      const states = info.tasks.map(({ id, state }) => [id, state] as const);
      const plan = planRestart(request, info.connector.state, states);
      await writer.putRestartRequest(request);
      return withRestarting(info, plan);
    });
  }

  async restartTask(id: TaskId): Promise<void> {
    await this.loop.membership.settled();
    await this.loop.run(`restarting task ${taskKey(id)}`, async () => {
      const entry = this.#requireRestartable(id.connector);
      if (id.task >= entry.taskConfigs.length) {
        throw new NotFoundError("TASK_NOT_FOUND", `Unknown task: ${taskKey(id)}`);
      }
      if (!this.loop.membership.assigned.tasks.has(taskKey(id))) throw this.#elsewhere(id.connector, id.task);
      // A newer commit: the task starts with the rebalance that follows.
      if (!this.loop.membership.mayRunTask(id, entry.tasksOffset)) {
        throw new MisdirectedError(undefined, `Restarting ${taskKey(id)}`);
      }
      if (!(await this.loop.runner.restartTask(id))) throw new Error(`Failed to start task: ${taskKey(id)}`);
    });
  }

  async publishTaskConfigs(
    name: string,
    configs: readonly SubmittedConfig[],
    body: Buffer,
    signature: RequestSignature | undefined,
    configOffset: number | undefined,
  ): Promise<void> {
    await this.loop.membership.settled();
    if (this.loop.membership.place?.sessioned) this.#verify(body, signature);
    const entry = entryOf(this.loop.configs(), name);
    if (configs.length > 0 && entry.targetState === "STOPPED") {
      throw new ConfigError("tasks", `Connector ${name} is stopped and can have no tasks`);
    }
    await this.loop.leaderRequests.writeTaskConfigs(name, configs, configOffset);
  }

  async fence(name: string, body: Buffer, signature: RequestSignature | undefined): Promise<void> {
    await this.loop.membership.settled();
    if (this.loop.membership.place?.sessioned) this.#verify(body, signature);
    await this.loop.leaderRequests.fenceAsLeader(name);
  }

  validate(config: SubmittedConfig): Promise<ConfigInfos> {
    return this.options.validator().validate(config);
  }

  async report(): Promise<WorkerReport> {
    const { worker, membership } = this.loop;
    const taskMetrics = await worker.metrics();
    const { connectors, tasks } = membership.assigned;
    return {
      connectors: worker.connectors().map((each) => ({ ...each, ...this.#classesOf(each.name) })),
      tasks: worker.tasks().map((each) => ({ ...each, ...this.#classesOf(each.id.connector) })),
      taskMetrics,
      hosts: worker.hosts(),
      starts: worker.starts(),
      group: {
        ...membership.rebalances(),
        protocol: this.options.protocol,
        leaderUrl: membership.place?.leaderUrl,
        generation: membership.generation,
        assignedConnectors: connectors.size,
        assignedTasks: tasks.size,
      },
    };
  }

  #classesOf(connector: string): ConnectorClasses {
    const named = this.loop.configs().connectors.get(connector)?.config["connector.class"] ?? null;
    try {
      const { type, className, taskClassName } = findConnector(this.loop.worker.plugins, named);
      return { type, connectorClass: className, taskClass: taskClassName };
    } catch {
      // A class that no plugin has, or a reference: the connector is FAILED, and its status has the reason.
      return { type: null, connectorClass: named, taskClass: null };
    }
  }

  loggers(): readonly LoggerLevel[] {
    return this.options.levels.all();
  }

  logger(name: string): LoggerLevel {
    const found = this.options.levels.one(name);
    if (!found) {
      const message = `Logger ${name} not found. GET /admin/loggers lists the loggers; PUT creates one.`;
      throw new NotFoundError("LOGGER_NOT_FOUND", message);
    }
    return found;
  }

  setLogLevel(namespace: string, level: LogLevel): readonly string[] {
    return this.options.levels.set(namespace, level, this.options.clock.nowMs());
  }

  setClusterLogLevel(namespace: string, level: string): Promise<void> {
    return this.loop.stores.config.putLoggerLevel(namespace, level);
  }

  plugins(): readonly PluginInfo[] {
    return this.loop.worker.plugins.list();
  }

  pluginConfig(classOrAlias: string, version?: string): Promise<readonly ConfigKeyInfo[]> {
    return this.options.validator().keysOf(classOrAlias, version);
  }

  /** As `entryOf`, with Kafka Connect's message for target state requests. @throws NotFoundError */
  #requireKnown(name: string): void {
    if (this.loop.configs().connectors.has(name)) return;
    throw new NotFoundError("CONNECTOR_NOT_FOUND", `Unknown connector ${name}`);
  }

  /** As `entryOf`, with Kafka Connect's message for restarts. @throws NotFoundError */
  #requireRestartable(name: string): ConnectorEntry {
    const entry = this.loop.configs().connectors.get(name);
    if (entry) return entry;
    throw new NotFoundError("CONNECTOR_NOT_FOUND", `Unknown connector: ${name}`);
  }

  async #refuseInvalid(config: SubmittedConfig): Promise<void> {
    const infos = await this.loop.stages.during("performing multi-property validation for the connector", () =>
      this.validate(config),
    );
    const message = refusal(infos);
    if (message !== undefined) throw new ConfigError("config", message);
  }

  #writeConfig<T>(name: string, step: (writer: LeaderWriter) => Promise<T>): Promise<T> {
    const stage = `writing a config for connector ${name} to the config topic`;
    return this.loop.asLeader(stage, `Writing the config of connector ${name}`, step, true);
  }

  /** For the owner: the leader has the owner's URL, all others have the leader's. */
  #elsewhere(connector: string, task: number | undefined): MisdirectedError {
    const { membership } = this.loop;
    const url = membership.place?.isLeader ? membership.ownerOf(connector, task) : membership.place?.leaderUrl;
    return new MisdirectedError(url === this.options.url ? undefined : url, `Restarting ${connector}`);
  }

  #verify(body: Buffer, signature: RequestSignature | undefined): void {
    const { sessionKey } = this.loop.configs();
    if (!signature) throw new SignatureError("missing", "Internal request missing required signature");
    if (!this.options.signatureAlgorithms.includes(signature.algorithm)) {
      throw new SignatureError(
        "algorithm",
        `This worker does not support the '${signature.algorithm}' key signing algorithm used by other workers: inter.worker.verification.algorithms lists the accepted ones`,
      );
    }
    if (!sessionKey) throw new SignatureError("no-key", "This worker has not read the group's session key yet");
    if (!isSignedWith(sessionKey, signature, body)) {
      throw new SignatureError("wrong", "Internal request contained invalid signature.");
    }
  }
}

/** The config merged with the patch; null removes a key. */
function merged(config: StoredProps, patch: SubmittedConfig): StoredProps {
  const entries = new Map(Object.entries(config));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) entries.delete(key);
    else entries.set(key, value);
  }
  return Object.fromEntries(entries);
}

/** The config under its connector's name. @throws ConfigError if it contains another name */
function withName(name: string, config: SubmittedConfig): SubmittedConfig {
  checkName(name, config);
  return config["name"] === undefined ? { ...config, name } : config;
}

/** @throws ConfigError if the config contains another name */
function checkName(name: string, config: SubmittedConfig): void {
  const given = config["name"];
  if (given === undefined || given === name) return;
  throw new ConfigError(
    "name",
    `Connector name configuration (${given}) doesn't match connector name in the URL (${name})`,
  );
}
