import type { Clock, LogFields } from "../../api/index.js";
import { LeveledLogger } from "../../base/log/leveled-logger.js";
import type { LineLevel, LogLevels } from "../../base/log/log-levels.js";
import type { NamedLogger } from "../../base/logger.js";
import { traceOf } from "../../base/trace/error-trace.js";

/** A log line of a host on its way to the worker's thread, which redacts and writes it. */
export interface LogReport {
  readonly type: "log";
  readonly level: LineLevel;
  readonly name: string;
  readonly message: string;
  readonly fields: LogFields;
  /** The error with its causes, as text. */
  readonly cause?: string;
}

/** The logger of a host's thread: sends lines to the worker's thread, the only one that knows the secrets to redact. */
export function forwardingLogger(
  send: (report: LogReport) => void,
  clock: Clock,
  levels: LogLevels,
  name: string,
  fields: LogFields = {},
): NamedLogger {
  return new LeveledLogger(
    {
      clock,
      levels,
      write: ({ level, name, message, fields, cause }) => {
        const report = { type: "log", level, name, message, fields } as const;
        send(cause === undefined ? report : { ...report, cause: traceOf(cause).trimEnd() });
      },
    },
    name,
    fields,
  );
}

/** Writes a forwarded line. Called in the worker's thread. */
export function writeForwarded({ level, name, message, fields, cause }: LogReport, logger: NamedLogger): void {
  const named = logger.named(name);
  if (level === "error" || level === "warn") named[level](message, fields, cause);
  else named[level](message, fields);
}
