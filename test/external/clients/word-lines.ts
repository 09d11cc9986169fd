/** Lines of words, a time for each, and what a count of them writes. All is the same in every run. */
const FIRST_MS = 1_700_000_000_000;
const WINDOW_MS = 10_000;

export interface WordLine {
  readonly key: string;
  readonly words: readonly string[];
  readonly timestampMs: number;
}

/** @param at the line's number, from 0. */
export function wordLine(at: number): WordLine {
  const words = Array.from({ length: 4 }, (_, place) => `w${(at * 7 + place * 13) % 50}`);
  return { key: `line${at}`, words, timestampMs: FIRST_MS + at * 10 };
}

/** The window of 10 s that a line is in. */
export function windowOf({ timestampMs }: WordLine): number {
  return Math.floor(timestampMs / WINDOW_MS) * WINDOW_MS;
}

/** For every key 1, 2, 3, … as often as it comes: what a count writes if it misses nothing and takes nothing twice. */
export function countsOf(keys: readonly string[]): Map<string, number[]> {
  const counts = new Map<string, number[]>();
  for (const key of keys) {
    const written = counts.get(key) ?? [];
    written.push(written.length + 1);
    counts.set(key, written);
  }
  return counts;
}

/** The values of every key, in the order in which they were written. */
export function writtenCounts(
  records: readonly { readonly key: string | null; readonly value: string | null }[],
): Map<string, number[]> {
  const counts = new Map<string, number[]>();
  for (const { key, value } of records) {
    const written = counts.get(String(key)) ?? [];
    written.push(Number(value));
    counts.set(String(key), written);
  }
  return counts;
}
