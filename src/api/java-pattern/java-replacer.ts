import { ConfigError } from "../errors.js";
import { PatternParser } from "./pattern-parser.js";

/** The two settings of a replacement, for errors. */
export interface ReplacerKeys {
  readonly pattern: string;
  readonly replacement: string;
}

/** A part of the result: a text, or the number of a group. */
type Part = string | number;

/**
 * Compiles Java's `Matcher.replaceFirst` of texts that match a pattern as a whole, as Kafka's and Debezium's routers use
 * it: the whole text decides, then the pattern's first match in it is replaced.
 *
 * @param source the pattern, as for `javaPattern`.
 * @param replacement with `$1`, `${name}`, and `\` before a literal character.
 * @returns a function of a text: the result, or undefined if the whole text does not match.
 * @throws ConfigError for a pattern that `javaPattern` refuses, a malformed replacement, an unknown group, or one that
 * captures another text in JavaScript.
 */
export function javaReplacer(
  keys: ReplacerKeys,
  source: string,
  replacement: string,
): (text: string) => string | undefined {
  const parser = new PatternParser(source, { ignoresCase: false, dotAll: false }, true);
  let whole: RegExp;
  let first: RegExp;
  try {
    const text = parser.parse();
    whole = new RegExp(`^(?:${text})$`, "v");
    first = new RegExp(text, "v");
    // V8 compiles on first use and rejects a pattern that is too large only then.
    whole.test("");
  } catch (cause) {
    throw refusal(keys.pattern, source, "Invalid regex: ", cause);
  }
  let parts: readonly Part[];
  try {
    parts = parseReplacement(replacement, parser);
  } catch (cause) {
    throw refusal(keys.replacement, replacement, "", cause);
  }
  return (text) => {
    if (!whole.test(text)) return undefined;
    const match = first.exec(text);
    if (!match) return text;
    const result = parts.map((part) => (typeof part === "string" ? part : captured(match, part))).join("");
    return text.slice(0, match.index) + result + text.slice(match.index + match[0].length);
  };
}

function captured(match: RegExpExecArray, group: number): string {
  return group === 0 ? match[0] : (match.groups?.[`g${group}`] ?? "");
}

function refusal(key: string, value: string, prefix: string, cause: unknown): unknown {
  if (!(cause instanceof SyntaxError || cause instanceof RangeError)) return cause;
  return new ConfigError(key, `Invalid value ${value} for configuration ${key}: ${prefix}${cause.message}`, { cause });
}

/** @throws SyntaxError */
function parseReplacement(text: string, pattern: PatternParser): Part[] {
  const parts: Part[] = [];
  let at = 0;
  while (at < text.length) {
    const c = text[at++]!;
    if (c === "\\") {
      if (at === text.length) throw new SyntaxError("character to be escaped is missing");
      parts.push(text[at++]!);
    } else if (c === "$") {
      const reference = readReference(text, at, pattern);
      if (pattern.unsure.has(reference.group))
        throw new SyntaxError(
          `group ${reference.group} is optional within a repetition, or within a lookaround: such groups are not supported`,
        );
      parts.push(reference.group);
      at = reference.end;
    } else {
      parts.push(c);
    }
  }
  return parts;
}

function readReference(text: string, start: number, pattern: PatternParser): { group: number; end: number } {
  const named = /^\{([A-Za-z][A-Za-z0-9]*)\}/.exec(text.slice(start));
  if (named) {
    const group = pattern.names.get(named[1]!);
    if (group === undefined) throw new SyntaxError(`No group with name {${named[1]}}`);
    return { group, end: start + named[0].length };
  }
  const first = text[start] ?? "";
  if (!/^[0-9]$/.test(first)) throw new SyntaxError("Illegal group reference: $ stands before a group, \\$ for itself");
  let group = Number(first);
  if (group > pattern.groups) throw new SyntaxError(`No group ${group}`);
  let end = start + 1;
  // Further digits count as long as there is such a group.
  while (/^[0-9]$/.test(text[end] ?? "") && group * 10 + Number(text[end]) <= pattern.groups)
    group = group * 10 + Number(text[end++]);
  return { group, end };
}
