import type { TimeZone } from "../time/time-zone.js";

const DAY_MS = 86_400_000;

/**
 * When a scheduled rotation comes next: the first multiple of `intervalMs`, counted from local midnight, after `nowMs`,
 * but never beyond the next local midnight. Days of 23 and 25 hours come out right because both midnights are looked
 * up in the zone.
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
