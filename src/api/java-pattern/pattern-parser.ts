import { readClass } from "./char-class.js";
import { ANY, ANY_BUT_LINE_BREAK, END_OR_LAST_LINE_BREAK, readEscape } from "./escape.js";
import { literal } from "./literal.js";
import { PatternText } from "./pattern-text.js";

/** A translated part of the pattern, with the facts that decide whether its surroundings can be translated. */
interface Piece {
  readonly text: string;
  readonly canBeEmpty: boolean;
  /** Its length has an upper bound, which Java demands of a lookbehind. */
  readonly isBounded: boolean;
  /** Contains an atomic part. */
  readonly isAtomic: boolean;
  /** Repeats a part that can be empty: Java and JavaScript try its matches in different orders. */
  readonly repeatsEmpty: boolean;
  readonly hasBranches: boolean;
  /** The numbers of the capturing groups within. */
  readonly groups: readonly number[];
  /** Those that need not take part in a match. */
  readonly absentees: readonly number[];
}

export interface PatternFlags {
  readonly ignoresCase: boolean;
  /** `.` matches line breaks, too. */
  readonly dotAll: boolean;
}

const EMPTY: Piece = {
  text: "",
  canBeEmpty: true,
  isBounded: true,
  isAtomic: false,
  repeatsEmpty: false,
  hasBranches: false,
  groups: [],
  absentees: [],
};

/** Translates one Java pattern. */
export class PatternParser {
  readonly #text: PatternText;
  #flags: PatternFlags;
  #atomics = 0;
  #groups = 0;
  readonly #names = new Map<string, number>();
  readonly #unsure = new Set<number>();
  readonly #captures: boolean;

  /** @param captures whether group N of Java is to be the group `gN`; otherwise no group captures. */
  constructor(source: string, flags: PatternFlags, captures = false) {
    this.#text = new PatternText(source);
    this.#flags = flags;
    this.#captures = captures;
  }

  /** After `parse`: the number of capturing groups. */
  get groups(): number {
    return this.#groups;
  }

  /** After `parse`: the groups with a name. */
  get names(): ReadonlyMap<string, number> {
    return this.#names;
  }

  /** After `parse`: the groups that may capture another part of the text than in Java. */
  get unsure(): ReadonlySet<number> {
    return this.#unsure;
  }

  /**
   * @returns the pattern in JavaScript, for the flag `v` alone, and for matching whole texts.
   * @throws SyntaxError for a pattern that Java refuses, or that has no exact counterpart.
   */
  parse(): string {
    const { text } = this.#alternatives();
    if (!this.#text.isAtEnd) throw new SyntaxError("a closing parenthesis has no opening one");
    return text;
  }

  #alternatives(): Piece {
    const options = [this.#sequence()];
    while (this.#text.take("|")) options.push(this.#sequence());
    return options.length === 1 ? options[0]! : alternation(options);
  }

  #sequence(): Piece {
    let whole = EMPTY;
    while (!this.#text.isAtEnd && !this.#text.startsWith("|") && !this.#text.startsWith(")")) {
      const atom = this.#atom();
      if (atom) whole = concatenation(whole, this.#quantified(atom));
    }
    return whole;
  }

  /** @returns undefined for inline flags such as `(?i)`. */
  #atom(): Piece | undefined {
    const text = this.#text;
    const { ignoresCase, dotAll } = this.#flags;
    for (const meta of ["*", "+", "?"])
      if (text.startsWith(meta)) throw new SyntaxError(`${meta} has nothing to repeat`);
    if (text.startsWith("{")) throw new SyntaxError("{ has nothing to repeat: write \\{ for the character");
    if (text.take("(")) return this.#group();
    if (text.take("[")) return one(readClass(text, ignoresCase));
    if (text.take("^")) return assertion("^");
    if (text.take("$")) return assertion(END_OR_LAST_LINE_BREAK);
    if (text.take(".")) return one(dotAll ? ANY : ANY_BUT_LINE_BREAK);
    if (!text.take("\\")) return one(literal(text.next().codePointAt(0)!, ignoresCase));
    const escaped = readEscape(text, ignoresCase);
    if (escaped.kind === "char") return one(literal(escaped.codePoint, ignoresCase));
    return escaped.kind === "assertion" ? assertion(escaped.text) : one(escaped.text);
  }

  #quantified(whole: Piece): Piece {
    const text = this.#text;
    const times = this.#times();
    if (!times) return whole;
    const kind = text.take("?") ? "?" : text.take("+") ? "+" : "";
    // A possessive repetition never backtracks into an earlier iteration, even to reach its minimum.
    const atom = kind === "+" && times.least > 1 ? this.#atomic(whole) : whole;
    for (const meta of ["*", "+", "?", "{"])
      if (text.startsWith(meta)) throw new SyntaxError(`${meta} has nothing to repeat`);
    if (times.most > 1) {
      // Java keeps what a group captured in an earlier iteration, JavaScript forgets it; and each has its own way with
      // iterations that are empty.
      for (const group of atom.canBeEmpty || atom.repeatsEmpty ? atom.groups : atom.absentees) this.#unsure.add(group);
    }
    const repeated: Piece = {
      text: `(?:${atom.text})${times.text}${kind === "?" ? "?" : ""}`,
      canBeEmpty: atom.canBeEmpty || times.least === 0,
      // Java computes no bound for repeated alternatives.
      isBounded: atom.isBounded && Number.isFinite(times.most) && !atom.hasBranches,
      isAtomic: atom.isAtomic,
      repeatsEmpty: atom.repeatsEmpty || atom.canBeEmpty,
      hasBranches: atom.hasBranches,
      groups: atom.groups,
      absentees: times.least === 0 ? atom.groups : atom.absentees,
    };
    return kind === "+" ? this.#atomic(repeated) : repeated;
  }

  /** The next quantifier, if any. */
  #times(): { readonly text: string; readonly least: number; readonly most: number } | undefined {
    const text = this.#text;
    if (text.take("*")) return { text: "*", least: 0, most: Number.POSITIVE_INFINITY };
    if (text.take("+")) return { text: "+", least: 1, most: Number.POSITIVE_INFINITY };
    if (text.take("?")) return { text: "?", least: 0, most: 1 };
    if (!text.take("{")) return undefined;
    const least = text.takeWhile(/[0-9]/);
    const hasComma = text.take(",");
    const most = hasComma ? text.takeWhile(/[0-9]/) : least;
    if (least === "" || !text.take("}")) throw new SyntaxError("a repetition is not {n}, {n,} or {n,m}");
    if (most !== "" && Number(most) < Number(least)) throw new SyntaxError("a repetition is out of order");
    if (Math.max(Number(least), Number(most)) > MOST_TIMES)
      throw new SyntaxError(`a repetition of more than ${MOST_TIMES} is not supported`);
    return {
      text: `{${least}${hasComma ? `,${most}` : ""}}`,
      least: Number(least),
      most: most === "" ? Number.POSITIVE_INFINITY : Number(most),
    };
  }

  /** JavaScript has no atomic groups, but it never backtracks into a lookahead. */
  #atomic(inner: Piece): Piece {
    if (inner.repeatsEmpty)
      throw new SyntaxError("a possessive quantifier or atomic group over a repetition of what may be empty");
    const name = `a${this.#atomics++}`;
    return { ...inner, text: `(?:(?=(?<${name}>${inner.text}))\\k<${name}>)`, isAtomic: true };
  }

  /** A group, after its opening parenthesis. Back references are refused. */
  #group(): Piece | undefined {
    const outer = this.#flags;
    const text = this.#text;
    const close = (): Piece => {
      const inner = this.#alternatives();
      if (!text.take(")")) throw new SyntaxError("a group is not closed");
      this.#flags = outer;
      return { ...inner, text: `(?:${inner.text})` };
    };
    const capture = (): Piece => {
      const group = ++this.#groups;
      const inner = close();
      const whole = { ...inner, groups: [group, ...inner.groups] };
      return this.#captures ? { ...whole, text: `(?<g${group}>${inner.text})` } : whole;
    };
    const around = (kind: "?=" | "?!" | "?<=" | "?<!"): Piece => {
      const inner = close();
      // Only a lookahead that matches captures as in Java.
      if (kind !== "?=") for (const group of inner.groups) this.#unsure.add(group);
      return lookaround(kind, inner);
    };
    if (!text.take("?")) return capture();
    if (text.take(":")) return close();
    if (text.take(">")) return this.#atomic(close());
    if (text.take("=")) return around("?=");
    if (text.take("!")) return around("?!");
    if (text.take("<=")) return around("?<=");
    if (text.take("<!")) return around("?<!");
    if (text.take("<")) {
      this.#names.set(this.#name(), this.#groups + 1);
      return capture();
    }
    this.#takeFlags();
    if (text.take(")")) return undefined;
    if (text.take(":")) return close();
    const kinds = "(, (?:, (?=, (?!, (?<=, (?<!, (?>, (?<name>, (?i), (?s) or (?i:";
    throw new SyntaxError(`a group may begin with ${kinds}, not with (?${text.isAtEnd ? "" : text.next()}`);
  }

  #name(): string {
    const name = this.#text.takeWhile(/[0-9A-Za-z]/);
    if (!/^[A-Za-z]/.test(name) || !this.#text.take(">")) throw new SyntaxError("a group's name is not of letters");
    if (this.#names.has(name)) throw new SyntaxError(`two groups have the name ${name}`);
    return name;
  }

  /** Inline flags: `i` and `s`, switched off after `-`. They hold to the end of the enclosing group. */
  #takeFlags(): void {
    const on = this.#text.takeWhile(/[A-Za-z]/);
    const off = this.#text.take("-") ? this.#text.takeWhile(/[A-Za-z]/) : "";
    const unknown = /[^is]/.exec(on + off)?.[0];
    if (unknown !== undefined) throw new SyntaxError(`the flag (?${unknown}) is not supported (supported are i and s)`);
    const { ignoresCase, dotAll } = this.#flags;
    this.#flags = {
      ignoresCase: (ignoresCase || on.includes("i")) && !off.includes("i"),
      dotAll: (dotAll || on.includes("s")) && !off.includes("s"),
    };
  }
}

/** V8 refuses larger repetitions, or takes seconds to compile them. */
const MOST_TIMES = 10_000;

function one(text: string): Piece {
  return { ...EMPTY, text, canBeEmpty: false };
}

function assertion(text: string): Piece {
  return { ...EMPTY, text };
}

function lookaround(kind: "?=" | "?!" | "?<=" | "?<!", inner: Piece): Piece {
  if (kind.startsWith("?<") && !inner.isBounded)
    throw new SyntaxError("what is looked behind for has no obvious greatest length");
  // JavaScript matches a lookbehind from right to left, where an atomic part takes other characters.
  if (kind.startsWith("?<") && inner.isAtomic) throw new SyntaxError("atomic parts within a lookbehind");
  return { ...assertion(`(${kind}${inner.text})`), groups: inner.groups, absentees: inner.absentees };
}

function concatenation(left: Piece, right: Piece): Piece {
  return {
    text: left.text + right.text,
    canBeEmpty: left.canBeEmpty && right.canBeEmpty,
    isBounded: left.isBounded && right.isBounded,
    isAtomic: left.isAtomic || right.isAtomic,
    repeatsEmpty: left.repeatsEmpty || right.repeatsEmpty,
    hasBranches: left.hasBranches || right.hasBranches,
    groups: [...left.groups, ...right.groups],
    absentees: [...left.absentees, ...right.absentees],
  };
}

function alternation(options: readonly Piece[]): Piece {
  return {
    text: options.map(({ text }) => text).join("|"),
    canBeEmpty: options.some(({ canBeEmpty }) => canBeEmpty),
    isBounded: options.every(({ isBounded }) => isBounded),
    isAtomic: options.some(({ isAtomic }) => isAtomic),
    repeatsEmpty: options.some(({ repeatsEmpty }) => repeatsEmpty),
    hasBranches: true,
    groups: options.flatMap(({ groups }) => groups),
    absentees: options.flatMap(({ groups }) => groups),
  };
}
