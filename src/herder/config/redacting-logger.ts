import type { LogFields } from "../../api/index.js";
import type { NamedLogger } from "../../base/logger.js";
import { traceOf } from "../../base/trace/error-trace.js";
import type { Redactions } from "./redaction.js";

/**
 * The worker's logger. Lines about a connector (by their field `connector`) show its references instead of their
 * values; lines about none hide the values of all connectors. Lines from task hosts' threads pass through it, too.
 */
export class RedactingLogger implements NamedLogger {
  constructor(
    private readonly logger: NamedLogger,
    private readonly redactions: Redactions,
    private readonly connector?: LogFields[string],
  ) {}

  error(message: string, fields?: LogFields, cause?: unknown): void {
    this.logger.error(...this.#redacted(message, fields, cause));
  }

  warn(message: string, fields?: LogFields, cause?: unknown): void {
    this.logger.warn(...this.#redacted(message, fields, cause));
  }

  info(message: string, fields?: LogFields): void {
    const [text, shown] = this.#redacted(message, fields);
    this.logger.info(text, shown);
  }

  debug(message: string, fields?: LogFields): void {
    const [text, shown] = this.#redacted(message, fields);
    this.logger.debug(text, shown);
  }

  trace(message: string, fields?: LogFields): void {
    const [text, shown] = this.#redacted(message, fields);
    this.logger.trace(text, shown);
  }

  child(name: string, fields?: LogFields): NamedLogger {
    return this.#over(this.logger.child(name, fields), fields);
  }

  named(name: string, fields?: LogFields): NamedLogger {
    return this.#over(this.logger.named(name, fields), fields);
  }

  #over(logger: NamedLogger, fields: LogFields | undefined): NamedLogger {
    return new RedactingLogger(logger, this.redactions, fields?.["connector"] ?? this.connector);
  }

  #redacted(message: string, fields?: LogFields, cause?: unknown): [string, LogFields | undefined, unknown] {
    const connector = fields?.["connector"] ?? this.connector;
    // A line about no connector may still contain a secret of one, such as the uncaught error that ended a task host.
    const redact = (text: string) =>
      typeof connector === "string" ? this.redactions.text(connector, text) : this.redactions.ofAll(text);
    const shown = Object.entries(fields ?? {}).map(([key, value]) => [
      key,
      typeof value === "string" && key !== "connector" ? redact(value) : value,
    ]);
    const trace = cause === undefined ? "" : traceOf(cause).trimEnd();
    const shownTrace = redact(trace);
    return [
      redact(message),
      fields && (Object.fromEntries(shown) as LogFields),
      shownTrace === trace ? cause : shownTrace,
    ];
  }
}
