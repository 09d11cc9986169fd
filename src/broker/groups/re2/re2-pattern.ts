import { Re2Parser } from "./re2-parser.js";
import { type Instruction, Re2SyntaxError } from "./re2-program.js";

/**
 * A regular expression in the syntax of RE2, which Kafka's broker takes: without lookaround and back references. It runs
 * through a text once, whatever the expression, with at most two steps for each instruction at each character.
 */
export class Re2Pattern {
  readonly #program: readonly Instruction[];
  /** For each instruction, the last search of states that has found it. */
  readonly #foundIn: Uint32Array;
  #search = 0;
  #steps = 0;

  /** @throws Re2SyntaxError */
  constructor(pattern: string) {
    this.#program = new Re2Parser(pattern).parse();
    this.#foundIn = new Uint32Array(this.#program.length);
  }

  /** Steps of all matches so far: what they cost. */
  get steps(): number {
    return this.#steps;
  }

  /** The most steps that a match of so many characters takes. */
  stepsFor(chars: number): number {
    return 2 * this.#program.length * (chars + 1);
  }

  /** Whether the expression matches the whole text. */
  matches(text: string): boolean {
    const chars = [...text];
    let states = this.#closure([0], chars, 0);
    for (const [at, char] of chars.entries()) {
      const next: number[] = [];
      this.#steps += states.length;
      for (const state of states) {
        const instruction = this.#program[state]!;
        if (instruction.kind === "char" && instruction.accepts(char)) next.push(state + 1);
      }
      if (next.length === 0) return false;
      states = this.#closure(next, chars, at + 1);
    }
    return states.some((state) => this.#program[state]!.kind === "match");
  }

  /** All states that are reached without reading a character. */
  #closure(from: readonly number[], chars: readonly string[], at: number): number[] {
    const search = ++this.#search;
    const found: number[] = [];
    const left = [...from];
    for (let state = left.pop(); state !== undefined; state = left.pop()) {
      if (this.#foundIn[state] === search) continue;
      this.#foundIn[state] = search;
      found.push(state);
      const instruction = this.#program[state]!;
      if (instruction.kind === "fork") left.push(...instruction.to);
      else if (instruction.kind === "assert" && instruction.holds(chars, at)) left.push(state + 1);
    }
    this.#steps += found.length;
    return found;
  }
}

/** The fault of an expression; undefined if it is valid. */
export function re2Fault(pattern: string): string | undefined {
  try {
    new Re2Parser(pattern).parse();
    return undefined;
  } catch (error) {
    if (error instanceof Re2SyntaxError) return error.message;
    throw error;
  }
}
