import { propertyClass } from "./char-properties.js";
import { negated } from "./literal.js";
import type { PatternText } from "./pattern-text.js";

/** The meaning of one escape sequence. */
export type Escape =
  | { readonly kind: "char"; readonly codePoint: number }
  /** `text` is a JavaScript class, brackets included. */
  | { readonly kind: "class"; readonly text: string }
  /** Zero-width; `text` is JavaScript. */
  | { readonly kind: "assertion"; readonly text: string }
  /** `\R`. */
  | { readonly kind: "line-break"; readonly text: string };

const LINE_BREAKS = "\\n\\r\\x85\\u2028\\u2029";
/** Java's `.` under DOTALL. Not `[^]`, which V8 matches unreliably under the flag `v`. */
export const ANY = "[\\s\\S]";
/** Java's `.`, without DOTALL. */
export const ANY_BUT_LINE_BREAK = negated(LINE_BREAKS);
/** Java's `$` without MULTILINE, and its `\Z`: the end, or before a line break at the end, but not within `\r\n`. */
export const END_OR_LAST_LINE_BREAK = `(?<!\\r(?=\\n))(?=(?:\\r\\n|[${LINE_BREAKS}])?$)`;

const HORIZONTAL = "\\x20\\t\\xa0\\u1680\\u180e\\u2000-\\u200a\\u202f\\u205f\\u3000";
const VERTICAL = "\\n\\x0b\\f\\r\\x85\\u2028\\u2029";
const WORD = "0-9A-Za-z_";
const SPACE = "\\x20\\t-\\r";

const CLASSES: Readonly<Record<string, string>> = {
  d: "[0-9]",
  D: negated("0-9"),
  w: `[${WORD}]`,
  W: negated(WORD),
  s: `[${SPACE}]`,
  S: negated(SPACE),
  h: `[${HORIZONTAL}]`,
  H: negated(HORIZONTAL),
  v: `[${VERTICAL}]`,
  V: negated(VERTICAL),
};

const CONTROLS: Readonly<Record<string, number>> = { a: 7, e: 27, f: 12, n: 10, r: 13, t: 9 };

/** `\b` knows ASCII words only, as Java does since 19. `\G` is the start of the text: there is only one match. */
const ASSERTIONS: Readonly<Record<string, string>> = {
  A: "^",
  G: "^",
  Z: END_OR_LAST_LINE_BREAK,
  z: "$",
  b: "\\b",
  B: "\\B",
};

/**
 * Reads one escape sequence.
 *
 * @param text positioned after the backslash.
 * @throws SyntaxError for an escape that Java refuses, or that has no exact counterpart.
 */
export function readEscape(text: PatternText, ignoresCase: boolean): Escape {
  if (text.isAtEnd) throw new SyntaxError("a backslash ends the pattern");
  const position = text.position;
  const letter = text.next();
  const classText = CLASSES[letter];
  if (classText !== undefined) return { kind: "class", text: classText };
  const assertion = ASSERTIONS[letter];
  if (assertion !== undefined) {
    if (text.startsWith("{")) throw new SyntaxError(`\\${letter}{…} is not supported`);
    return { kind: "assertion", text: assertion };
  }
  if (letter === "R") return { kind: "line-break", text: `(?:\\r\\n|[${VERTICAL}])` };
  if (letter === "p" || letter === "P") return readProperty(text, letter === "P", ignoresCase);
  const codePoint = CONTROLS[letter] ?? readNumbered(text, letter);
  if (codePoint !== undefined) return { kind: "char", codePoint };
  if (/[1-9k]/.test(letter)) throw new SyntaxError(`the back reference \\${letter} is not supported`);
  if (/[A-Za-z]/.test(letter)) throw new SyntaxError(`\\${letter} is not supported (character ${position})`);
  return { kind: "char", codePoint: letter.codePointAt(0)! };
}

/** `\pL`, `\p{Lu}`, `\P{Lu}`. */
function readProperty(text: PatternText, isNegated: boolean, ignoresCase: boolean): Escape {
  const isBraced = text.take("{");
  const name = text.takeWhile(/[^}]/, isBraced ? undefined : 1);
  if (isBraced && !text.take("}")) throw new SyntaxError("\\p{ is not closed");
  const body = propertyClass(name, ignoresCase);
  return { kind: "class", text: isNegated ? negated(body) : `[${body}]` };
}

/** Escapes that name a character by number; undefined for any other. */
function readNumbered(text: PatternText, letter: string): number | undefined {
  switch (letter) {
    case "0":
      return readOctal(text);
    case "x":
      return text.take("{") ? readBraced(text) : readHex(text, 2);
    case "u":
      return readUtf16(text);
    case "c": {
      const control = text.takeWhile(/./su, 1);
      if (control === "") throw new SyntaxError("\\c needs a character");
      return control.codePointAt(0)! ^ 64;
    }
    default:
      return undefined;
  }
}

/** `\0n`, `\0nn` or `\0mnn`, up to 0377. */
function readOctal(text: PatternText): number {
  const first = text.takeWhile(/[0-7]/, 1);
  if (first === "") throw new SyntaxError("\\0 needs an octal digit");
  const more = text.takeWhile(/[0-7]/, first <= "3" ? 2 : 1);
  return Number.parseInt(first + more, 8);
}

function readHex(text: PatternText, digits: number): number {
  const hex = text.takeWhile(/[0-9A-Fa-f]/, digits);
  if (hex.length < digits) throw new SyntaxError(`${digits} hexadecimal digits are expected after \\x or \\u`);
  return Number.parseInt(hex, 16);
}

function readBraced(text: PatternText): number {
  const hex = text.takeWhile(/[0-9A-Fa-f]/);
  const codePoint = Number.parseInt(hex, 16);
  if (!text.take("}") || !(codePoint <= 0x10ffff)) throw new SyntaxError("\\x{…} holds no code point");
  return codePoint;
}

/** `\uhhhh`, or two of them for a surrogate pair. */
function readUtf16(text: PatternText): number {
  const unit = readHex(text, 4);
  if (unit < 0xd800 || unit > 0xdbff) return unit;
  const position = text.position;
  if (text.take("\\u")) {
    const low = readHex(text, 4);
    if (low >= 0xdc00 && low <= 0xdfff) return (unit - 0xd800) * 0x400 + (low - 0xdc00) + 0x10000;
  }
  text.rewind(position);
  return unit;
}
