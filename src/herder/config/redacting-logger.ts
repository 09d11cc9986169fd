import type { LogFields, Logger } from "../../api/index.js";
import { traceOf } from "../../base/error-trace.js";
import type { Redactions } from "./redaction.js";

/**
 * The worker's logger, whose lines about a connector (by their field `connector`) show references, not what they stand
 * for; lines about none show no connector's. The lines of task hosts in threads of their own come through here, too.
 */
export class RedactingLogger implements Logger {
  constructor(
    private readonly logger: Logger,
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

  child(name: string, fields?: LogFields): Logger {
    return new RedactingLogger(
      this.logger.child(name, fields),
      this.redactions,
      fields?.["connector"] ?? this.connector,
    );
  }

  #redacted(message: string, fields?: LogFields, cause?: unknown): [string, LogFields | undefined, unknown] {
    const connector = fields?.["connector"] ?? this.connector;
    // A line about no connector may still hold one's secret: that a task host ended by an error nobody caught, say.
    const redact = (text: string) =>
      typeof connector === "string" ? this.redactions.of(connector).text(text) : this.redactions.ofAll(text);
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
