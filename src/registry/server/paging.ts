/** How much of a list a request may have. */
export interface PageLimits {
  readonly fallback: number;
  readonly most: number;
}

const UNLIMITED: PageLimits = { fallback: 2 ** 31 - 1, most: 2 ** 31 - 1 };

/** The part of a list that `offset` and `limit` name; a limit that is not allowed counts as the default. */
export function page<T>(items: readonly T[], query: URLSearchParams, { fallback, most }: PageLimits = UNLIMITED): T[] {
  const asked = integer(query.get("limit"), -1);
  const limit = asked >= 1 && asked <= most ? asked : fallback;
  const offset = Math.max(0, integer(query.get("offset"), 0));
  return items.slice(offset, offset + limit);
}

function integer(text: string | null, otherwise: number): number {
  return text !== null && /^[+-]?\d+$/.test(text) ? Number(text) : otherwise;
}
