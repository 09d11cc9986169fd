import type { Clock } from "../api/clock.js";
import type { LogFields, Logger } from "../api/logger.js";
import { textOf } from "./error-trace.js";

/** For the layers that may import base but not api. */
export type { LogFields, Logger };

/** In order of verbosity: each level includes those before it. */
export const LOG_LEVELS = ["off", "error", "warn", "info", "debug", "trace"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Receives one finished entry, without the final newline. */
export type LogSink = (line: string) => void;

/**
 * Writes lines such as `2026-01-02T03:04:05.678Z INFO  worker.task message key=value`. A cause follows, indented, with
 * its own causes.
 */
export class TextLogger implements Logger {
  constructor(
    private readonly sink: LogSink,
    private readonly clock: Clock,
    private readonly level: () => LogLevel,
    private readonly name: string,
    private readonly bound: LogFields = {},
  ) {}

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

  child(name: string, fields: LogFields = {}): Logger {
    return new TextLogger(this.sink, this.clock, this.level, `${this.name}.${name}`, { ...this.bound, ...fields });
  }

  #write(level: LogLevel, message: string, fields?: LogFields, cause?: unknown): void {
    if (LOG_LEVELS.indexOf(level) > LOG_LEVELS.indexOf(this.level())) return;
    let line = `${new Date(this.clock.nowMs()).toISOString()} ${level.toUpperCase().padEnd(5)} ${this.name} ${message}`;
    for (const [key, value] of Object.entries({ ...this.bound, ...fields })) {
      if (value !== undefined) line += ` ${key}=${quoted(String(value))}`;
    }
    if (cause !== undefined) line += `\n${indentedCauses(cause)}`;
    this.sink(line);
  }
}

/** Discards everything; for unit tests that do not look at the log. */
export const silentLogger: Logger = {
  error() {},
  warn() {},
  info() {},
  debug() {},
  trace() {},
  child: () => silentLogger,
};

function quoted(value: string): string {
  return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}

function indentedCauses(cause: unknown): string {
  const parts: string[] = [];
  for (
    let next: unknown = cause;
    next !== undefined && parts.length < 10;
    next = next instanceof Error ? next.cause : undefined
  ) {
    const text = next instanceof Error ? (next.stack ?? String(next)) : textOf(next);
    parts.push((parts.length ? `Caused by: ${text}` : text).replace(/^/gm, "    "));
  }
  return parts.join("\n");
}
