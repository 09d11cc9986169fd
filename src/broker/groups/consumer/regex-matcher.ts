import { Re2Pattern } from "../re2/re2-pattern.js";
import type { TopicsView } from "./assignment/topics-view.js";

/** How often a regular expression is matched again though no topic has changed: the client's rights may have. */
const REFRESH_MS = 600_000;

/** Steps of patterns that one heartbeat may take: tens of milliseconds. `orders-.*` takes some 400 for a topic that matches. */
const MOST_STEPS = 1_000_000;

/** A regular expression and the topics that it matches. */
export interface MatchedRegex {
  readonly regex: string;
  readonly names: readonly string[];
  /** The version of the topics that it was matched with. */
  readonly version: number;
}

interface Matching {
  readonly pattern: Re2Pattern;
  readonly version: number;
  readonly names: string[];
  /** Topics that it is still to be matched with. */
  readonly left: string[];
}

/**
 * Matches the regular expressions of a group's members with the topics. One that takes many steps is matched in parts,
 * with one heartbeat after the other, as no client may hold up the others; a member gets its topics once that is done.
 */
export class RegexMatcher {
  /** When each was last matched, and with which topics. */
  readonly #matched = new Map<string, { readonly version: number; readonly atMs: number }>();
  readonly #matching = new Map<string, Matching>();

  /** How many regular expressions it remembers. */
  get size(): number {
    return new Set([...this.#matched.keys(), ...this.#matching.keys()]).size;
  }

  /**
   * Goes on with those that are due, as far as one heartbeat may. Returns those that are done.
   *
   * @param used all of the members; others are forgotten.
   * @param mayMatch whether a topic may be matched, as the client may know of it.
   */
  advance(
    used: ReadonlySet<string>,
    topics: TopicsView,
    mayMatch: (topic: string) => boolean,
    nowMs: number,
  ): MatchedRegex[] {
    for (const known of [this.#matched, this.#matching]) {
      for (const regex of known.keys()) if (!used.has(regex)) known.delete(regex);
    }
    const done: MatchedRegex[] = [];
    let stepsLeft = MOST_STEPS;
    for (const regex of used) {
      const last = this.#matched.get(regex);
      if (last?.version === topics.version && nowMs - last.atMs < REFRESH_MS) continue;
      if (stepsLeft <= 0) break;
      const matching = this.#matching.get(regex) ?? begin(regex, topics);
      this.#matching.set(regex, matching);
      stepsLeft = goOn(matching, mayMatch, stepsLeft);
      if (matching.left.length > 0) break;
      const { version, names } = matching;
      this.#matching.delete(regex);
      this.#matched.set(regex, { version, atMs: nowMs });
      done.push({ regex, names, version });
    }
    return done;
  }

  /** All are due again. */
  forget(): void {
    this.#matched.clear();
    this.#matching.clear();
  }
}

function begin(regex: string, topics: TopicsView): Matching {
  return { pattern: new Re2Pattern(regex), version: topics.version, names: [], left: [...topics.names()].reverse() };
}

/** Returns how many steps are left. */
function goOn({ pattern, names, left }: Matching, mayMatch: (topic: string) => boolean, mostSteps: number): number {
  const end = pattern.steps + mostSteps;
  while (pattern.steps < end) {
    const name = left.pop();
    if (name === undefined) break;
    if (pattern.matches(name) && mayMatch(name)) names.push(name);
  }
  return end - pattern.steps;
}
