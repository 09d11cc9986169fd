import { NotFoundError, UnsupportedError } from "../api/index.js";
import type { ConnectorInfo, SubmittedConfig } from "../contract/connector-info.js";
import type { TargetState } from "../contract/target-state.js";
import type { TaskId } from "../contract/task-id.js";
import { entryOf } from "./connector-views.js";
import { DistributedHerder } from "./distributed-herder.js";
import { taskKey } from "./work.js";

/**
 * The herder of a standalone worker: one worker that is a group of its own (`LoneMember`), with configs and statuses in
 * memory and offsets in a file. As in Kafka Connect, a write returns once the connector's tasks exist, and no other
 * worker may publish task configs.
 */
export class StandaloneHerder extends DistributedHerder {
  #areConnectorsCreated = false;

  /** Whether the connectors of the command line exist. */
  override get ready(): boolean {
    return super.ready && this.#areConnectorsCreated;
  }

  /**
   * Creates the connectors that the command line names. Called once, after the loop has started.
   *
   * @param reads each returns a connector, or throws.
   * @throws Error naming the first one that cannot be read, whose config is refused, or that fails to start. Of no kind:
   *   the worker has started, and ends with the exit code of a failure, as Kafka Connect does for all of them.
   */
  async createAll(reads: readonly (() => NamedConnector)[]): Promise<void> {
    for (const read of reads) {
      const { name, config, initialState, file } = this.#read(read);
      try {
        // Not putConfig: of two files with one name, the later would replace the earlier.
        await this.create(name, config, initialState);
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new Error(`Connector ${name} of ${file} cannot be created: ${why}`, { cause });
      }
      const started = this.loop.worker.connectors().find((connector) => connector.name === name);
      if (started?.state === "FAILED") throw new Error(`Connector ${name} of ${file} cannot start: ${started.trace}`);
    }
    this.#areConnectorsCreated = true;
  }

  #read(read: () => NamedConnector): NamedConnector {
    try {
      return read();
    } catch (cause) {
      throw new Error(cause instanceof Error ? cause.message : String(cause), { cause });
    }
  }

  override async create(name: string, config: SubmittedConfig, state: TargetState | undefined): Promise<ConnectorInfo> {
    await super.create(name, config, state);
    await this.#settled(name);
    return this.connectorInfo(name);
  }

  override async putConfig(name: string, config: SubmittedConfig) {
    const { created } = await super.putConfig(name, config);
    await this.#settled(name);
    return { created, info: this.connectorInfo(name) };
  }

  override async patchConfig(name: string, patch: SubmittedConfig): Promise<ConnectorInfo> {
    await super.patchConfig(name, patch);
    await this.#settled(name);
    return this.connectorInfo(name);
  }

  override async restartTask(id: TaskId): Promise<void> {
    const { taskConfigs } = entryOf(this.loop.configs(), id.connector);
    if (id.task >= taskConfigs.length) {
      throw new NotFoundError("TASK_NOT_FOUND", `Task ${taskKey(id)} not found`);
    }
    await super.restartTask(id);
  }

  override async fence(): Promise<void> {
    const message = "A standalone worker delivers at least once: it has no earlier tasks to fence";
    throw new UnsupportedError("STANDALONE_WORKER", message);
  }

  override async publishTaskConfigs(): Promise<void> {
    throw new UnsupportedError(
      "STANDALONE_WORKER",
      "A standalone worker has no other workers: it plans its connectors' tasks itself",
    );
  }

  /** Resolves once the connector runs with its newest config and its tasks exist, or it has failed. */
  async #settled(name: string): Promise<void> {
    const { stages, runner, publisher } = this.loop;
    await stages.during("starting the connector", () => runner.connectorStarted(name));
    await stages.during(`generating task configs for connector ${name}`, () => publisher.attempted(name));
  }
}

/** A connector of the command line. */
export interface NamedConnector {
  readonly name: string;
  readonly config: SubmittedConfig;
  readonly initialState?: TargetState;
  /** The file that describes it, for errors. */
  readonly file: string;
}
