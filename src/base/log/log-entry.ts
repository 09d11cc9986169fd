import type { LogFields } from "../logger.js";
import type { LineLevel } from "./log-levels.js";

/** A line of the log before it is written. */
export interface LogEntry {
  readonly timeMs: number;
  readonly level: LineLevel;
  readonly name: string;
  readonly message: string;
  readonly fields: LogFields;
  /** An error with its own causes, or a text; undefined for none. */
  readonly cause: unknown;
}
