import type { RestartRequest } from "../contract/restart-request.js";
import type { TargetState } from "../contract/target-state.js";
import type { CompactedLog, OpenLog } from "./compacted-log.js";
import { type ConfigEvent, ConfigFold, type ConfigSnapshot } from "./config-fold.js";
import { configRecord, type SessionKey, type StoredProps } from "./config-records.js";
import type { StoreRecord } from "./log-transport.js";

/** Told what the config topic's records change, in their order; only after `start` has read what was there before. */
export type ConfigListener = (events: readonly ConfigEvent[]) => void;

/** Asked before every attempt of a write, with the number of attempts made; what it throws ends the write. */
export type WritePermit = (attempts: number) => void;

/** What any worker may do with the config topic. */
export interface SharedConfigStore {
  /** Everything folded so far; it never changes, the next call may return another. */
  snapshot(): ConfigSnapshot;
  /** Resolves once everything written before the call is folded. @throws RetriableError STORE_UNREADABLE, after `timeoutMs` at the latest */
  readToEnd(timeoutMs?: number): Promise<ConfigSnapshot>;
  /** Resolves once it is acknowledged, which is before a snapshot has it. @throws RetriableError STORE_UNWRITABLE */
  putTargetState(connector: string, state: TargetState): Promise<void>;
  /** As `putTargetState`. */
  putLoggerLevel(logger: string, level: string): Promise<void>;
}

/**
 * Connector configs, task configs, target states, restarts and session keys: the config topic. The writers that are not
 * in SharedConfigStore belong to the group's leader (I7) and are called by its LeaderWriter only, whose permit they ask
 * before every attempt. They resolve once the record has come back through the log, so that the next snapshot has it.
 *
 * @throws RetriableError STORE_UNWRITABLE or STORE_UNREADABLE from all of them.
 */
export class ConfigStore implements SharedConfigStore {
  readonly #fold = new ConfigFold();
  readonly #log: CompactedLog;
  #events: ConfigEvent[] = [];
  #started = false;

  constructor(openLog: OpenLog, listener: ConfigListener) {
    this.#log = openLog({
      apply: (record) => {
        const event = this.#fold.apply(record);
        if (event?.kind === "unreadable") return event.why;
        if (event && this.#started) this.#events.push(event);
        return undefined;
      },
      applied: () => {
        const events = this.#events;
        this.#events = [];
        if (events.length > 0) listener(events);
      },
    });
  }

  /** Reads the topic to its end. */
  async start(): Promise<void> {
    await this.#log.start();
    this.#started = true;
  }

  snapshot(): ConfigSnapshot {
    return this.#fold.snapshot();
  }

  async readToEnd(timeoutMs?: number): Promise<ConfigSnapshot> {
    await this.#log.readToEnd(timeoutMs);
    return this.snapshot();
  }

  async putTargetState(connector: string, state: TargetState, permit?: WritePermit): Promise<void> {
    await this.#log.send([configRecord.targetState(connector, state)], permit);
  }

  async putLoggerLevel(logger: string, level: string): Promise<void> {
    await this.#log.send([configRecord.loggerLevel(logger, level)]);
  }

  /** Creates or changes a connector. `initialState` is for one that is created other than STARTED. */
  async putConnector(
    permit: WritePermit,
    connector: string,
    config: StoredProps,
    initialState?: TargetState,
  ): Promise<void> {
    const records = [configRecord.connector(connector, config)];
    // The state first: who reads the connector must know already that it is not to be started.
    if (initialState) records.unshift(configRecord.targetState(connector, initialState));
    await this.#write(permit, records);
  }

  async removeConnector(permit: WritePermit, connector: string): Promise<void> {
    await this.#write(permit, [configRecord.connector(connector, null), configRecord.targetState(connector, null)]);
  }

  /**
   * Publishes all tasks of a connector; they come into force together, at the commit record (I5). All records are one
   * write: an attempt that has landed without its answer is followed by one that writes the tasks again before their
   * commit. A second commit alone would find no tasks and make the connector inconsistent.
   */
  async putTaskConfigs(permit: WritePermit, connector: string, configs: readonly StoredProps[]): Promise<void> {
    const tasks = configs.map((config, task) => configRecord.task(connector, task, config));
    await this.#write(permit, [...tasks, configRecord.commit(connector, configs.length)]);
  }

  async putRestartRequest(permit: WritePermit, request: RestartRequest): Promise<void> {
    await this.#write(permit, [configRecord.restart(request)]);
  }

  async putSessionKey(permit: WritePermit, key: SessionKey): Promise<void> {
    await this.#write(permit, [configRecord.sessionKey(key)]);
  }

  /** Ends the attempts in flight: their permits are asked again, and a leader that has lost its place writes no more. */
  dropWrites(): void {
    this.#log.dropSends();
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  async #write(permit: WritePermit, records: readonly StoreRecord[]): Promise<void> {
    await this.#log.send(records, permit);
    await this.#log.readToEnd();
  }
}
