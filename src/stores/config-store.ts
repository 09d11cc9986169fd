import type { Logger } from "../api/index.js";
import type { RestartRequest } from "../contract/restart-request.js";
import type { TargetState } from "../contract/target-state.js";
import type { CompactedLog } from "./compacted-log.js";
import { type ConfigEvent, ConfigFold, type ConfigSnapshot } from "./config-fold.js";
import { configRecord, type SessionKey, type StoredProps } from "./config-records.js";
import type { StoredRecords } from "./log-transport.js";

/** Told what the config topic's records change, in their order; only after `start` has read what was there before. */
export type ConfigListener = (events: readonly ConfigEvent[]) => void;

/**
 * Connector configs, task configs, target states, restarts and session keys: the config topic. Whoever writes awaits
 * the record's return through the log, so that a `snapshot()` taken next has it. Only the group's leader calls the
 * writers (I7), but for target states and logger levels, which any worker may write.
 */
export class ConfigStore {
  readonly #fold = new ConfigFold();
  readonly #log: CompactedLog;
  #started = false;

  /** @param openLog makes the log over the config topic, given its fold. */
  constructor(
    openLog: (apply: (records: StoredRecords) => void) => CompactedLog,
    private readonly listener: ConfigListener,
    private readonly logger: Logger,
  ) {
    this.#log = openLog((records) => this.#apply(records));
  }

  /** Reads the topic to its end. */
  async start(): Promise<void> {
    await this.#log.start();
    this.#started = true;
  }

  /** Everything folded so far; it never changes, the next call may give another. */
  snapshot(): ConfigSnapshot {
    return this.#fold.snapshot();
  }

  /** Resolves once everything written before the call is folded. @throws RetriableError STORE_UNREADABLE */
  async readToEnd(): Promise<ConfigSnapshot> {
    await this.#log.readToEnd();
    return this.snapshot();
  }

  /** Creates or changes a connector. `initialState` is for one that is created other than STARTED. */
  async putConnector(connector: string, config: StoredProps, initialState?: TargetState): Promise<void> {
    const records = [configRecord.connector(connector, config)];
    // The state first: who reads the connector must know already that it is not to be started.
    if (initialState) records.unshift(configRecord.targetState(connector, initialState));
    await this.#log.send(records);
    await this.#log.readToEnd();
  }

  async removeConnector(connector: string): Promise<void> {
    await this.#log.send([configRecord.connector(connector, null), configRecord.targetState(connector, null)]);
    await this.#log.readToEnd();
  }

  /** Publishes all tasks of a connector; they come into force together, at the commit record. (I5) */
  async putTaskConfigs(connector: string, configs: readonly StoredProps[]): Promise<void> {
    await this.#log.readToEnd();
    if (configs.length > 0) {
      await this.#log.send(configs.map((config, task) => configRecord.task(connector, task, config)));
      await this.#log.readToEnd();
    }
    await this.#log.send([configRecord.commit(connector, configs.length)]);
    await this.#log.readToEnd();
  }

  async putTargetState(connector: string, state: TargetState): Promise<void> {
    await this.#log.send([configRecord.targetState(connector, state)]);
  }

  async putRestartRequest(request: RestartRequest): Promise<void> {
    await this.#log.send([configRecord.restart(request)]);
    await this.#log.readToEnd();
  }

  async putSessionKey(key: SessionKey): Promise<void> {
    await this.#log.send([configRecord.sessionKey(key)]);
    await this.#log.readToEnd();
  }

  async putLoggerLevel(logger: string, level: string): Promise<void> {
    await this.#log.send([configRecord.loggerLevel(logger, level)]);
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  #apply({ records }: StoredRecords): void {
    const events: ConfigEvent[] = [];
    for (const record of records) {
      const event = this.#fold.apply(record);
      if (event?.kind === "unreadable") {
        this.logger.error("A record of the config topic is ignored", { offset: event.offset, why: event.why });
      } else if (event) events.push(event);
    }
    if (this.#started && events.length > 0) this.listener(events);
  }
}
