/** A part of a SimpleDateFormat: a field (`yyyy`) or a literal text. */
export type DatePart =
  | { readonly kind: "field"; readonly letter: string; readonly count: number }
  | { readonly kind: "text"; readonly text: string };

const LETTERS = "GyMdkHmsSEDFwWahKzZYuXL";

/**
 * Splits a pattern of java.text.SimpleDateFormat.
 *
 * @throws SyntaxError for a pattern that Java refuses.
 */
export function parseDatePattern(pattern: string): readonly DatePart[] {
  const parts: DatePart[] = [];
  let text = "";
  let at = 0;
  const endText = () => {
    if (text !== "") parts.push({ kind: "text", text });
    text = "";
  };
  while (at < pattern.length) {
    const c = pattern[at]!;
    if (c === "'") {
      const quoted = quotedText(pattern, at);
      text += quoted.text;
      at = quoted.end;
      continue;
    }
    if (!/[A-Za-z]/.test(c)) {
      text += c;
      at++;
      continue;
    }
    if (!LETTERS.includes(c)) throw new SyntaxError(`Illegal pattern character '${c}'`);
    endText();
    let end = at + 1;
    while (pattern[end] === c) end++;
    if (c === "X" && end - at > 3) throw new SyntaxError(`invalid ISO 8601 format: length=${end - at}`);
    parts.push({ kind: "field", letter: c, count: end - at });
    at = end;
  }
  endText();
  return parts;
}

/** The text from an apostrophe to its partner; two in a row are one, inside or outside. */
function quotedText(pattern: string, open: number): { readonly text: string; readonly end: number } {
  if (pattern[open + 1] === "'") return { text: "'", end: open + 2 };
  let text = "";
  for (let at = open + 1; at < pattern.length; at++) {
    const c = pattern[at]!;
    if (c !== "'") text += c;
    else if (pattern[at + 1] === "'") text += pattern[++at];
    else return { text, end: at + 1 };
  }
  throw new SyntaxError("Unterminated quote");
}
