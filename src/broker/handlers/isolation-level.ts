import type { Isolation } from "../log/waiting-readers.js";

/** Whether there is an isolation of this number. Requests with others get -1, as from Kafka. */
export function isIsolationLevel(isolationLevel: number): boolean {
  return isolationLevel === 0 || isolationLevel === 1;
}

/** The isolation that a request asks for by its number. */
export function isolationOf(isolationLevel: number): Isolation {
  return isolationLevel === 1 ? "read_committed" : "read_uncommitted";
}
