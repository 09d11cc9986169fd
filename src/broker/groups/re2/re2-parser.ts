import { classOf, foldedClass, posixClass, unicodeClass } from "./re2-classes.js";
import { alternation, type Fragment, type Instruction, Re2SyntaxError, repetition, sequence } from "./re2-program.js";

interface Flags {
  readonly foldsCase: boolean;
  /** `^` and `$` also match at lines. */
  readonly isMultiline: boolean;
  /** `.` also matches a newline. */
  readonly dotIsAll: boolean;
}

type Accepts = (char: string) => boolean;

const MOST_REPEATS = 1000;
const MOST_DEPTH = 250;
const REPEAT = /^\{(\d+)(,(\d*))?\}/;
const GROUP_NAME = /^\(\?P?<([A-Za-z0-9_]+)>/;
const FLAGS = /^\(\?([imsU]*)(?:-([imsU]+))?([:)])/;
const POSIX_CLASS = /^\[:(\^?)(\w+):\]/;
const CONTROLS: Readonly<Record<string, string>> = { a: "\u0007", f: "\f", t: "\t", n: "\n", r: "\r", v: "\v" };

/** Compiles an expression of RE2. */
export class Re2Parser {
  readonly #names = new Set<string>();
  #at = 0;
  #depth = 0;
  #flags: Flags = { foldsCase: false, isMultiline: false, dotIsAll: false };

  constructor(private readonly pattern: string) {}

  /** @throws Re2SyntaxError */
  parse(): readonly Instruction[] {
    const whole = this.#alternatives();
    if (this.#at < this.pattern.length) throw new Re2SyntaxError("unexpected )");
    return [...whole, { kind: "match" }];
  }

  #alternatives(): Fragment {
    const branches = [this.#branch()];
    while (this.#take("|")) branches.push(this.#branch());
    return alternation(branches);
  }

  #branch(): Fragment {
    const parts: Fragment[] = [];
    while (this.#at < this.pattern.length && !this.#sees("|") && !this.#sees(")")) {
      if (/[*+?]/.test(this.pattern[this.#at]!)) throw new Re2SyntaxError("missing argument to repetition operator");
      const part = this.#atom();
      // Flags are no part that could be repeated.
      if (part) parts.push(this.#repeated(part));
    }
    return sequence(parts);
  }

  #repeated(part: Fragment): Fragment {
    const range = this.#range();
    if (!range) return part;
    this.#take("?");
    if (this.#range()) throw new Re2SyntaxError("invalid nested repetition operator");
    return repetition(part, ...range);
  }

  /** Reads `*`, `+`, `?` or `{n,m}`. */
  #range(): [number, number] | undefined {
    if (this.#take("*")) return [0, Number.POSITIVE_INFINITY];
    if (this.#take("+")) return [1, Number.POSITIVE_INFINITY];
    if (this.#take("?")) return [0, 1];
    const counted = REPEAT.exec(this.#rest());
    // Braces that form no repetition are literal text.
    if (!counted) return undefined;
    const [all, least, comma, most] = counted;
    this.#at += all.length;
    const from = Number(least);
    const to = comma === undefined ? from : most === "" ? Number.POSITIVE_INFINITY : Number(most);
    const isTooMuch = from > MOST_REPEATS || (to > MOST_REPEATS && to !== Number.POSITIVE_INFINITY);
    if (isTooMuch || from > to) throw new Re2SyntaxError("invalid repeat count");
    return [from, to];
  }

  #atom(): Fragment | undefined {
    const { isMultiline, dotIsAll } = this.#flags;
    if (this.#sees("(")) return this.#group();
    if (this.#sees("[")) return this.#accepting(this.#bracket());
    if (this.#sees("\\")) return this.#escape();
    const char = this.#next();
    if (char === ".") return [{ kind: "char", accepts: (each) => dotIsAll || each !== "\n" }];
    if (char === "^") return [asserts((chars, at) => at === 0 || (isMultiline && chars[at - 1] === "\n"))];
    if (char === "$") return [asserts((chars, at) => at === chars.length || (isMultiline && chars[at] === "\n"))];
    return this.#accepting(classOf(char));
  }

  #group(): Fragment | undefined {
    const outside = this.#flags;
    if (this.#rest().startsWith("(?")) {
      const named = GROUP_NAME.exec(this.#rest());
      const flags = FLAGS.exec(this.#rest());
      if (named) {
        const [all, name] = named as unknown as [string, string];
        if (this.#names.has(name)) throw new Re2SyntaxError("duplicate capture group name");
        this.#names.add(name);
        this.#at += all.length;
      } else if (flags && flags[0] !== "(?)") {
        this.#at += flags[0].length;
        this.#setFlags(flags[1]!, true);
        this.#setFlags(flags[2] ?? "", false);
        if (flags[3] === ")") return undefined;
      } else {
        const isNamed = /^\(\?P?</.test(this.#rest());
        throw new Re2SyntaxError(isNamed ? "invalid named capture" : "invalid or unsupported Perl syntax");
      }
    } else {
      this.#at++;
    }
    if (++this.#depth > MOST_DEPTH) throw new Re2SyntaxError("expression nests too deeply");
    const inside = this.#alternatives();
    this.#depth--;
    if (!this.#take(")")) throw new Re2SyntaxError("missing closing )");
    this.#flags = outside;
    return inside;
  }

  #setFlags(names: string, value: boolean): void {
    const { foldsCase, isMultiline, dotIsAll } = this.#flags;
    this.#flags = {
      foldsCase: names.includes("i") ? value : foldsCase,
      isMultiline: names.includes("m") ? value : isMultiline,
      dotIsAll: names.includes("s") ? value : dotIsAll,
    };
  }

  #escape(): Fragment {
    const rest = this.#rest();
    if (rest.startsWith("\\Q")) return this.#quoted();
    const assertion = ASSERTIONS[rest.slice(0, 2)];
    if (assertion) {
      this.#at += 2;
      return [assertion];
    }
    return this.#accepting(this.#escapedClass());
  }

  /** `\Q…\E`, or to the end. */
  #quoted(): Fragment {
    const end = this.pattern.indexOf("\\E", this.#at);
    const text = this.pattern.slice(this.#at + 2, end < 0 ? undefined : end);
    this.#at = end < 0 ? this.pattern.length : end + 2;
    const chars = [...text];
    const last = chars.pop();
    const before = chars.map((char) => this.#accepting(classOf(char)));
    // Only the last one would be repeated by what follows.
    const tail = last === undefined ? [] : this.#repeated(this.#accepting(classOf(last)));
    return sequence([...before, tail]);
  }

  /** An escape that stands for one character or a class of them. */
  #escapedClass(): Accepts {
    const start = this.#at++;
    if (this.#at >= this.pattern.length) throw new Re2SyntaxError("trailing backslash at end of expression");
    const unicode = /^[pP](?:\{(\^?)(\w+)\}|([A-Z]))/.exec(this.#rest());
    if (unicode) {
      this.#at += unicode[0].length;
      const accepts = unicodeClass((unicode[2] ?? unicode[3])!);
      if (!accepts) throw new Re2SyntaxError("invalid character class range");
      const isNegated = unicode[0].startsWith("P") !== (unicode[1] === "^");
      return (char) => accepts!(char) !== isNegated;
    }
    const perl = /^[dDwWsS]/.exec(this.#rest())?.[0];
    if (perl) {
      this.#at++;
      const accepts = PERL[perl.toLowerCase()]!;
      return perl === perl.toLowerCase() ? accepts : (char) => !accepts(char);
    }
    this.#at = start;
    return classOf(this.#escapedChar());
  }

  /** An escape that stands for one character. */
  #escapedChar(): string {
    this.#at++;
    if (this.#at >= this.pattern.length) throw new Re2SyntaxError("trailing backslash at end of expression");
    const code = /^(?:x\{([0-9A-Fa-f]{1,6})\}|x([0-9A-Fa-f]{2})|(0[0-7]{0,2}|[1-7][0-7]{1,2}))/.exec(this.#rest());
    if (code) {
      this.#at += code[0].length;
      const point = code[3] === undefined ? Number.parseInt((code[1] ?? code[2])!, 16) : Number.parseInt(code[3], 8);
      if (point > 0x10ffff) throw new Re2SyntaxError("invalid escape sequence");
      return String.fromCodePoint(point);
    }
    const char = this.#next();
    const control = CONTROLS[char];
    if (control !== undefined) return control;
    if (/[0-9A-Za-z]/.test(char)) throw new Re2SyntaxError("invalid escape sequence");
    return char;
  }

  /** `[…]` */
  #bracket(): Accepts {
    this.#at++;
    const isNegated = this.#take("^");
    const parts: Accepts[] = [];
    for (let isFirst = true; isFirst || !this.#sees("]"); isFirst = false) {
      if (this.#at >= this.pattern.length) throw new Re2SyntaxError("missing closing ]");
      parts.push(this.#inBracket());
    }
    this.#at++;
    const { foldsCase } = this.#flags;
    const accepts: Accepts = (char) => parts.some((part) => part(char));
    const folded = foldsCase ? foldedClass(accepts) : accepts;
    return isNegated ? (char) => !folded(char) : folded;
  }

  #inBracket(): Accepts {
    const posix = POSIX_CLASS.exec(this.#rest());
    if (posix) {
      this.#at += posix[0].length;
      const accepts = posixClass(posix[2]!);
      if (!accepts) throw new Re2SyntaxError("invalid character class range");
      return posix[1] === "^" ? (char) => !accepts!(char) : accepts!;
    }
    if (/^\\[dDwWsSpP]/.test(this.#rest())) return this.#escapedClass();
    const low = this.#classChar();
    if (!this.#sees("-") || this.pattern[this.#at + 1] === "]" || this.#at + 1 >= this.pattern.length)
      return classOf(low);
    this.#at++;
    const high = this.#classChar().codePointAt(0)!;
    const from = low.codePointAt(0)!;
    if (high < from) throw new Re2SyntaxError("invalid character class range");
    return (char) => char.codePointAt(0)! >= from && char.codePointAt(0)! <= high;
  }

  #classChar(): string {
    return this.#sees("\\") ? this.#escapedChar() : this.#next();
  }

  #accepting(accepts: Accepts): Fragment {
    return [{ kind: "char", accepts: this.#flags.foldsCase ? foldedClass(accepts) : accepts }];
  }

  #rest(): string {
    return this.pattern.slice(this.#at);
  }

  #sees(char: string): boolean {
    return this.pattern[this.#at] === char;
  }

  #take(char: string): boolean {
    if (!this.#sees(char)) return false;
    this.#at++;
    return true;
  }

  #next(): string {
    const char = String.fromCodePoint(this.pattern.codePointAt(this.#at)!);
    this.#at += char.length;
    return char;
  }
}

const PERL: Readonly<Record<string, Accepts>> = {
  d: (char) => /^[0-9]$/.test(char),
  w: isWord,
  s: (char) => /^[\t\n\f\r ]$/.test(char),
};

const ASSERTIONS: Readonly<Record<string, Instruction>> = {
  "\\A": asserts((_, at) => at === 0),
  "\\z": asserts((chars, at) => at === chars.length),
  "\\b": asserts((chars, at) => isWord(chars[at - 1]) !== isWord(chars[at])),
  "\\B": asserts((chars, at) => isWord(chars[at - 1]) === isWord(chars[at])),
};

function isWord(char: string | undefined): boolean {
  return char !== undefined && /^[0-9A-Za-z_]$/.test(char);
}

function asserts(holds: (chars: readonly string[], at: number) => boolean): Instruction {
  return { kind: "assert", holds };
}
