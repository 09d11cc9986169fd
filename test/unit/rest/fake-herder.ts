import { ConflictError, NotFoundError } from "../../../src/api/index.js";
import { type LogLevel, LogLevels } from "../../../src/base/log/log-levels.js";
import type { ConnectorInfo, ConnectorStateInfo, SubmittedConfig } from "../../../src/contract/connector-info.js";
import type { Herder } from "../../../src/herder/herder.js";

/** Records calls, and answers from one connector `c`. */
export class FakeHerder implements Herder {
  readonly calls: unknown[][] = [];
  readonly version = "9.9.9";
  loaded: Promise<void> = Promise.resolve();
  stage: Herder["stage"] = undefined;
  ready = true;
  /** When set, every write waits for it, or fails with it. */
  obstacle: Promise<unknown> | undefined;

  readonly info: ConnectorInfo = {
    name: "c",
    config: { name: "c", "connector.class": "X" },
    tasks: [{ connector: "c", task: 0 }],
    type: "source",
  };
  readonly status: ConnectorStateInfo = {
    name: "c",
    connector: { state: "RUNNING", worker_id: "w:8083", version: "1.0" },
    tasks: [{ id: 0, state: "FAILED", worker_id: "w:8083", version: null, trace: "boom" }],
    type: "source",
  };

  readonly levels = new LogLevels("info");

  async report(): Promise<never> {
    throw new Error("not used");
  }

  loggers() {
    return this.levels.all();
  }

  logger(name: string) {
    const found = this.levels.one(name);
    if (!found) throw new NotFoundError("LOGGER_NOT_FOUND", `Logger ${name} not found.`);
    return found;
  }

  setLogLevel(namespace: string, level: LogLevel) {
    return this.levels.set(namespace, level, 1_000);
  }

  async setClusterLogLevel(namespace: string, level: string) {
    await this.#note("setClusterLogLevel", namespace, level);
  }

  async clusterId() {
    return "cluster";
  }

  async alterOffsets(...call: unknown[]) {
    this.calls.push(["alterOffsets", ...call]);
    await this.obstacle;
    return "altered";
  }

  async resetOffsets(...call: unknown[]) {
    this.calls.push(["resetOffsets", ...call]);
    await this.obstacle;
    return "reset";
  }

  async ping() {
    await this.obstacle;
  }

  connectors() {
    return ["c", "no-status"];
  }

  connectorInfo(name: string) {
    if (name === "none") throw new NotFoundError("CONNECTOR_NOT_FOUND", "Connector none not found");
    return { ...this.info, name };
  }

  connectorStatus(name: string) {
    if (name !== "c") throw new NotFoundError("STATUS_NOT_FOUND", `No status found for connector ${name}`);
    return this.status;
  }

  taskStatus() {
    return this.status.tasks[0]!;
  }

  tasks() {
    return [{ id: { connector: "c", task: 0 }, config: { a: "1" } }];
  }

  topics() {
    return ["t"];
  }

  resetTopics(name: string) {
    this.calls.push(["resetTopics", name]);
  }

  async offsets() {
    return [{ partition: { file: "f" }, offset: { position: 2n ** 60n } }];
  }

  async create(name: string, config: SubmittedConfig, initialState: unknown) {
    await this.#note("create", name, config, initialState);
    if (name === "c") throw new ConflictError("CONNECTOR_EXISTS", "Connector c already exists");
    return { ...this.info, name, config };
  }

  async putConfig(name: string, config: SubmittedConfig) {
    await this.#note("putConfig", name, config);
    return { created: name !== "c", info: { ...this.info, name } };
  }

  async patchConfig(name: string, patch: SubmittedConfig) {
    await this.#note("patchConfig", name, patch);
    return this.info;
  }

  remove(name: string) {
    return this.#note("remove", name);
  }

  setTargetState(name: string, state: string) {
    return this.#note("setTargetState", name, state);
  }

  restartConnector(name: string) {
    return this.#note("restartConnector", name);
  }

  async requestRestart(request: unknown) {
    await this.#note("requestRestart", request);
    return this.status;
  }

  restartTask(id: unknown) {
    return this.#note("restartTask", id);
  }

  publishTaskConfigs(name: string, configs: unknown, body: Buffer, signature: unknown) {
    return this.#note("publishTaskConfigs", name, configs, body.toString(), signature);
  }

  fence(name: string, body: Buffer, signature: unknown) {
    return this.#note("fence", name, body.toString(), signature);
  }

  async validate(config: SubmittedConfig) {
    await this.#note("validate", config);
    return { name: "X", error_count: 0, groups: [], configs: [] };
  }

  plugins() {
    return (["sink", "source", "transformation", "predicate", "converter", "header_converter"] as const).map(
      (type) => ({
        class: type,
        type,
        version: "1",
      }),
    );
  }

  async pluginConfig() {
    return [];
  }

  async #note(...call: unknown[]): Promise<void> {
    this.calls.push(call);
    await this.obstacle;
  }
}
