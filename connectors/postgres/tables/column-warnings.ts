import type { Logger } from "../../../src/api/index.js";

/** Logs each warning about a column once per task: every DDL statement and every connection describes tables again. */
export class ColumnWarnings {
  readonly #given = new Set<string>();

  constructor(private readonly logger: Logger) {}

  warn(message: string, fields: Readonly<Record<string, string>> = {}): void {
    const text = JSON.stringify([message, fields]);
    if (this.#given.has(text)) return;
    this.#given.add(text);
    this.logger.warn(message, fields);
  }
}
