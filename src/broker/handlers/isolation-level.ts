import type { Isolation } from "../log/waiting-readers.js";

/** The isolation that a request asks for by its number. */
export function isolationOf(isolationLevel: number): Isolation {
  return isolationLevel === 1 ? "read_committed" : "read_uncommitted";
}
