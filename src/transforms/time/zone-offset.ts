const DAY_MS = 86_400_000;
/** Before this, every zone has its local mean time. */
const FIRST_RULES_MS = Date.UTC(1800, 0, 1);
/** Since then, offsets change at whole minutes. */
const WHOLE_MINUTES_MS = Date.UTC(1973, 0, 1);
/** Rules repeat with the Gregorian calendar, every 400 years. */
const CYCLE_MS = 146_097 * DAY_MS;
const LAST_YEAR_MS = Date.UTC(2800, 0, 1);

/** The offsets of a time zone, in seconds, as java.time.zone.ZoneRules gives them. */
export interface ZoneRules {
  /** Of a moment. @param ms since 1970 */
  offsetAt(ms: number): number;
  /** Of a local time, as UTC milliseconds that read the same: the offset before a change, in its gap or overlap. */
  offsetOfLocal(ms: number): number;
}

/**
 * The rules of a zone by its id (`Europe/Berlin`) or offset (`+02:00`, at most 18 hours); undefined if there is none.
 */
export function zoneRules(id: string): ZoneRules | undefined {
  const fixed = /^([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(id);
  if (fixed) {
    const [, sign, hours, minutes, seconds = "0"] = fixed;
    const offset = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
    if (Number(minutes) > 59 || Number(seconds) > 59 || offset > 18 * 3600) return undefined;
    const signed = sign === "-" ? -offset : offset;
    return { offsetAt: () => signed, offsetOfLocal: () => signed };
  }
  if (!/^[A-Za-z]/.test(id)) return undefined;
  const format = formatOf(id);
  if (!format) return undefined;
  const own = format.resolvedOptions().timeZone;
  // Intl takes any case, Java only the right one.
  if (own !== id && own.toLowerCase() === id.toLowerCase()) return undefined;
  const offsetAt = remembering((ms) => lookUp(format, ms));
  return { offsetAt, offsetOfLocal: (ms) => offsetOfLocal(offsetAt, ms) };
}

function offsetOfLocal(offsetAt: (ms: number) => number, ms: number): number {
  // Offsets change by less than a day, and no zone changes twice in two days.
  const [before, after] = [offsetAt(ms - DAY_MS), offsetAt(ms + DAY_MS)];
  const isAfter = offsetAt(ms - before * 1000) !== before && offsetAt(ms - after * 1000) === after;
  return isAfter ? after : before;
}

/** Rows of one table often lie close to each other. */
function remembering(find: (ms: number) => number): (ms: number) => number {
  const known = new Map<number, number>();
  return (ms) => {
    const at = ms >= WHOLE_MINUTES_MS && ms < LAST_YEAR_MS ? Math.floor(ms / 60_000) * 60_000 : ms;
    const found = known.get(at) ?? find(at);
    if (known.size >= 10_000) known.clear();
    known.set(at, found);
    return found;
  };
}

function lookUp(format: Intl.DateTimeFormat, ms: number): number {
  let at = Math.max(Math.floor(ms / 1000) * 1000, FIRST_RULES_MS);
  if (at > LAST_YEAR_MS) at = LAST_YEAR_MS + ((at - LAST_YEAR_MS) % CYCLE_MS) - CYCLE_MS;
  const part: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(at)) part[type] = Number(value);
  const local = Date.UTC(
    part["year"]!,
    part["month"]! - 1,
    part["day"]!,
    part["hour"]!,
    part["minute"]!,
    part["second"]!,
  );
  return (local - at) / 1000;
}

function formatOf(id: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat("en-US", {
      timeZone: id,
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
