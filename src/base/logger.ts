import type { LogFields, Logger } from "../api/logger.js";

/** For the layers that may import base but not api. */
export type { LogFields, Logger };

/** A logger of the worker's own code. It can also speak under a name that is not below its own. */
export interface NamedLogger extends Logger {
  /** A logger of exactly this name, with this one's fields and `fields`. */
  named(name: string, fields?: LogFields): NamedLogger;
  child(name: string, fields?: LogFields): NamedLogger;
}

/** Receives one finished entry, without the final newline. */
export type LogSink = (line: string) => void;

/** Discards everything; for unit tests that do not look at the log. */
export const silentLogger: NamedLogger = {
  error() {},
  warn() {},
  info() {},
  debug() {},
  trace() {},
  child: () => silentLogger,
  named: () => silentLogger,
};
