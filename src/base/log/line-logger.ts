import type { Clock } from "../../api/clock.js";
import type { LogSink, NamedLogger } from "../logger.js";
import { traceOf } from "../trace/error-trace.js";
import { LeveledLogger } from "./leveled-logger.js";
import type { LogEntry } from "./log-entry.js";
import type { LogLevels } from "./log-levels.js";

/** The forms of the log: `log.format`. */
export const LOG_FORMATS = ["text", "json"] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** A logger that writes lines. @param format by default text */
export function lineLogger(
  sink: LogSink,
  clock: Clock,
  levels: LogLevels,
  name: string,
  format: LogFormat = "text",
): NamedLogger {
  const lineOf = format === "json" ? jsonLine : textLine;
  return new LeveledLogger({ clock, levels, write: (entry) => sink(lineOf(entry)) }, name);
}

/**
 * `2026-01-02T03:04:05.678Z INFO  name message key=value`. A cause follows, indented, with its own causes.
 */
function textLine({ timeMs, level, name, message, fields, cause }: LogEntry): string {
  let line = `${new Date(timeMs).toISOString()} ${level.toUpperCase().padEnd(5)} ${name} ${message}`;
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) line += ` ${key}=${quoted(String(value))}`;
  }
  return cause === undefined ? line : `${line}\n${traceOf(cause).trimEnd().replace(/^/gm, "    ")}`;
}

/**
 * One JSON object without a line break: `timestamp` (ISO 8601, UTC), `level`, `logger`, `message`, `connector` and
 * `task` if the line is about them, `fields` (the others), `error` (the cause with its own causes).
 */
function jsonLine({ timeMs, level, name, message, fields, cause }: LogEntry): string {
  const { connector, task, ...others } = fields;
  const shown = Object.entries(others).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, typeof value === "bigint" ? String(value) : value]],
  );
  return JSON.stringify({
    timestamp: new Date(timeMs).toISOString(),
    level: level.toUpperCase(),
    logger: name,
    message,
    connector,
    task,
    ...(shown.length > 0 && { fields: Object.fromEntries(shown) }),
    ...(cause !== undefined && { error: traceOf(cause).trimEnd() }),
  });
}

function quoted(value: string): string {
  return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
