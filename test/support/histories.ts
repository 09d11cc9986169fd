/**
 * Histories of a long test, from `MILLRACE_HISTORIES` or `count`. The ring runs as many as its time allows; a change to
 * the log deserves 10,000.
 */
export function historiesOr(count: number): number {
  return Number(process.env["MILLRACE_HISTORIES"] ?? count);
}
