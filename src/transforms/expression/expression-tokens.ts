/** A piece of an expression. */
export interface Token {
  readonly kind: "name" | "text" | "number" | "sign" | "end";
  /** A name or sign as it is written; the content of a text. */
  readonly text: string;
  /** Of its first character, counted from 1. */
  readonly position: number;
}

/** An expression that is refused, with the position of the fault. */
export class ExpressionFault extends SyntaxError {
  constructor(
    readonly position: number,
    readonly why: string,
  ) {
    super(`at position ${position}: ${why}`);
  }
}

/** The longest first. */
const SIGNS = [
  ...["==~", "?.", "?:", "==", "!=", "<=", ">=", "&&", "||"],
  ...["(", ")", "[", "]", ",", ".", "?", ":", "!", "<", ">", "+", "-", "*", "%"],
];
const NUMBER = /^\d+(?:\.\d+)?(?:[eE][+-]?\d+)?[LlGgIiDdFf]?/;
const NAME = /^[A-Za-z_]\w*/;
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f" };

/** @throws ExpressionFault for a character that begins nothing in the language. */
export function expressionTokens(source: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < source.length) {
    const position = at + 1;
    const rest = source.slice(at);
    const char = rest[0]!;
    if (/\s/.test(char)) {
      at++;
      continue;
    }
    const [kind, text, length] = token(rest, position);
    tokens.push({ kind, text, position });
    at += length;
  }
  tokens.push({ kind: "end", text: "the end", position: source.length + 1 });
  return tokens;
}

function token(rest: string, position: number): readonly [Token["kind"], string, number] {
  const char = rest[0]!;
  if (char === "'" || char === '"') return quoted(rest, position);
  const [name] = NAME.exec(rest) ?? [];
  if (name !== undefined) return ["name", name, name.length];
  const [number] = NUMBER.exec(rest) ?? [];
  if (number !== undefined) {
    if (NAME.test(rest.slice(number.length))) throw new ExpressionFault(position, `${number}… is no number`);
    return ["number", number, number.length];
  }
  const sign = SIGNS.find((each) => rest.startsWith(each));
  // Assignments, shifts and ranges begin like signs that are known.
  const operator = /^[=<>&|!?:+*%.-]+/.exec(rest)?.[0] ?? char;
  if (sign === undefined || REFUSED.some((each) => operator.startsWith(each)))
    throw new ExpressionFault(position, `${operator} is not part of the expression language`);
  return ["sign", sign, sign.length];
}

const REFUSED = [
  "<=>",
  "===",
  "!==",
  "=~",
  "<<",
  ">>",
  "..",
  "++",
  "--",
  "**",
  "+=",
  "-=",
  "*=",
  "%=",
  "*.",
  ".&",
  "??",
];

function quoted(rest: string, position: number): readonly ["text", string, number] {
  const quote = rest[0]!;
  if (rest.startsWith(quote.repeat(3))) throw new ExpressionFault(position, "texts in three quotes are not supported");
  let text = "";
  let at = 1;
  for (;;) {
    const char = rest[at];
    if (char === undefined || char === "\n") throw new ExpressionFault(position, "a text has no closing quote");
    if (char === quote) return ["text", text, at + 1];
    if (char === "$" && quote === '"')
      throw new ExpressionFault(
        position + at,
        'a text in double quotes contains $: write it in single quotes, or join it with "+"',
      );
    if (char !== "\\") {
      text += char;
      at++;
      continue;
    }
    const unicode = /^\\u([0-9a-fA-F]{4})/.exec(rest.slice(at));
    const escaped = rest[at + 1] ?? "";
    if (unicode) text += String.fromCharCode(Number.parseInt(unicode[1]!, 16));
    else if ("\\'\"$".includes(escaped) && escaped !== "") text += escaped;
    else if (escaped in ESCAPES) text += ESCAPES[escaped]!;
    else throw new ExpressionFault(position + at, `\\${escaped} is no escape in a text`);
    at += unicode ? 6 : 2;
  }
}
