import type { SourceMap } from "../api/index.js";
import type { TaskId } from "./task-id.js";

/** A connector's or task's configuration as REST received it. Values are text; null can occur and is never valid. */
export type SubmittedConfig = Readonly<Record<string, string | null>>;

const STATUS_STATES = ["UNASSIGNED", "RUNNING", "PAUSED", "STOPPED", "FAILED", "RESTARTING"] as const;

/** A state of a connector or task in REST answers and in the status topic. */
export type StatusState = (typeof STATUS_STATES)[number];

export function isStatusState(value: unknown): value is StatusState {
  return STATUS_STATES.some((state) => state === value);
}

/** A connector, its raw configuration and its tasks. */
export interface ConnectorInfo {
  readonly name: string;
  readonly config: SubmittedConfig;
  readonly tasks: readonly TaskId[];
  readonly type: "source" | "sink" | "unknown";
}

/** A connector's or task's state. `trace` is absent when empty, `version` null if unknown to the status's writer. */
export interface InstanceState {
  readonly state: StatusState;
  readonly worker_id: string;
  readonly version: string | null;
  readonly trace?: string;
}

export interface ConnectorStateInfo {
  readonly name: string;
  readonly connector: InstanceState;
  readonly tasks: readonly ({ readonly id: number } & InstanceState)[];
  readonly type: "source" | "sink" | "unknown";
}

export interface TaskInfo {
  readonly id: TaskId;
  readonly config: SubmittedConfig;
}

/** An offset that a request wants stored: any JSON objects. A null offset deletes that of the partition. */
export interface SubmittedOffset {
  readonly partition: Readonly<Record<string, unknown>> | null;
  readonly offset: Readonly<Record<string, unknown>> | null;
}

export interface OffsetEntry {
  readonly partition: SourceMap;
  readonly offset: SourceMap;
}
