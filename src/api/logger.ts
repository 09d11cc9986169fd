/** What a log line is about, as flat values. Never a record's key or value, never a secret. */
export type LogFields = Readonly<Record<string, string | number | boolean | bigint | null | undefined>>;

/**
 * A logger bound to a name and fields. `error` is for what needs a person, `warn` for what heals itself but should be
 * known, `info` for life-cycle events, `debug` and `trace` for following one component.
 */
export interface Logger {
  error(message: string, fields?: LogFields, cause?: unknown): void;
  warn(message: string, fields?: LogFields, cause?: unknown): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  trace(message: string, fields?: LogFields): void;
  /** A logger of a longer name (`parent.name`) whose lines carry `fields` too. */
  child(name: string, fields?: LogFields): Logger;
}
