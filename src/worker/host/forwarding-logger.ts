import type { LogFields, Logger } from "../../api/index.js";
import { traceOf } from "../../base/error-trace.js";
import { LOG_LEVELS, type LogLevel } from "../../base/logger.js";

/** A log line of a host on its way to the worker's thread, which redacts and writes it. */
export interface LogReport {
  readonly type: "log";
  readonly level: Exclude<LogLevel, "off">;
  readonly name: string;
  readonly message: string;
  readonly fields: LogFields;
  /** The error with its causes, as text. */
  readonly cause?: string;
}

/** The logger of a host's thread: sends lines to the worker's thread, the only one that knows the secrets to redact. */
export class ForwardingLogger implements Logger {
  constructor(
    private readonly send: (report: LogReport) => void,
    private readonly level: LogLevel,
    private readonly name: string,
    private readonly bound: LogFields = {},
  ) {}

  error(message: string, fields?: LogFields, cause?: unknown): void {
    this.#forward("error", message, fields, cause);
  }

  warn(message: string, fields?: LogFields, cause?: unknown): void {
    this.#forward("warn", message, fields, cause);
  }

  info(message: string, fields?: LogFields): void {
    this.#forward("info", message, fields);
  }

  debug(message: string, fields?: LogFields): void {
    this.#forward("debug", message, fields);
  }

  trace(message: string, fields?: LogFields): void {
    this.#forward("trace", message, fields);
  }

  child(name: string, fields: LogFields = {}): Logger {
    return new ForwardingLogger(this.send, this.level, `${this.name}.${name}`, { ...this.bound, ...fields });
  }

  #forward(level: LogReport["level"], message: string, fields?: LogFields, cause?: unknown): void {
    if (LOG_LEVELS.indexOf(level) > LOG_LEVELS.indexOf(this.level)) return;
    const report = { type: "log", level, name: this.name, message, fields: { ...this.bound, ...fields } } as const;
    this.send(cause === undefined ? report : { ...report, cause: traceOf(cause).trimEnd() });
  }
}

/** Writes a forwarded line. Called in the worker's thread. */
export function writeForwarded({ level, name, message, fields, cause }: LogReport, logger: Logger): void {
  const named = logger.child(name);
  if (level === "error" || level === "warn") named[level](message, fields, cause);
  else named[level](message, fields);
}
