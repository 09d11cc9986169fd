export const DAY_MS = 86_400_000;

export interface DayAndTime {
  /** Days since 1970, UTC. */
  readonly epochDay: number;
  readonly msOfDay: number;
}

/** Splits a time. @param ms since 1970; exact also beyond 2^53 as a bigint. */
export function dayAndTime(ms: number | bigint): DayAndTime {
  if (typeof ms === "number") {
    const epochDay = Math.floor(ms / DAY_MS);
    return { epochDay, msOfDay: ms - epochDay * DAY_MS };
  }
  const day = BigInt(DAY_MS);
  const msOfDay = ((ms % day) + day) % day;
  return { epochDay: Number((ms - msOfDay) / day), msOfDay: Number(msOfDay) };
}

/** Puts a time together, which overflows as Java's long does. @param ms may lie outside the day. */
export function msOf(epochDay: number, ms: number): number | bigint {
  const sum = epochDay * DAY_MS + ms;
  if (Number.isSafeInteger(sum)) return sum;
  return BigInt.asIntN(64, BigInt(epochDay) * BigInt(DAY_MS) + BigInt(ms));
}
