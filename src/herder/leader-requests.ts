import { ConflictError, NotFoundError, RetriableError } from "../api/index.js";
import type { StoredProps } from "../stores/config-records.js";
import type { FencingRounds } from "./fencing/fencing-rounds.js";
import type { HerderParts } from "./herder-parts.js";
import type { LeaderWriter } from "./membership/leader-writer.js";
import { MisdirectedError } from "./misdirected-error.js";

interface LeaderRequestsOptions {
  /** As HerderLoop.asLeader. */
  asLeader(stage: string, what: string, step: (writer: LeaderWriter) => Promise<void>, shares: boolean): Promise<void>;
  readonly rounds: FencingRounds;
  /** Asks the leader over HTTP. */
  readonly ask: Pick<HerderParts, "postTaskConfigs" | "putFence">;
}

/** The two things that a worker needs of the leader: it does them itself while it leads, and asks otherwise. */
export class LeaderRequests {
  constructor(private readonly options: LeaderRequestsOptions) {}

  /** Publishes task configs as the leader, or asks the leader to. */
  async publishTaskConfigs(
    connector: string,
    taskConfigs: readonly StoredProps[],
    configOffset: number,
  ): Promise<void> {
    try {
      await this.writeTaskConfigs(connector, taskConfigs, configOffset);
    } catch (error) {
      if (!(error instanceof MisdirectedError) || error.url === undefined) throw error;
      await this.options.ask.postTaskConfigs(error.url, connector, taskConfigs, configOffset);
    }
  }

  /**
   * @param configOffset offset of the connector record that they were generated from; undefined if the sender omitted
   *   it.
   * @throws MisdirectedError when another worker leads; NotFoundError when the connector is gone; ConflictError when it
   *   is stopped, or its config has changed.
   */
  async writeTaskConfigs(
    connector: string,
    taskConfigs: readonly StoredProps[],
    configOffset: number | undefined,
  ): Promise<void> {
    const stage = `writing ${taskConfigs.length} task configs for connector ${connector} to the config topic`;
    const write = async (writer: LeaderWriter) => {
      const entry = writer.configs.connectors.get(connector);
      if (!entry) throw new NotFoundError("CONNECTOR_NOT_FOUND", `Connector ${connector} not found`);
      // Checked here: these may have queued behind a stop, and a STOPPED connector has no tasks.
      if (taskConfigs.length > 0 && entry.targetState === "STOPPED") {
        throw new ConflictError("CONNECTOR_NOT_RUNNING", `Connector ${connector} is stopped and can have no tasks`);
      }
      if (configOffset !== undefined && configOffset !== entry.configOffset) {
        throw new ConflictError(
          "CONFIG_CHANGED",
          `The task configs of connector ${connector} were generated from its config at offset ${configOffset} of the config topic; the leader has the config at offset ${entry.configOffset}`,
        );
      }
      await writer.putTaskConfigs(connector, taskConfigs);
    };
    await this.options.asLeader(stage, `Publishing task configs of ${connector}`, write, true);
  }

  /** Fences a connector's earlier tasks as the leader, or asks the leader to. */
  async fence(connector: string): Promise<void> {
    try {
      await this.fenceAsLeader(connector);
    } catch (error) {
      if (!(error instanceof MisdirectedError)) throw error;
      if (error.url === undefined) throw new RetriableError("FENCING_FAILED", error.message);
      await this.options.ask.putFence(error.url, connector);
    }
  }

  /** Fences a connector's earlier tasks. @throws as FencingRounds.fence */
  fenceAsLeader(connector: string): Promise<void> {
    return this.options.rounds.fence(connector);
  }
}
