import { writeExactJson } from "../base/exact-json.js";
import type { RestartRequest } from "../contract/restart-request.js";
import type { TargetState } from "../contract/target-state.js";
import type { StoreRecord } from "./log-transport.js";

/** A connector's or task's stored configuration, references unresolved. Only the topic may contain null values. */
export type StoredProps = Readonly<Record<string, string | null>>;

/** The key that signs requests between workers (KIP-507). */
export interface SessionKey {
  readonly key: Buffer;
  readonly algorithm: string;
  readonly createdMs: number;
}

/** The subject of a key of the config topic. */
export type ConfigKeyName =
  | { readonly kind: "target-state"; readonly connector: string }
  | { readonly kind: "connector"; readonly connector: string }
  | { readonly kind: "task"; readonly connector: string; readonly task: number }
  | { readonly kind: "commit"; readonly connector: string }
  | { readonly kind: "restart"; readonly connector: string }
  | { readonly kind: "fencing"; readonly connector: string }
  | { readonly kind: "session-key" }
  | { readonly kind: "logger"; readonly logger: string };

const TASK_KEY = /^(.*)-(\d+)$/s;

/** In the order in which Kafka Connect tries them. */
const PREFIXES: readonly (readonly [string, (rest: string) => ConfigKeyName | undefined])[] = [
  ["target-state-", (connector) => ({ kind: "target-state", connector })],
  ["connector-", (connector) => ({ kind: "connector", connector })],
  [
    "task-",
    (rest) => {
      const parts = TASK_KEY.exec(rest);
      return parts ? { kind: "task", connector: parts[1]!, task: Number(parts[2]) } : undefined;
    },
  ],
  ["commit-", (connector) => ({ kind: "commit", connector })],
  ["restart-connector-", (connector) => ({ kind: "restart", connector })],
  ["tasks-fencing-", (connector) => ({ kind: "fencing", connector })],
  ["session-key", (rest) => (rest === "" ? { kind: "session-key" } : undefined)],
  ["logger-cluster-", (logger) => ({ kind: "logger", logger })],
];

/** Parses a key of the config topic; undefined for an unknown one. */
export function parseConfigKey(key: string): ConfigKeyName | undefined {
  for (const [prefix, parse] of PREFIXES) {
    if (key.startsWith(prefix)) return parse(key.slice(prefix.length));
  }
  return undefined;
}

function record(key: string, value: object | null): StoreRecord {
  return { key: Buffer.from(key), value: value === null ? null : Buffer.from(writeExactJson(value)) };
}

/** The config topic's records, in the format of Kafka Connect's workers. */
export const configRecord = {
  connector: (connector: string, props: StoredProps | null) =>
    record(`connector-${connector}`, props && { properties: props }),
  task: (connector: string, task: number, props: StoredProps) =>
    record(`task-${connector}-${task}`, { properties: props }),
  commit: (connector: string, tasks: number) => record(`commit-${connector}`, { tasks }),
  /** A commit of the tasks in force. Java reads it like any other. */
  repeatedCommit: (connector: string, tasks: number) => record(`commit-${connector}`, { tasks, repeats: true }),
  /** Workers before 3.5 read `state` and treat STOPPED as PAUSED. */
  targetState: (connector: string, state: TargetState | null) =>
    record(`target-state-${connector}`, state && { state: state === "STOPPED" ? "PAUSED" : state, "state.v2": state }),
  restart: ({ connector, includeTasks, onlyFailed }: RestartRequest) =>
    record(`restart-connector-${connector}`, { "include-tasks": includeTasks, "only-failed": onlyFailed }),
  sessionKey: ({ key, algorithm, createdMs }: SessionKey) =>
    record("session-key", { key: key.toString("base64"), algorithm, "creation-timestamp": createdMs }),
  /** How many tasks' producers the next set of tasks must fence (KIP-618). */
  taskCount: (connector: string, tasks: number) => record(`tasks-fencing-${connector}`, { "task-count": tasks }),
  loggerLevel: (logger: string, level: string) => record(`logger-cluster-${logger}`, { level }),
};
