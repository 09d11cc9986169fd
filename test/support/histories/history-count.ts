/**
 * The number of histories of a long test: `MILLRACE_HISTORIES`, or `count`. The ring runs as many as its time allows; a
 * change to the log, or to the group, deserves 10,000.
 */
export function historyCount(count: number): number {
  return Number(process.env["MILLRACE_HISTORIES"] ?? count);
}
