import { javaReplacer } from "../../base/config/java-replacer.js";

const KEY = "ssl.principal.mapping.rules";

/** Turns the subject of a certificate into the name of a user; undefined: no rule is for it. */
export type PrincipalMapping = (subject: string) => string | undefined;

const RULE = /\s*(?:(DEFAULT)|RULE:((?:\\.|[^\\/])*)\/((?:\\.|[^\\/])*)\/([LU]?))\s*(?:,|$)/y;

/**
 * Reads `ssl.principal.mapping.rules`: `RULE:PATTERN/REPLACEMENT/[LU]` and `DEFAULT`, of which the first counts that is
 * for the whole subject.
 *
 * @returns undefined if the text is not of this form.
 * @throws ConfigError for a pattern or replacement that Java, or javaReplacer, refuses.
 */
export function parsePrincipalMapping(text: string): PrincipalMapping | undefined {
  const rules: PrincipalMapping[] = [];
  const pattern = new RegExp(RULE);
  while (pattern.lastIndex < text.length) {
    const found = pattern.exec(text);
    if (!found) return undefined;
    const [, isDefault, match = "", replacement = "", letters] = found;
    const rule = isDefault ? (subject: string) => subject : ruleOf(match, replacement, letters);
    rules.push(rule);
  }
  return (subject) => {
    for (const rule of rules) {
      const name = rule(subject);
      if (name !== undefined) return name;
    }
    return undefined;
  };
}

function ruleOf(match: string, replacement: string, letters: string | undefined): PrincipalMapping {
  const replaced = javaReplacer({ pattern: KEY, replacement: KEY }, match, replacement);
  return (subject) => {
    const name = replaced(subject);
    if (letters === "L") return name?.toLowerCase();
    return letters === "U" ? name?.toUpperCase() : name;
  };
}
