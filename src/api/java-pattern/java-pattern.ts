import { ConfigError } from "../errors.js";
import { PatternParser } from "./pattern-parser.js";

export interface JavaPatternOptions {
  /** Pattern.CASE_INSENSITIVE: ASCII letters only. */
  readonly ignoresCase?: boolean;
}

/**
 * Compiles a Java regular expression (java.util.regex.Pattern, Java 21) that matches whole texts (`Matcher.matches`).
 * Configurations of Kafka Connect and Debezium contain them; read as JavaScript, many match other names or none. A
 * translated pattern matches exactly the texts that it matches in Java. Everything else is refused: back references,
 * `\X`, `\N{…}`, `\b{g}`, the flags d, m, u, x and U, scripts, blocks and `\p{java…}`.
 *
 * @param key the configuration key, for the error.
 * @param source the pattern.
 * @returns an expression for `test`; its captures mean nothing.
 * @throws ConfigError naming `key`, with a SyntaxError as its cause.
 */
export function javaPattern(key: string, source: string, { ignoresCase = false }: JavaPatternOptions = {}): RegExp {
  try {
    const pattern = new RegExp(`^(?:${new PatternParser(source, { ignoresCase, dotAll: false }).parse()})$`, "v");
    // V8 compiles on first use and rejects a pattern that is too large only then.
    pattern.test("");
    return pattern;
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof RangeError)) throw cause;
    throw new ConfigError(key, `Invalid value ${source} for configuration ${key}: Invalid regex: ${cause.message}`, {
      cause,
    });
  }
}
