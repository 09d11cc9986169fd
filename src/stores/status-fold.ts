import { type ExactJson, type ExactJsonObject, parseExactJson, writeExactJson } from "../base/exact-json.js";
import { isStatusState, type StatusState } from "../contract/connector-info.js";
import type { StoredRecord, StoreRecord } from "./log-transport.js";

/** A connector's or task's stored status. */
export interface StoredStatus {
  readonly state: StatusState;
  readonly trace: string | null;
  readonly workerId: string;
  /** The group's generation at the time of writing. */
  readonly generation: number;
  /** The plugin's version; null if the writer did not know it. */
  readonly version: string | null;
}

/** A connector's use of a topic (KIP-558). */
export interface TopicUse {
  readonly topic: string;
  readonly connector: string;
  readonly task: number;
  readonly discoveredMs: number;
}

/** The owner of a status: a connector, or one of its tasks. */
export interface StatusSubject {
  readonly connector: string;
  readonly task?: number | undefined;
}

/** The status topic's records, in the format of Kafka Connect's workers. */
export const statusRecord = {
  status: (subject: StatusSubject, status: StoredStatus | null): StoreRecord => ({
    key: Buffer.from(statusKey(subject)),
    value:
      status &&
      Buffer.from(
        writeExactJson({
          state: status.state,
          trace: status.trace,
          worker_id: status.workerId,
          generation: status.generation,
          version: status.version,
        }),
      ),
  }),
  topic: (use: TopicUse): StoreRecord => ({
    key: Buffer.from(`status-topic-${use.topic}:connector-${use.connector}`),
    value: Buffer.from(
      writeExactJson({
        topic: { name: use.topic, connector: use.connector, task: use.task, discoverTimestamp: use.discoveredMs },
      }),
    ),
  }),
  noTopic: (topic: string, connector: string): StoreRecord => ({
    key: Buffer.from(`status-topic-${topic}:connector-${connector}`),
    value: null,
  }),
};

/** The key of a status, which also names its subject in the writer's queue. */
export function statusKey({ connector, task }: StatusSubject): string {
  return task === undefined ? `status-connector-${connector}` : `status-task-${connector}-${task}`;
}

/** The fold of the status topic (KafkaStatusBackingStore's reading rules). (I6) */
export class StatusFold {
  readonly #connectors = new Map<string, StoredStatus>();
  readonly #tasks = new Map<string, Map<number, StoredStatus>>();
  readonly #topics = new Map<string, Map<string, TopicUse>>();

  /**
   * Folds one record. Returns why it is ignored, if it is, the connector whose status or topics it may have changed,
   * and the one that has lost a topic. `isLate`: the record is an old owner's, and the fold keeps the newer status.
   */
  apply(record: StoredRecord): {
    readonly ignored?: string;
    readonly changed?: string;
    readonly forgot?: string;
    readonly isLate?: boolean;
  } {
    const key = record.key?.toString() ?? "";
    let value: ExactJson;
    try {
      value = record.value === null ? null : parseExactJson(record.value.toString());
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return { ignored: "its value is not JSON" };
    }
    if (key.startsWith("status-connector-")) return this.#applyConnector(key.slice("status-connector-".length), value);
    const task = /^status-task-(.*)-(\d+)$/s.exec(key);
    if (task) return this.#applyTask(task[1]!, Number(task[2]), value);
    const topic = /^status-topic-([^:]*):connector-(.*)$/s.exec(key);
    if (topic) return this.#applyTopic(topic[1]!, topic[2]!, value);
    return { ignored: "its key is not known" };
  }

  status({ connector, task }: StatusSubject): StoredStatus | undefined {
    return task === undefined ? this.#connectors.get(connector) : this.#tasks.get(connector)?.get(task);
  }

  /** By task id, in order. */
  taskStatuses(connector: string): [number, StoredStatus][] {
    return [...(this.#tasks.get(connector) ?? [])].sort(([a], [b]) => a - b);
  }

  /** Connectors with a status of their own or of a task. */
  connectors(): Set<string> {
    return new Set([...this.#connectors.keys(), ...this.#tasks.keys()]);
  }

  /** In order of name. */
  topics(connector: string): string[] {
    return [...(this.#topics.get(connector)?.keys() ?? [])].sort();
  }

  #applyConnector(connector: string, value: ExactJson) {
    if (value === null) {
      // The tasks' rows stay until the leader writes a tombstone for each: replay goes partition by partition, and a
      // tombstone from the connector's earlier life may follow the statuses of its present tasks.
      this.#connectors.delete(connector);
      return { changed: connector };
    }
    const status = statusOf(value);
    if (!status) return { ignored: "it is not a status" };
    this.#connectors.set(connector, status);
    return { changed: connector };
  }

  #applyTask(connector: string, task: number, value: ExactJson) {
    const tasks = this.#tasks.get(connector) ?? new Map<number, StoredStatus>();
    if (value === null) {
      tasks.delete(task);
      if (tasks.size === 0) this.#tasks.delete(connector);
      return { changed: connector };
    }
    const status = statusOf(value);
    if (!status) return { ignored: "it is not a status" };
    const known = tasks.get(task);
    if (known && isLate(known, status)) return { changed: connector, isLate: true };
    this.#tasks.set(connector, tasks.set(task, status));
    return { changed: connector };
  }

  #applyTopic(topic: string, connector: string, value: ExactJson) {
    const topics = this.#topics.get(connector) ?? new Map<string, TopicUse>();
    if (value === null) {
      return topics.delete(topic) ? { changed: connector, forgot: connector } : {};
    }
    const use = isObject(value) ? value["topic"] : undefined;
    if (!isObject(use) || typeof use["task"] !== "number") return { ignored: "it is not a topic's use" };
    const discoveredMs = use["discoverTimestamp"];
    this.#topics.set(
      connector,
      topics.set(topic, {
        topic,
        connector,
        task: use["task"],
        discoveredMs: typeof discoveredMs === "number" ? discoveredMs : 0,
      }),
    );
    return { changed: connector };
  }
}

/**
 * Whether the record is an old owner's report that arrives after the new owner has started the task. A worker that stops
 * a task in the generation in which it began to run is no old owner: others must see that it has given it up.
 */
function isLate(known: StoredStatus, { state, workerId, generation }: StoredStatus): boolean {
  if (state !== "UNASSIGNED" || known.state !== "RUNNING") return false;
  return known.generation > generation || (known.generation === generation && known.workerId !== workerId);
}

function statusOf(value: ExactJson): StoredStatus | undefined {
  if (!isObject(value)) return undefined;
  const { state, trace = null, worker_id: workerId, generation, version = null } = value;
  if (!isStatusState(state)) return undefined;
  if (typeof workerId !== "string" || typeof generation !== "number" || !Number.isInteger(generation)) return undefined;
  if (trace !== null && typeof trace !== "string") return undefined;
  if (version !== null && typeof version !== "string") return undefined;
  return { state, trace, workerId, generation, version };
}

function isObject(value: ExactJson | undefined): value is ExactJsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
