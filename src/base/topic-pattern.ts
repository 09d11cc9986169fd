import { ConfigError } from "../api/index.js";

// An escape, a whole character class, or a possessive quantifier: only the last is captured.
const TOKEN = /\\.|\[(?:\\.|[^\]\\])*\]|([*+?}])\+/g;

/**
 * A Java regular expression as one of ours that matches whole names. What JavaScript writes otherwise in the common
 * cases is rewritten: an inline `(?i)` at the start, possessive quantifiers, `\A`, `\Z` and `\z`.
 *
 * @throws ConfigError naming `key` when it is no pattern here.
 */
export function wholePattern(key: string, source: string): RegExp {
  const flags = source.startsWith("(?i)") ? "i" : "";
  const body = source
    .slice(flags === "" ? 0 : 4)
    .replace(TOKEN, (token, quantifier?: string) => quantifier ?? (/^\\[AZz]$/.test(token) ? "" : token));
  try {
    return new RegExp(`^(?:${body})$`, flags);
  } catch (cause) {
    throw new ConfigError(key, `Invalid value ${source} for configuration ${key}: not a regular expression`, { cause });
  }
}
