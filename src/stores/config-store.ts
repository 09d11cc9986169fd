import { RetriableError } from "../api/errors.js";
import type { RestartRequest } from "../contract/restart-request.js";
import type { TargetState } from "../contract/target-state.js";
import type { CompactedLog, OpenLog } from "./compacted-log.js";
import { type ConfigEvent, ConfigFold, type ConfigSnapshot, repeatsTasks } from "./config-fold.js";
import { configRecord, type SessionKey, type StoredProps } from "./config-records.js";
import { GatheredWrites, type WritePermit } from "./gathered-writes.js";
import type { LeaderSends } from "./leader-sends.js";
import type { StoreRecord } from "./log-transport.js";

/** Called with the effects of the config topic's records, in order. `start` reads older records without calling it. */
export type ConfigListener = (events: readonly ConfigEvent[]) => void;

/** The part of the config store that any worker may use. */
export interface SharedConfigStore {
  /** Everything folded so far. The object never changes; the next call may return another. */
  snapshot(): ConfigSnapshot;
  /**
   * Resolves once everything written before the call is folded.
   *
   * @throws RetriableError STORE_UNREADABLE after `timeoutMs`
   */
  readToEnd(timeoutMs?: number): Promise<ConfigSnapshot>;
  /**
   * Resolves once acknowledged, which is before a snapshot has it. @throws RetriableError STORE_UNWRITABLE, also when a
   * newer write of the connector's target state has begun here before this one was acknowledged
   */
  putTargetState(connector: string, state: TargetState): Promise<void>;
  /** Resolves once acknowledged. @throws RetriableError STORE_UNWRITABLE */
  putLoggerLevel(logger: string, level: string): Promise<void>;
}

/**
 * Connector configs, task configs, target states, restarts and session keys: the config topic. The writes beyond
 * SharedConfigStore belong to the group's leader (I7). Only its LeaderWriter calls them, with a permit that is checked
 * before every attempt. They resolve once the record has returned through the log, so that the next snapshot has it.
 *
 * @throws RetriableError STORE_UNWRITABLE or STORE_UNREADABLE from all of them.
 */
export class ConfigStore implements SharedConfigStore {
  readonly #fold = new ConfigFold();
  readonly #log: CompactedLog;
  readonly #writes: GatheredWrites;
  /** The newest write that may set a connector's target state, by connector, while it is in flight. */
  readonly #newestStates = new Map<string, symbol>();
  #events: ConfigEvent[] = [];
  #started = false;

  /** @param leaderSends for the leader's records; undefined: they are written like all others. */
  constructor(
    openLog: OpenLog,
    listener: ConfigListener,
    private readonly leaderSends?: LeaderSends,
  ) {
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
    this.#writes = new GatheredWrites(this.#log, leaderSends);
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

  /** A newer write of the state ends this one. */
  async putTargetState(connector: string, state: TargetState): Promise<void> {
    await this.#asNewestState(connector, (isNewest) =>
      this.#log.send([configRecord.targetState(connector, state)], unlessReplaced(connector, state, isNewest)),
    );
  }

  async putLoggerLevel(logger: string, level: string): Promise<void> {
    await this.#log.send([configRecord.loggerLevel(logger, level)]);
  }

  /**
   * Creates or changes a connector. `initialState` is for one created other than STARTED.
   *
   * The tasks in force are repeated in the same write, which restarts none: a reader of the compacted topic ignores a
   * commit that stands before its connector, and the connector may fail with its new config and never compute new tasks.
   */
  async putConnector(
    permit: WritePermit,
    connector: string,
    config: StoredProps,
    initialState?: TargetState,
  ): Promise<void> {
    const { connectors, fencing } = this.snapshot();
    const inForce = connectors.get(connector)?.taskConfigs ?? [];
    const records = [configRecord.connector(connector, config)];
    if (inForce.length > 0) {
      records.push(...tasksOf(connector, inForce), configRecord.repeatedCommit(connector, inForce.length));
      const isFenced = fencing.get(connector)?.isPending === false;
      if (isFenced && !this.leaderSends) return this.#writeTasks(permit, connector, inForce.length, records);
      // In the same transaction: else a leader that dies in between leaves running tasks to be fenced.
      if (isFenced) records.push(configRecord.taskCount(connector, inForce.length));
    }
    if (!initialState) return this.#writes.write(connector, permit, records);
    // The state first: a reader of the connector must already know not to start it.
    records.unshift(configRecord.targetState(connector, initialState));
    await this.#asNewestState(connector, () => this.#writes.write(connector, permit, records));
  }

  async removeConnector(permit: WritePermit, connector: string): Promise<void> {
    const records = [configRecord.connector(connector, null), configRecord.targetState(connector, null)];
    await this.#asNewestState(connector, () => this.#writes.write(connector, permit, records));
  }

  /**
   * Publishes all tasks of a connector. They come into force together, at the commit record (I5). All records are one
   * write: after an attempt that landed unanswered, the next one writes the tasks again before their commit. A second
   * commit alone would find no tasks and make the connector inconsistent. If they exceed one batch, the commit waits
   * until the tasks are acknowledged.
   *
   * Tasks in force that are only repeated run on, and their fencing is not pending. A reader of the compacted topic finds
   * the first commit gone, and would have their producers fenced at the next start of any of them: so the record of their
   * number is written again, after the commit; in the same transaction, if there is one.
   */
  async putTaskConfigs(permit: WritePermit, connector: string, configs: readonly StoredProps[]): Promise<void> {
    const { connectors, fencing } = this.snapshot();
    const entry = connectors.get(connector);
    const records = [...tasksOf(connector, configs), configRecord.commit(connector, configs.length)];
    const runOn = entry && repeatsTasks(entry, configs) && fencing.get(connector)?.isPending === false;
    if (!runOn || !this.leaderSends) return this.#writeTasks(permit, connector, configs.length, records);
    await this.#writes.write(connector, permit, [...records, configRecord.taskCount(connector, configs.length)]);
  }

  /**
   * Removes a connector's tasks and sets it STOPPED, in one write: a connector without tasks that is not STOPPED would
   * look as if it ran, and nothing would give it tasks again.
   */
  async stopConnector(permit: WritePermit, connector: string): Promise<void> {
    const state = "STOPPED";
    await this.#asNewestState(connector, (isNewest) =>
      this.#writeTasks(unlessReplaced(connector, state, isNewest, permit), connector, 0, [
        configRecord.commit(connector, 0),
        configRecord.targetState(connector, state),
      ]),
    );
  }

  async #writeTasks(
    permit: WritePermit,
    connector: string,
    tasks: number,
    records: readonly StoreRecord[],
  ): Promise<void> {
    const before = this.snapshot();
    await this.#writes.write(connector, permit, records);
    const [was, is] = [before, this.snapshot()].map(({ connectors }) => connectors.get(connector)?.tasksOffset);
    const fencing = before.fencing.get(connector);
    if (is !== undefined && was === is && fencing?.isPending === false)
      await this.putTaskCount((attempts) => permit(attempts + 1), connector, tasks);
  }

  async putRestartRequest(permit: WritePermit, request: RestartRequest): Promise<void> {
    await this.#writes.write(request.connector, permit, [configRecord.restart(request)]);
  }

  /** Records the number of tasks that the next set of tasks must fence. */
  async putTaskCount(permit: WritePermit, connector: string, tasks: number): Promise<void> {
    await this.#writes.write(connector, permit, [configRecord.taskCount(connector, tasks)]);
  }

  async putSessionKey(permit: WritePermit, key: SessionKey): Promise<void> {
    await this.#writes.write(undefined, permit, [configRecord.sessionKey(key)]);
  }

  /** This worker has become the leader, or is no longer it. */
  lead(isLeader: boolean): void {
    this.leaderSends?.lead(isLeader);
  }

  /** Ends the attempts in flight. Their permits are checked again, so a former leader writes no more. */
  dropWrites(): void {
    this.#log.dropSends();
    this.leaderSends?.drop();
  }

  close(): Promise<void> {
    this.leaderSends?.drop();
    return this.#log.close();
  }

  async #asNewestState(connector: string, write: (isNewest: () => boolean) => Promise<void>): Promise<void> {
    const turn = Symbol(connector);
    this.#newestStates.set(connector, turn);
    const isNewest = () => this.#newestStates.get(connector) === turn;
    try {
      await write(isNewest);
    } finally {
      if (isNewest()) this.#newestStates.delete(connector);
    }
  }
}

function tasksOf(connector: string, configs: readonly StoredProps[]): StoreRecord[] {
  return configs.map((config, task) => configRecord.task(connector, task, config));
}

/** While Kafka was away, a newer request may have been answered first. This one must not undo it. */
function unlessReplaced(
  connector: string,
  state: TargetState,
  isNewest: () => boolean,
  permit?: WritePermit,
): WritePermit {
  return (attempts) => {
    permit?.(attempts);
    if (attempts > 0 && !isNewest()) throw replacedError(connector, state);
  };
}

function replacedError(connector: string, state: TargetState): RetriableError {
  return new RetriableError(
    "STORE_UNWRITABLE",
    `Error writing to Kafka: the target state ${state} of connector ${connector} was not acknowledged before a newer request changed it, and is not tried again`,
  );
}
