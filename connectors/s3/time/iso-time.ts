import type { TimeZone } from "./time-zone.js";

const DAY_MS = 86_400_000;
const YEAR = "[+-]?\\d+";
const FRACTION = "(?:[.,](\\d+))?";
// Joda's dateTimeParser: a date, a time behind T, or both. Lower parts may be missing; the last may have a fraction.
const DATE = new RegExp(`^(${YEAR})(?:-W(\\d{1,2})(?:-(\\d))?|-(\\d{3})|-(\\d{1,2})(?:-(\\d{1,2}))?)?$`);
const TIME = new RegExp(`^(\\d{1,2})(?::(\\d{1,2})(?::(\\d{1,2}))?)?${FRACTION}(Z|[+-]\\d{2}(?::?\\d{2})?)?$`);

/**
 * Reads an ISO 8601 text as Joda's `dateTimeParser` does (`2023-11-14T22:13:20Z`, `2023-W46-2`, `2023-318T01:02`,
 * `T10:20`); undefined for any other text.
 *
 * @param zone for texts that do not name an offset.
 */
export function parseIsoTime(text: string, zone: TimeZone): number | undefined {
  const split = text.indexOf("T");
  const date = split < 0 ? text : text.slice(0, split);
  const days = date === "" ? (split < 0 ? undefined : 0) : parseDays(date);
  if (days === undefined) return undefined;
  const timeText = split < 0 ? "" : text.slice(split + 1);
  if (timeText === "") return split < 0 || date !== "" ? zone.toUtcMs(days * DAY_MS) : undefined;
  const time = TIME.exec(timeText);
  if (!time) return undefined;
  const [hour, minute, second] = [Number(time[1]), Number(time[2] ?? 0), Number(time[3] ?? 0)];
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const lastUnitMs = time[3] !== undefined ? 1000 : time[2] !== undefined ? 60_000 : 3_600_000;
  const fractionMs = time[4] === undefined ? 0 : Math.floor(Number(`0.${time[4]}`) * lastUnitMs);
  const localMs = days * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000 + fractionMs;
  return time[5] === undefined ? zone.toUtcMs(localMs) : localMs - parseOffset(time[5]);
}

/** Days since 1970-01-01. */
function parseDays(text: string): number | undefined {
  const match = DATE.exec(text);
  if (!match) return undefined;
  const [, yearText, week, weekday, dayOfYear, month, day] = match;
  const year = Number(yearText);
  const firstDay = new Date(0).setUTCFullYear(year, 0, 1) / DAY_MS;
  if (Number.isNaN(firstDay)) return undefined;
  if (week !== undefined) {
    const fourth = firstDay + 3;
    const mondayOfFirstWeek = fourth - ((new Date(fourth * DAY_MS).getUTCDay() || 7) - 1);
    if (Number(week) < 1 || Number(week) > 53 || Number(weekday ?? 1) < 1 || Number(weekday ?? 1) > 7) return undefined;
    return mondayOfFirstWeek + (Number(week) - 1) * 7 + Number(weekday ?? 1) - 1;
  }
  if (dayOfYear !== undefined) {
    const nextYear = new Date(0).setUTCFullYear(year + 1, 0, 1) / DAY_MS;
    const days = firstDay + Number(dayOfYear) - 1;
    return Number(dayOfYear) >= 1 && days < nextYear ? days : undefined;
  }
  const days = new Date(0).setUTCFullYear(year, Number(month ?? 1) - 1, Number(day ?? 1)) / DAY_MS;
  const date = new Date(days * DAY_MS);
  const fits = date.getUTCMonth() === Number(month ?? 1) - 1 && date.getUTCDate() === Number(day ?? 1);
  return fits ? days : undefined;
}

function parseOffset(text: string): number {
  if (text === "Z") return 0;
  const minutes = Number(text.slice(1, 3)) * 60 + Number(text.slice(3).replace(":", "") || 0);
  return (text.startsWith("-") ? -1 : 1) * minutes * 60_000;
}
