type Expected = "value" | "value or end" | "key" | "key or end" | "colon" | "comma or end" | "nothing";

const BLANKS = /[ \t\r\n]*/y;
const WORD = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const ESCAPED = /\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4})/y;

/**
 * The position where a text stops being JSON: the offset of the first token that does not fit, the text's length if it
 * ends too early, or undefined for JSON. Parsers quote the text in their messages, and it may contain secrets.
 */
export function jsonFaultAt(text: string): number | undefined {
  const open: ("{" | "[")[] = [];
  let expected: Expected = "value";
  for (let at = endOf(BLANKS, text, 0)!; at < text.length; ) {
    const first = text[at]!;
    const isSign = "{}[],:".includes(first);
    const end = isSign ? at + 1 : first === '"' ? endOfString(text, at) : endOf(WORD, text, at);
    const then: Expected | 0 | undefined = end && step(expected, isSign || first === '"' ? first : "word", open);
    if (!end || !then) return at;
    expected = then;
    at = endOf(BLANKS, text, end)!;
  }
  return expected === "nothing" ? undefined : text.length;
}

function endOf(token: RegExp, text: string, from: number): number | undefined {
  token.lastIndex = from;
  return token.test(text) ? token.lastIndex : undefined;
}

/** Past the closing quote. By character, because one expression for a whole string overflows the stack on long ones. */
function endOfString(text: string, from: number): number | undefined {
  for (let at = from + 1; at < text.length; ) {
    const character = text[at]!;
    if (character === '"') return at + 1;
    if (character < " ") return undefined;
    const next = character === "\\" ? endOf(ESCAPED, text, at) : at + 1;
    if (next === undefined) return undefined;
    at = next;
  }
  return undefined;
}

/** The expectation after a token, or undefined if the token itself does not fit here. Updates `open`. */
function step(expected: Expected, kind: string, open: ("{" | "[")[]): Expected | undefined {
  const afterValue = () => (open.length === 0 ? "nothing" : "comma or end");
  switch (kind) {
    case ":":
      return expected === "colon" ? "value" : undefined;
    case ",":
      if (expected !== "comma or end") return undefined;
      return open.at(-1) === "{" ? "key" : "value";
    case "}":
    case "]": {
      const ends = expected === "comma or end" || expected === (kind === "}" ? "key or end" : "value or end");
      if (!ends || open.pop() !== (kind === "}" ? "{" : "[")) return undefined;
      return afterValue();
    }
    case '"':
      if (expected === "key" || expected === "key or end") return "colon";
  }
  if (expected !== "value" && expected !== "value or end") return undefined;
  if (kind !== "{" && kind !== "[") return afterValue();
  open.push(kind);
  return kind === "{" ? "key or end" : "value or end";
}
