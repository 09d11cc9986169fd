import { ConfigError } from "../../../src/api/index.js";
import { compilePatterns, type Pattern } from "./patterns.js";

/** The replica identity that tables of a pattern are to have. */
export interface IdentityRule {
  readonly pattern: Pattern;
  readonly identity: "DEFAULT" | "FULL" | "NOTHING" | "INDEX";
  /** null unless the identity is INDEX. */
  readonly index: string | null;
}

const KEY = "replica.identity.autoset.values";
const RULE = /^(.+):\s*(?:(DEFAULT|FULL|NOTHING)|INDEX\s+(\S+))$/i;

/**
 * Parses `<table pattern>:<DEFAULT|INDEX name|FULL|NOTHING>`, separated by commas.
 *
 * @throws ConfigError for another form, or an invalid pattern.
 */
export function parseIdentityRules(text: string): IdentityRule[] {
  return text
    .split(/(?<!\\),/)
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => {
      const found = RULE.exec(part);
      const pattern = found && compilePatterns(KEY, found[1]!.trim())?.[0];
      if (!pattern) throw new ConfigError(KEY, `${part} is not '<table pattern>:<DEFAULT|INDEX name|FULL|NOTHING>'`);
      const identity = (found[2]?.toUpperCase() ?? "INDEX") as IdentityRule["identity"];
      return { pattern, identity, index: found[3] ?? null };
    });
}
