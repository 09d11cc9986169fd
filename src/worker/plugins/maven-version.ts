/** A number, a qualifier (as the rank by which it compares), or the parts behind a hyphen. */
type Part = bigint | string | readonly Part[];

/** Qualifiers in their order, "" standing for the release itself; unknown ones follow all of these, alphabetically. */
const QUALIFIERS = ["alpha", "beta", "milestone", "rc", "snapshot", "", "sp"];
const SYNONYMS: Readonly<Record<string, string>> = { ga: "", final: "", release: "", cr: "rc" };
/** Letters that stand for a qualifier directly before a number. */
const LETTERS: Readonly<Record<string, string>> = { a: "alpha", b: "beta", m: "milestone" };

/**
 * Orders two versions as Maven does (KIP-891): `1.9` < `1.10-rc1` < `1.10` = `1.10.0.Final` < `1.10-sp`. Negative, zero
 * or positive, as for `sort`.
 */
export function compareVersions(a: string, b: string): number {
  return compareLists(partsOf(a), partsOf(b));
}

function partsOf(version: string): readonly Part[] {
  const lists: Part[][] = [[]];
  const nest = () => {
    const parts: Part[] = [];
    lists.at(-1)!.push(parts);
    lists.push(parts);
  };
  // Digits, a word, or nothing between two separators.
  const tokens = version.toLowerCase().matchAll(/([.-]?)(?:(\d+)|([^\d.-]+)|(?=[.-]))/g);
  let isFirst = true;
  for (const { 1: separator, 2: digits, 3: word, input, index, 0: whole } of tokens) {
    if (whole === "" && !isFirst) continue;
    const next = input[index + whole.length];
    const isBeforeDigit = next !== undefined && /\d/.test(next);
    // From digits to letters and back counts like a hyphen.
    const isTransition = separator === "" && !isFirst;
    const isLoneWord = word !== undefined && lists.at(-1)!.length > 0 && (isBeforeDigit || next === undefined);
    if ((separator === "-" && !isFirst) || isTransition || isLoneWord) nest();
    if (word === undefined) lists.at(-1)!.push(BigInt(digits ?? 0));
    else lists.at(-1)!.push(rankOf((isBeforeDigit && LETTERS[word]) || word));
    isFirst = false;
  }
  for (const parts of lists.reverse()) trim(parts);
  return lists.at(-1)!;
}

/** Ranks compare as texts. */
function rankOf(word: string): string {
  const known = QUALIFIERS.indexOf(SYNONYMS[word] ?? word);
  return known < 0 ? `${QUALIFIERS.length}-${word}` : String(known);
}

const RELEASE = rankOf("");

/** Removes zeros and empty lists at the end, and before lists: `1.0` is `1`, and `1.0-rc1` is `1-rc1`. */
function trim(parts: Part[]): void {
  for (let at = parts.length - 1; at >= 0; at--) {
    const part = parts[at]!;
    if (part === 0n || (Array.isArray(part) && part.length === 0)) parts.splice(at, 1);
    else if (!Array.isArray(part)) break;
  }
}

function compareLists(a: readonly Part[], b: readonly Part[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const [one, other] = [a[at], b[at]];
    const order = one === undefined ? -compareParts(other!, undefined) : compareParts(one, other);
    if (order !== 0) return order;
  }
  return 0;
}

/** An absent part stands for zero and for the release. */
function compareParts(a: Part, b: Part | undefined): number {
  if (b !== undefined && kindOf(a) !== kindOf(b)) return kindOf(a) - kindOf(b);
  if (typeof a === "bigint") return compare(a, (b ?? 0n) as bigint);
  if (typeof a === "string") return compare(a, (b ?? RELEASE) as string);
  return compareLists(a, (b ?? []) as readonly Part[]);
}

/** Of two parts of different kinds, words come first, then lists, then numbers. */
function kindOf(part: Part): number {
  return typeof part === "string" ? 0 : typeof part === "bigint" ? 2 : 1;
}

function compare<T extends bigint | string>(a: T, b: T): number {
  return a < b ? -1 : Number(a > b);
}
