import { ConfigError } from "../errors.js";
import { PatternParser } from "./pattern-parser.js";

export interface JavaPatternOptions {
  /** Pattern.CASE_INSENSITIVE: of ASCII letters only. */
  readonly ignoresCase?: boolean;
}

/**
 * A regular expression of Java's (java.util.regex.Pattern, as of Java 21) that matches whole texts (`Matcher.matches`).
 * Kafka Connect's and Debezium's configurations hold such; many mean something else in JavaScript, or are none there.
 * What is translated matches exactly what Java matches; everything else is refused: back references, `\X`, `\N{…}`,
 * `\b{g}`, the flags d, m, u, x and U, scripts, blocks and `\p{java…}`.
 *
 * @param key the configuration key that holds it, for the error.
 * @param source the pattern.
 * @returns an expression for `test` with whole texts; it captures nothing that is of use.
 * @throws ConfigError naming `key`, its cause a SyntaxError that says what is wrong.
 */
export function javaPattern(key: string, source: string, { ignoresCase = false }: JavaPatternOptions = {}): RegExp {
  try {
    const pattern = new RegExp(`^(?:${new PatternParser(source, { ignoresCase, dotAll: false }).parse()})$`, "v");
    // V8 compiles at the first use, and only then finds a pattern too large.
    pattern.test("");
    return pattern;
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof RangeError)) throw cause;
    throw new ConfigError(key, `Invalid value ${source} for configuration ${key}: Invalid regex: ${cause.message}`, {
      cause,
    });
  }
}
