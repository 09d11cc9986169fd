/** One step of a compiled expression. After `char` and `assert` the next one follows. */
export type Instruction =
  | { readonly kind: "char"; readonly accepts: (char: string) => boolean }
  | { readonly kind: "assert"; readonly holds: (chars: readonly string[], at: number) => boolean }
  | { readonly kind: "fork"; readonly to: readonly number[] }
  | { readonly kind: "match" };

/** A part of an expression, not yet at its place: the targets of its forks count from its own start. */
export type Fragment = readonly Instruction[];

/** Instructions that an expression may have: each may cost a step with each character of each topic. */
const MOST_INSTRUCTIONS = 4000;

/** The expression is not one that RE2 takes. */
export class Re2SyntaxError extends Error {
  override readonly name = "Re2SyntaxError";
}

/** One after the other. */
export function sequence(parts: readonly Fragment[]): Fragment {
  const all: Instruction[] = [];
  for (const part of parts) {
    bounded(all.length + part.length);
    for (const instruction of moved(part, all.length)) all.push(instruction);
  }
  return all;
}

/** One of several. */
export function alternation(branches: readonly Fragment[]): Fragment {
  if (branches.length === 1) return branches[0]!;
  const end = branches.reduce((length, branch) => length + branch.length + 1, 1);
  bounded(end);
  const starts: number[] = [];
  const parts: Fragment[] = [];
  let at = 1;
  for (const branch of branches) {
    starts.push(at);
    at += branch.length;
    parts.push(branch, fork(end - at));
    at++;
  }
  return sequence([fork(...starts), ...parts]);
}

/** `least` to `most` times; `most` may be infinite. */
export function repetition(part: Fragment, least: number, most: number): Fragment {
  const required: Fragment[] = [];
  for (let count = 0; count < least; count++) {
    bounded((count + 1) * part.length);
    required.push(part);
  }
  if (most === Number.POSITIVE_INFINITY) {
    const loop = sequence([fork(1, part.length + 2), part, fork(-part.length - 1)]);
    return sequence([...required, loop]);
  }
  let optional: Fragment = [];
  for (let count = least; count < most; count++) {
    const inner = sequence([part, optional]);
    optional = sequence([fork(1, inner.length + 1), inner]);
  }
  return sequence([...required, optional]);
}

function fork(...to: readonly number[]): Fragment {
  return [{ kind: "fork", to }];
}

/** The part as if it began at `by`. */
function moved(part: Fragment, by: number): Fragment {
  if (by === 0) return part;
  return part.map((each) => (each.kind === "fork" ? { kind: "fork", to: each.to.map((target) => target + by) } : each));
}

function bounded(instructions: number): void {
  if (instructions > MOST_INSTRUCTIONS) throw new Re2SyntaxError("expression too large");
}
