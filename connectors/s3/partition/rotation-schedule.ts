import type { TimeZone } from "../time/time-zone.js";

const DAY_MS = 86_400_000;

/**
 * The time of the next scheduled rotation: the first multiple of `intervalMs` after `nowMs`, counted from local
 * midnight, and at the latest the next local midnight. Both midnights are looked up in the zone, so days of 23 and 25
 * hours work.
 *
 * @param intervalMs positive.
 */
export function planNextRotation(nowMs: number, intervalMs: number, zone: TimeZone): number {
  const localDay = Math.floor(zone.toLocalMs(nowMs) / DAY_MS) * DAY_MS;
  const dayStartMs = zone.toUtcMs(localDay);
  const nextMidnightMs = zone.toUtcMs(localDay + DAY_MS);
  const nextMs = dayStartMs + (Math.floor((nowMs - dayStartMs) / intervalMs) + 1) * intervalMs;
  return Math.min(nextMs, nextMidnightMs);
}
