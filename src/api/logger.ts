/** The fields of a log line, as flat values. Never a record's key or value, never a secret. */
export type LogFields = Readonly<Record<string, string | number | boolean | bigint | null | undefined>>;

/**
 * A logger with a name and fields. `error`: someone must act; `warn`: a problem that resolves itself but should be
 * known; `info`: life-cycle events; `debug` and `trace`: the details of one component.
 */
export interface Logger {
  error(message: string, fields?: LogFields, cause?: unknown): void;
  warn(message: string, fields?: LogFields, cause?: unknown): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  trace(message: string, fields?: LogFields): void;
  /** A logger named `parent.name` that adds `fields` to its lines. */
  child(name: string, fields?: LogFields): Logger;
}
