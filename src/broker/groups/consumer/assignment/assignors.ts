import type { Assignor } from "./assignor.js";
import { rangeAssignor } from "./range-assignor.js";
import { uniformAssignor } from "./uniform-assignor.js";

/** The assignors by name. */
export const ASSIGNORS: ReadonlyMap<string, Assignor> = new Map([
  ["uniform", uniformAssignor],
  ["range", rangeAssignor],
]);

const DEFAULT_ASSIGNOR = "uniform";

/** The assignor that most members vote for. Those that name none do not vote. */
export function preferredAssignor(votes: Iterable<string | null>): string {
  const counts = new Map<string, number>();
  for (const vote of votes) if (vote !== null) counts.set(vote, (counts.get(vote) ?? 0) + 1);
  let preferred = DEFAULT_ASSIGNOR;
  for (const [name, count] of counts) if (count > (counts.get(preferred) ?? 0)) preferred = name;
  return preferred;
}
