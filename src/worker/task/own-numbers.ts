/** More would make a scrape as large as a plugin likes. */
const MOST = 50;

/** Of what a task reports, the numbers with a proper name: nothing else passes between threads, or into `/metrics`. */
export function ownNumbers(reported: unknown): Record<string, number> {
  if (typeof reported !== "object" || reported === null) return {};
  const numbers = Object.entries(reported).filter(
    ([name, value]) => /^[a-z][a-z0-9_]*$/.test(name) && typeof value === "number" && Number.isFinite(value),
  );
  return Object.fromEntries(numbers.slice(0, MOST)) as Record<string, number>;
}
