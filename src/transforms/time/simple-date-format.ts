import { type Clock, ConfigError, DataError } from "../../api/index.js";
import { type DatePart, parseDatePattern } from "./date-pattern.js";
import { formatDate } from "./format-date.js";
import { parseDate, unreadableLetters } from "./parse-date.js";

/** java.text.SimpleDateFormat in UTC and English. */
export class SimpleDateFormat {
  readonly #parts: readonly DatePart[];

  /**
   * @param key the configuration key of `pattern`, for errors.
   * @throws ConfigError for a pattern that Java refuses.
   */
  constructor(
    private readonly key: string,
    private readonly pattern: string,
    private readonly clock: Pick<Clock, "nowMs">,
  ) {
    try {
      this.#parts = parseDatePattern(pattern);
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
      throw new ConfigError(key, `Invalid value ${pattern} for configuration ${key}: ${cause.message}`, { cause });
    }
  }

  /** @param ms since 1970. */
  format(ms: number | bigint): string {
    return formatDate(this.#parts, ms);
  }

  /** @throws ConfigError if texts cannot be read with this pattern. */
  requireReadable(): void {
    const letters = unreadableLetters(this.#parts);
    if (letters !== "")
      throw new ConfigError(
        this.key,
        `Invalid value ${this.pattern} for configuration ${this.key}: the letters ${letters} are not supported for reading texts`,
      );
  }

  /** @returns ms since 1970. @throws DataError for a text that does not match. */
  parse(text: string): number | bigint {
    const letters = unreadableLetters(this.#parts);
    if (letters !== "")
      throw new DataError(
        "VALUE_INVALID",
        `Could not parse timestamp: the letters ${letters} of ${this.key} (${this.pattern}) are not supported for reading texts`,
      );
    const ms = parseDate(this.#parts, text, this.clock.nowMs());
    if (ms !== undefined) return ms;
    throw new DataError("VALUE_INVALID", `Could not parse timestamp: value does not match pattern (${this.pattern})`);
  }
}
