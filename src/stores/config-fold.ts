import { isDeepStrictEqual } from "node:util";
import { type ExactJson, type ExactJsonObject, parseExactJson } from "../base/exact-json.js";
import type { RestartRequest } from "../contract/restart-request.js";
import { isTargetState, type TargetState } from "../contract/target-state.js";
import { type ConfigKeyName, parseConfigKey, type SessionKey, type StoredProps } from "./config-records.js";
import type { StoredRecord } from "./log-transport.js";

/** A connector in the config topic. Immutable: each change makes a new one. */
export interface ConnectorEntry {
  readonly config: StoredProps;
  readonly targetState: TargetState;
  /** By task id, 0..taskCount-1; empty while `inconsistent`. (I5) */
  readonly taskConfigs: readonly StoredProps[];
  readonly taskCount: number;
  /** A commit arrived without all its tasks (compaction removed some). No task may run until the next complete one. */
  readonly inconsistent: boolean;
  /**
   * The connector's config when its tasks were last committed; undefined before the first commit, and where compaction
   * has left only a repeated one.
   */
  readonly appliedConfig: StoredProps | undefined;
  /**
   * Offsets of the connector's current record, and of the commit that put the tasks in force (-1: none): a run from
   * another record is outdated.
   */
  readonly configOffset: number;
  readonly tasksOffset: number;
  /** Offset of the last commit, which may only have repeated the tasks; -1: none. */
  readonly commitOffset: number;
}

/** The producers of a source connector's earlier tasks, as far as the config topic shows them (KIP-618). */
export interface FencingState {
  /** The number of tasks whose producers may be alive; undefined before the first record. */
  readonly recordedTasks: number | undefined;
  /** Tasks were committed since: none of them may start before the recorded ones are fenced. */
  readonly isPending: boolean;
}

/** The config topic as of one offset. A snapshot does not change. */
export interface ConfigSnapshot {
  /** The offset after the last readable record. Group members compare it. */
  readonly offset: number;
  /** As `offset`, for the last change to the set of connectors or commit of tasks. Older assignments are outdated. */
  readonly shapeOffset: number;
  readonly connectors: ReadonlyMap<string, ConnectorEntry>;
  readonly sessionKey: SessionKey | undefined;
  /** By connector, also of deleted ones: the producers of their tasks may still be alive. */
  readonly fencing: ReadonlyMap<string, FencingState>;
}

/** The effect of a record, for those who act on it. */
export type ConfigEvent =
  | { readonly kind: "connector-added"; readonly connector: string }
  | { readonly kind: "connector-updated"; readonly connector: string }
  | { readonly kind: "connector-removed"; readonly connector: string }
  | { readonly kind: "tasks-committed"; readonly connector: string }
  | { readonly kind: "target-changed"; readonly connector: string }
  | { readonly kind: "restart-requested"; readonly request: RestartRequest }
  | { readonly kind: "session-key" }
  | { readonly kind: "logger-level"; readonly logger: string; readonly level: string }
  /** A record with no content that we know; it only moves the offset. */
  | { readonly kind: "unreadable"; readonly offset: number; readonly why: string };

/**
 * The fold of the config topic (KafkaConfigBackingStore's reading rules). Only `apply` changes it, and only by its
 * record, so that all workers that have read to the same offset have the same state. (I6)
 */
export class ConfigFold {
  #offset = 0;
  #shapeOffset = 0;
  readonly #connectors = new Map<string, ConnectorEntry>();
  readonly #fencing = new Map<string, FencingState>();
  /** Target states outlive and precede their connectors: the state of one created PAUSED is written first. */
  readonly #targetStates = new Map<string, TargetState>();
  /** Task records that no commit has confirmed yet, by connector and task. (I5) */
  readonly #deferred = new Map<string, Map<number, StoredProps>>();
  #sessionKey: SessionKey | undefined;
  #snapshot: ConfigSnapshot | undefined;

  /** The current state; the same object until the next record. */
  snapshot(): ConfigSnapshot {
    this.#snapshot ??= {
      offset: this.#offset,
      shapeOffset: this.#shapeOffset,
      connectors: new Map(this.#connectors),
      sessionKey: this.#sessionKey,
      fencing: new Map(this.#fencing),
    };
    return this.#snapshot;
  }

  /** Folds one record. Returns its effect, or undefined if there is nothing to act on. */
  apply(record: StoredRecord): ConfigEvent | undefined {
    const key = record.key && parseConfigKey(record.key.toString());
    let value: ExactJson;
    try {
      value = record.value === null ? null : parseExactJson(record.value.toString());
    } catch (error) {
      this.#breakTaskSet(key);
      if (!(error instanceof SyntaxError)) throw error;
      return { kind: "unreadable", offset: record.offset, why: "its value is not JSON" };
    }
    this.#offset = record.offset + 1;
    this.#snapshot = undefined;
    const unreadable = (why: string): ConfigEvent => {
      this.#breakTaskSet(key);
      return { kind: "unreadable", offset: record.offset, why };
    };
    if (!key) return unreadable("its key is not known");
    switch (key.kind) {
      case "target-state":
        return this.#applyTargetState(key.connector, value, unreadable);
      case "connector":
        return this.#applyConnector(key.connector, value, unreadable);
      case "task": {
        const props = propsOf(value);
        if (!props) return unreadable("it has no properties");
        const deferred = this.#deferred.get(key.connector) ?? new Map<number, StoredProps>();
        this.#deferred.set(key.connector, deferred.set(key.task, props));
        return undefined;
      }
      case "commit":
        return this.#applyCommit(key.connector, value, unreadable);
      case "restart":
        return applyRestart(key.connector, value, unreadable);
      case "fencing": {
        const recordedTasks = member(value, "task-count");
        if (typeof recordedTasks !== "number" || !Number.isInteger(recordedTasks)) {
          return unreadable("it has no number of tasks");
        }
        this.#fencing.set(key.connector, { recordedTasks, isPending: false });
        return undefined;
      }
      case "session-key":
        return this.#applySessionKey(value, unreadable);
      case "logger": {
        const level = member(value, "level");
        if (typeof level !== "string") return unreadable("it has no level");
        return { kind: "logger-level", logger: key.logger, level };
      }
    }
  }

  /**
   * An unreadable commit discards its connector's pending task records, an unreadable task record the pending one of
   * its task. Otherwise they would fill gaps in the next set: set A loses its commit, set B its task 1, and B's commit
   * would start B's task 0 beside A's task 1, so that one table is read twice and another not at all. Without them B is
   * inconsistent. (I5)
   */
  #breakTaskSet(key: ConfigKeyName | null | undefined): void {
    if (key?.kind === "commit") this.#deferred.delete(key.connector);
    if (key?.kind === "task") this.#deferred.get(key.connector)?.delete(key.task);
  }

  #applyTargetState(connector: string, value: ExactJson, unreadable: Unreadable): ConfigEvent | undefined {
    const target = value === null ? "STARTED" : (member(value, "state.v2") ?? member(value, "state"));
    if (!isTargetState(target)) return unreadable("it has no known state");
    if (value === null) this.#targetStates.delete(connector);
    else this.#targetStates.set(connector, target);
    const entry = this.#connectors.get(connector);
    if (!entry || entry.targetState === target) return undefined;
    this.#connectors.set(connector, { ...entry, targetState: target });
    return value === null ? undefined : { kind: "target-changed", connector };
  }

  #applyConnector(connector: string, value: ExactJson, unreadable: Unreadable): ConfigEvent | undefined {
    if (value === null) {
      this.#deferred.delete(connector);
      if (!this.#connectors.delete(connector)) return undefined;
      this.#shapeOffset = this.#offset;
      return { kind: "connector-removed", connector };
    }
    const config = propsOf(value);
    if (!config) return unreadable("it has no properties");
    const entry = this.#connectors.get(connector);
    if (entry) {
      this.#connectors.set(connector, { ...entry, config, configOffset: this.#offset - 1 });
      return { kind: "connector-updated", connector };
    }
    const targetState = this.#targetStates.get(connector) ?? "STARTED";
    this.#targetStates.set(connector, targetState);
    this.#connectors.set(connector, {
      config,
      targetState,
      taskConfigs: [],
      taskCount: 0,
      inconsistent: false,
      appliedConfig: undefined,
      configOffset: this.#offset - 1,
      tasksOffset: -1,
      commitOffset: -1,
    });
    this.#shapeOffset = this.#offset;
    return { kind: "connector-added", connector };
  }

  #applyCommit(connector: string, value: ExactJson, unreadable: Unreadable): ConfigEvent | undefined {
    const entry = this.#connectors.get(connector);
    if (!entry) {
      // Compaction removed the deletion but not these: task configs of a deleted connector must never return.
      this.#deferred.delete(connector);
      return undefined;
    }
    const taskCount = member(value, "tasks");
    if (typeof taskCount !== "number" || !Number.isInteger(taskCount) || taskCount < 0) {
      return unreadable("it has no number of tasks");
    }
    const deferred = this.#deferred.get(connector);
    this.#deferred.delete(connector);
    const taskConfigs = complete(deferred, taskCount);
    const commitOffset = this.#offset - 1;
    const isRepeated = member(value, "repeats") === true;
    if (taskConfigs && (isRepeated ? hasTasks(entry, taskConfigs) : repeatsTasks(entry, taskConfigs))) {
      this.#connectors.set(connector, { ...entry, commitOffset });
      return undefined;
    }
    const recordedTasks = this.#fencing.get(connector)?.recordedTasks;
    this.#fencing.set(connector, { recordedTasks, isPending: true });
    this.#shapeOffset = this.#offset;
    this.#connectors.set(connector, {
      ...entry,
      taskCount,
      inconsistent: taskConfigs === undefined,
      taskConfigs: taskConfigs ?? [],
      appliedConfig: appliedBy(entry, taskConfigs, isRepeated),
      tasksOffset: commitOffset,
      commitOffset,
    });
    return { kind: "tasks-committed", connector };
  }

  #applySessionKey(value: ExactJson, unreadable: Unreadable): ConfigEvent {
    const key = member(value, "key");
    const algorithm = member(value, "algorithm");
    const createdMs = member(value, "creation-timestamp");
    if (typeof key !== "string" || typeof algorithm !== "string" || typeof createdMs !== "number") {
      return unreadable("it is not a session key");
    }
    this.#sessionKey = { key: Buffer.from(key, "base64"), algorithm, createdMs };
    return { kind: "session-key" };
  }
}

type Unreadable = (why: string) => ConfigEvent;

/**
 * The task configs that a commit of `taskCount` tasks puts in force, or undefined when some are missing (I5). All of
 * 0..taskCount-1 must have arrived since the last commit: the writer always writes all of them, so an older one of the
 * same number belongs to another set.
 */
function complete(
  deferred: ReadonlyMap<number, StoredProps> | undefined,
  taskCount: number,
): StoredProps[] | undefined {
  const configs: StoredProps[] = [];
  for (let task = 0; task < taskCount; task++) {
    const config = deferred?.get(task);
    if (!config) return undefined;
    configs.push(config);
  }
  return configs;
}

/** Whether a commit puts in force what already is, so that nothing has to restart. */
export function repeatsTasks(entry: ConnectorEntry, taskConfigs: readonly StoredProps[]): boolean {
  const inForce = entry.appliedConfig && { config: entry.appliedConfig, taskConfigs: entry.taskConfigs };
  return !entry.inconsistent && isDeepStrictEqual(inForce, { config: entry.config, taskConfigs });
}

/** Whether these are the tasks in force, whatever config of their connector they were committed for. */
function hasTasks(entry: ConnectorEntry, taskConfigs: readonly StoredProps[]): boolean {
  return !entry.inconsistent && entry.commitOffset >= 0 && isDeepStrictEqual(entry.taskConfigs, taskConfigs);
}

function appliedBy(
  entry: ConnectorEntry,
  taskConfigs: readonly StoredProps[] | undefined,
  isRepeated: boolean,
): StoredProps | undefined {
  if (taskConfigs === undefined) return entry.appliedConfig;
  return isRepeated ? undefined : entry.config;
}

function applyRestart(connector: string, value: ExactJson, unreadable: Unreadable): ConfigEvent {
  const includeTasks = member(value, "include-tasks");
  const onlyFailed = member(value, "only-failed");
  if (typeof includeTasks !== "boolean" || typeof onlyFailed !== "boolean")
    return unreadable("it is not a restart request");
  return { kind: "restart-requested", request: { connector, includeTasks, onlyFailed } };
}

function member(value: ExactJson, name: string): ExactJson | undefined {
  return isObject(value) ? value[name] : undefined;
}

function isObject(value: ExactJson | undefined): value is ExactJsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function propsOf(value: ExactJson): StoredProps | undefined {
  const properties = member(value, "properties");
  if (!isObject(properties)) return undefined;
  for (const property of Object.values(properties)) {
    if (property !== null && typeof property !== "string") return undefined;
  }
  return properties as StoredProps;
}
