import { readEscape } from "./escape.js";
import { literal, negated, range } from "./literal.js";
import type { PatternText } from "./pattern-text.js";

/**
 * Reads a class, `[…]`: nested classes are unions, `&&` intersects, and `^` negates the whole.
 *
 * @param text positioned after the opening bracket; left after the closing one.
 * @returns the class in JavaScript (flag `v`).
 * @throws SyntaxError for a class that Java refuses or parses in a surprising way.
 */
export function readClass(text: PatternText, ignoresCase: boolean): string {
  const isNegated = text.take("^");
  const operands = [readOperand(text, ignoresCase, true)];
  while (text.take("&&")) operands.push(readOperand(text, ignoresCase, false));
  if (!text.take("]")) throw new SyntaxError("a character class is not closed");
  const body = operands.length === 1 ? operands[0]! : operands.map((operand) => `[${operand}]`).join("&&");
  return isNegated ? negated(body) : `[${body}]`;
}

/** One operand of `&&`. */
function readOperand(text: PatternText, ignoresCase: boolean, isFirst: boolean): string {
  const items: string[] = [];
  const startsNested = text.startsWith("[");
  while (!text.isAtEnd && !text.startsWith("&&")) {
    // A closing bracket in first place is literal.
    if (text.startsWith("]") && (items.length > 0 || !isFirst)) break;
    if (text.take("[")) {
      items.push(readClass(text, ignoresCase));
    } else {
      // Java drops the nested class: it reads [a-z&&[bc]d] as [a-z&&d].
      if (!isFirst && startsNested)
        throw new SyntaxError("after && and a class in brackets, only further classes in brackets are supported");
      items.push(readItem(text, ignoresCase));
    }
  }
  if (text.isAtEnd) throw new SyntaxError("a character class is not closed");
  if (items.length === 0 || text.startsWith("&&&")) throw new SyntaxError("&& stands between two classes");
  return items.join("");
}

/** A character, a range or a predefined class. */
function readItem(text: PatternText, ignoresCase: boolean): string {
  const from = readMember(text, ignoresCase);
  const isRange = text.startsWith("-") && !text.startsWith("[", 1) && !text.startsWith("]", 1);
  if (typeof from === "string") {
    if (isRange) throw new SyntaxError("a range begins and ends with a character");
    return from;
  }
  if (!isRange) return literal(from, ignoresCase);
  text.take("-");
  const to = readMember(text, ignoresCase);
  if (typeof to === "string") throw new SyntaxError("a range begins and ends with a character");
  if (to < from) throw new SyntaxError("a range is out of order");
  return range(from, to, ignoresCase);
}

/** A code point, or a class in JavaScript. */
function readMember(text: PatternText, ignoresCase: boolean): number | string {
  if (text.startsWith("\\v-"))
    throw new SyntaxError("\\v before a hyphen is a class or a vertical tab: write \\x0B or put the hyphen first");
  if (!text.take("\\")) return text.next().codePointAt(0)!;
  const escaped = readEscape(text, ignoresCase);
  if (escaped.kind === "char") return escaped.codePoint;
  if (escaped.kind === "class") return escaped.text;
  throw new SyntaxError("within a character class, an escape stands for a character or a class");
}
