/**
 * `\p{…}` as the contents of a JavaScript class (flag `v`). POSIX names are ASCII in Java unless its flag
 * UNICODE_CHARACTER_CLASS is set. C and Cn are left out: they depend on which characters the runtime's Unicode version
 * has assigned.
 */
const PROPERTIES: Readonly<Record<string, string>> = {
  Lower: "a-z",
  Upper: "A-Z",
  ASCII: "\\x00-\\x7f",
  Alpha: "A-Za-z",
  Digit: "0-9",
  Alnum: "0-9A-Za-z",
  Punct: "\\x21-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7e",
  Graph: "\\x21-\\x7e",
  Print: "\\x20-\\x7e",
  Blank: "\\x20\\t",
  Cntrl: "\\x00-\\x1f\\x7f",
  XDigit: "0-9A-Fa-f",
  Space: "\\x20\\t-\\r",
  IsAlphabetic: "\\p{Alphabetic}",
  IsLetter: "\\p{L}",
  IsDigit: "\\p{Nd}",
  IsLowercase: "\\p{Lowercase}",
  IsUppercase: "\\p{Uppercase}",
};

const CATEGORIES: ReadonlySet<string> = new Set([
  ...["L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No"],
  ...["P", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp"],
]);

/** Properties of one case that match all cases when case is ignored. */
const CASED: Readonly<Record<string, string>> = {
  Lower: "A-Za-z",
  Upper: "A-Za-z",
  Lu: "\\p{Lu}\\p{Ll}\\p{Lt}",
  Ll: "\\p{Lu}\\p{Ll}\\p{Lt}",
  Lt: "\\p{Lu}\\p{Ll}\\p{Lt}",
  IsLowercase: "\\p{Lowercase}\\p{Uppercase}\\p{Lt}",
  IsUppercase: "\\p{Lowercase}\\p{Uppercase}\\p{Lt}",
};

/**
 * @param name the text within the braces of `\p{…}`.
 * @returns the contents of a JavaScript class. @throws SyntaxError for a property without an exact counterpart.
 */
export function propertyClass(name: string, ignoresCase: boolean): string {
  const bare = /^Is[A-Z][a-z]?$/.test(name) ? name.slice(2) : name;
  const cased = ignoresCase ? (CASED[bare] ?? undefined) : undefined;
  const found = cased ?? PROPERTIES[bare] ?? (CATEGORIES.has(bare) ? `\\p{${bare}}` : undefined);
  if (found !== undefined) return found;
  throw new SyntaxError(
    `\\p{${name}} is not supported (supported are POSIX classes, categories such as L or Nd, and IsAlphabetic, IsLetter, IsDigit, IsLowercase, IsUppercase)`,
  );
}
