import type { Clock } from "../../api/clock.js";
import type { LogFields, NamedLogger } from "../logger.js";
import type { LogEntry } from "./log-entry.js";
import { type LineLevel, LOG_LEVELS, type LogLevels, loggerOf } from "./log-levels.js";

export interface LeveledLoggerParts {
  readonly clock: Clock;
  readonly levels: LogLevels;
  readonly write: (entry: LogEntry) => void;
}

/** Passes on the entries that their logger's level, or their connector's, lets through. */
export class LeveledLogger implements NamedLogger {
  readonly #connector: string | undefined;
  #rank = 0;
  #rankVersion = -1;

  constructor(
    private readonly parts: LeveledLoggerParts,
    private readonly name: string,
    private readonly bound: LogFields = {},
  ) {
    parts.levels.add(name);
    this.#connector = connectorOf(bound);
    if (this.#connector !== undefined) parts.levels.add(loggerOf(this.#connector));
  }

  error(message: string, fields?: LogFields, cause?: unknown): void {
    this.#write("error", message, fields, cause);
  }

  warn(message: string, fields?: LogFields, cause?: unknown): void {
    this.#write("warn", message, fields, cause);
  }

  info(message: string, fields?: LogFields): void {
    this.#write("info", message, fields);
  }

  debug(message: string, fields?: LogFields): void {
    this.#write("debug", message, fields);
  }

  trace(message: string, fields?: LogFields): void {
    this.#write("trace", message, fields);
  }

  child(name: string, fields: LogFields = {}): NamedLogger {
    return this.named(`${this.name}.${name}`, fields);
  }

  named(name: string, fields: LogFields = {}): NamedLogger {
    return new LeveledLogger(this.parts, name, { ...this.bound, ...fields });
  }

  #write(level: LineLevel, message: string, fields?: LogFields, cause?: unknown): void {
    if (LOG_LEVELS.indexOf(level) > this.#rankOf(fields)) return;
    const { clock, write } = this.parts;
    write({ timeMs: clock.nowMs(), level, name: this.name, message, fields: { ...this.bound, ...fields }, cause });
  }

  #rankOf(fields: LogFields | undefined): number {
    const { levels } = this.parts;
    const connector = connectorOf(fields);
    if (connector !== undefined && connector !== this.#connector) {
      levels.add(loggerOf(connector));
      return levels.rank(this.name, connector);
    }
    if (this.#rankVersion !== levels.version) {
      this.#rankVersion = levels.version;
      this.#rank = levels.rank(this.name, this.#connector);
    }
    return this.#rank;
  }
}

/** The connector that a line is about. */
function connectorOf(fields: LogFields | undefined): string | undefined {
  const connector = fields?.["connector"];
  return typeof connector === "string" ? connector : undefined;
}
