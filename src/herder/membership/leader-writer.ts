import { RetriableError } from "../../api/index.js";
import type { RestartRequest } from "../../contract/restart-request.js";
import type { TargetState } from "../../contract/target-state.js";
import type { ConfigSnapshot } from "../../stores/config-fold.js";
import type { SessionKey, StoredProps } from "../../stores/config-records.js";
import type { ConfigStore } from "../../stores/config-store.js";
import type { WritePermit } from "../../stores/gathered-writes.js";

/** A leader's decision is outdated and nothing was written: decide again. */
export class StaleDecisionError extends Error {
  override readonly name = "StaleDecisionError";
}

/** The place in the group that makes a worker the leader. */
export interface LeaderTerm {
  readonly generation: number;
  /** False from the moment the place is lost, or given up for a rebalance. */
  isHeld(): boolean;
}

/**
 * Writes the config topic on behalf of one place in the group and one state of the configs. The leader gets one for
 * each decision (`HerderLoop.asLeader`); these records cannot be written otherwise. (I7)
 *
 * It exists for two interleavings. First, an old leader that the group has dropped still has a write in progress: every
 * attempt checks that the place is still held, so at most the attempt in flight can land after the new leader's writes.
 * Second, two workers that both believe they lead patch one connector: the later one reads the topic to its end before
 * it writes, sees that the connector has changed since its decision, and decides again, so that neither patch is lost.
 *
 * @throws StaleDecisionError from every write, with nothing written, when the place is lost or the connector has
 *   changed; RetriableError STORE_UNWRITABLE when the place is lost after an attempt, which may have landed.
 */
export class LeaderWriter {
  #configs: ConfigSnapshot;

  constructor(
    private readonly store: ConfigStore,
    private readonly term: LeaderTerm,
  ) {
    this.#configs = store.snapshot();
  }

  /** The state of the configs to decide on. */
  get configs(): ConfigSnapshot {
    return this.#configs;
  }

  /** The config topic offset of that state. */
  get configOffset(): number {
    return this.#configs.offset;
  }

  get generation(): number {
    return this.term.generation;
  }

  putConnector(connector: string, config: StoredProps, initialState?: TargetState): Promise<void> {
    return this.#write(connector, (permit) => this.store.putConnector(permit, connector, config, initialState));
  }

  removeConnector(connector: string): Promise<void> {
    return this.#write(connector, (permit) => this.store.removeConnector(permit, connector));
  }

  putTaskConfigs(connector: string, configs: readonly StoredProps[]): Promise<void> {
    return this.#write(connector, (permit) => this.store.putTaskConfigs(permit, connector, configs));
  }

  /** Removes a connector's tasks and sets it STOPPED. */
  stopConnector(connector: string): Promise<void> {
    return this.#write(connector, (permit) => this.store.stopConnector(permit, connector));
  }

  putRestartRequest(request: RestartRequest): Promise<void> {
    return this.#write(request.connector, (permit) => this.store.putRestartRequest(permit, request));
  }

  putTaskCount(connector: string, tasks: number): Promise<void> {
    return this.#write(connector, (permit) => this.store.putTaskCount(permit, connector, tasks));
  }

  putSessionKey(key: SessionKey): Promise<void> {
    return this.#write(undefined, (permit) => this.store.putSessionKey(permit, key));
  }

  async #write(connector: string | undefined, write: (permit: WritePermit) => Promise<void>): Promise<void> {
    this.#permit(0);
    const decidedOn = connector === undefined ? undefined : this.#configs.connectors.get(connector);
    const isUnchanged = () => connector === undefined || this.store.snapshot().connectors.get(connector) === decidedOn;
    await write((attempts) => {
      this.#permit(attempts);
      if (attempts > 0 || isUnchanged()) return;
      throw new StaleDecisionError(`Connector ${connector} has changed after offset ${this.configOffset}`);
    });
    this.#configs = this.store.snapshot();
  }

  #permit(attempts: number): void {
    if (this.term.isHeld()) return;
    if (attempts === 0) throw new StaleDecisionError(`Generation ${this.generation} is over for this worker`);
    throw new RetriableError(
      "STORE_UNWRITABLE",
      "Error writing to Kafka: this worker lost its place as the leader before the config topic acknowledged the change. It may still have been written: check, and repeat the request if not",
    );
  }
}
