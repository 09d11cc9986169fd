import type { Logger } from "../../../src/api/index.js";

/** Logs each warning about a column once per task: every DDL statement and every connection describes tables again. */
export class ColumnWarnings {
  readonly #logged = new Set<string>();

  constructor(private readonly logger: Logger) {}

  warn(message: string, fields: Readonly<Record<string, string>> = {}): void {
    const text = JSON.stringify([message, fields]);
    if (this.#logged.has(text)) return;
    this.#logged.add(text);
    this.logger.warn(message, fields);
  }
}
