/** Turns the subject of a certificate into the name of a user; undefined: no rule is for it. */
export type PrincipalMapping = (subject: string) => string | undefined;

const RULE = /\s*(?:(DEFAULT)|RULE:((?:\\.|[^\\/])*)\/((?:\\.|[^\\/])*)\/([LU]?))\s*(?:,|$)/y;

/**
 * Reads `ssl.principal.mapping.rules`: `RULE:PATTERN/REPLACEMENT/[LU]` and `DEFAULT`, of which the first counts that is
 * for the whole subject.
 *
 * @returns undefined if the text is not of this form.
 */
export function parsePrincipalMapping(text: string): PrincipalMapping | undefined {
  const rules: PrincipalMapping[] = [];
  const pattern = new RegExp(RULE);
  while (pattern.lastIndex < text.length) {
    const found = pattern.exec(text);
    if (!found) return undefined;
    const [, isDefault, match = "", replacement = "", letters] = found;
    const rule = isDefault ? (subject: string) => subject : ruleOf(match, replacement, letters);
    if (!rule) return undefined;
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

function ruleOf(match: string, replacement: string, letters: string | undefined): PrincipalMapping | undefined {
  let whole: RegExp;
  try {
    whole = new RegExp(`^(?:${match})$`);
  } catch {
    return undefined;
  }
  return (subject) => {
    const groups = whole.exec(subject);
    if (!groups) return undefined;
    // Java's references: $1 to a group, a backslash before a character that stands for itself.
    const name = replacement.replace(/\\(.)|\$(\d)/g, (_, literal: string | undefined, group: string) => {
      return literal ?? groups[Number(group)] ?? "";
    });
    if (letters === "L") return name.toLowerCase();
    return letters === "U" ? name.toUpperCase() : name;
  };
}
