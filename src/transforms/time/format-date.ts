import { ERAS, HALVES, MONTHS, WEEKDAYS } from "./date-names.js";
import type { DatePart } from "./date-pattern.js";
import { dayAndTime } from "./day-and-time.js";
import { type CalendarDay, calendarDay, epochDayOf } from "./julian-days.js";

/** A moment in UTC. */
interface Moment extends CalendarDay {
  readonly epochDay: number;
  readonly msOfDay: number;
}

/**
 * A time as java.text.SimpleDateFormat prints it, in UTC and English, with weeks that begin on Sunday.
 *
 * @param ms since 1970.
 */
export function formatDate(parts: readonly DatePart[], ms: number | bigint): string {
  const { epochDay, msOfDay } = dayAndTime(ms);
  const moment = { ...calendarDay(epochDay), epochDay, msOfDay };
  return parts.map((part) => (part.kind === "text" ? part.text : fieldText(part.letter, part.count, moment))).join("");
}

function fieldText(letter: string, count: number, moment: Moment): string {
  const pad = (value: number) => String(value).padStart(count, "0");
  const named = (name: string) => (count >= 4 ? name : name.slice(0, 3));
  const { year, month, day, epochDay, msOfDay } = moment;
  const hour = Math.floor(msOfDay / 3_600_000);
  switch (letter) {
    case "G":
      return ERAS[year > 0 ? 1 : 0];
    case "y":
      return yearText(year > 0 ? year : 1 - year, count);
    case "Y":
      return yearText(weekYear(moment), count);
    case "M":
    case "L":
      return count >= 3 ? named(MONTHS[month]!) : pad(month + 1);
    case "d":
      return pad(day);
    case "D":
      return pad(dayOfYear(moment) + 1);
    case "E":
      return named(WEEKDAYS[weekday(epochDay)]!);
    case "u":
      return pad(weekday(epochDay) || 7);
    case "F":
      return pad(Math.floor((day - 1) / 7) + 1);
    case "w":
      return pad(weekOfYear(moment));
    case "W":
      return pad(weekFrom(epochDay - day + 1, epochDay));
    case "a":
      return HALVES[hour < 12 ? 0 : 1];
    case "H":
      return pad(hour);
    case "k":
      return pad(hour || 24);
    case "K":
      return pad(hour % 12);
    case "h":
      return pad(hour % 12 || 12);
    case "m":
      return pad(Math.floor(msOfDay / 60_000) % 60);
    case "s":
      return pad(Math.floor(msOfDay / 1000) % 60);
    case "S":
      return pad(msOfDay % 1000);
    case "z":
      return count >= 4 ? "Coordinated Universal Time" : "UTC";
    case "Z":
      return "+0000";
    default:
      return "Z";
  }
}

/** Two letters mean the last two digits. A week's year may be negative. */
function yearText(year: number, count: number): string {
  const digits = Math.abs(year) % (count === 2 ? 100 : Number.POSITIVE_INFINITY);
  return (year < 0 ? "-" : "") + String(digits).padStart(count, "0");
}

/** 0 is Sunday. */
function weekday(epochDay: number): number {
  return (((epochDay + 4) % 7) + 7) % 7;
}

/** From 0. */
function dayOfYear({ epochDay, year }: Moment): number {
  return epochDay - epochDayOf({ year, month: 0, day: 1 });
}

/** The week of a day, counted from the week that holds `first`: the first week holds the first day. */
function weekFrom(first: number, epochDay: number): number {
  return Math.floor((epochDay - first + weekday(first)) / 7) + 1;
}

/** The last days of December are in the week of 1 January, if it begins before. */
function isInNextYear({ epochDay, year }: Moment): boolean {
  const next = epochDayOf({ year: year + 1, month: 0, day: 1 });
  return epochDay >= next - weekday(next);
}

function weekOfYear(moment: Moment): number {
  return isInNextYear(moment) ? 1 : weekFrom(moment.epochDay - dayOfYear(moment), moment.epochDay);
}

function weekYear(moment: Moment): number {
  return isInNextYear(moment) ? moment.year + 1 : moment.year;
}
