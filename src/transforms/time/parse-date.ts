import { ERAS, HALVES, MONTHS, WEEKDAYS } from "./date-names.js";
import type { DatePart } from "./date-pattern.js";
import { DAY_MS, msOf } from "./day-and-time.js";
import { epochDayOf } from "./julian-days.js";

/** Letters that are only printed: weeks depend on the locale, and other letters overrule them in Java. */
const PRINTED_ONLY = "YwWFu";

/** The fields of a date's text. Later ones overrule earlier ones of the same meaning. */
interface Fields {
  era?: 0 | 1;
  year?: number;
  month?: number;
  /** Of the month. */
  day?: number;
  /** Of the year; set later than `day`, it counts. */
  dayOfYear?: number;
  hour?: number;
  hourOfHalf?: number;
  half?: 0 | 1;
  /** The hour of the day was set later than the half or its hour, so it counts. */
  isHourLast?: boolean;
  minute?: number;
  second?: number;
  ms?: number;
  zoneMinutes?: number;
}

/** Letters of the pattern that a text cannot be read with, if any. */
export function unreadableLetters(parts: readonly DatePart[]): string {
  const letters = parts.flatMap((part) => (part.kind === "field" ? [part.letter] : []));
  const lacksDay = !letters.includes("d") && !letters.includes("D");
  return [...new Set(letters)]
    .filter((letter) => PRINTED_ONLY.includes(letter) || (letter === "E" && lacksDay))
    .join("");
}

/**
 * Reads a text as java.text.SimpleDateFormat.parse does: leniently (month 13 is January), and ignoring what follows.
 * The zone is UTC unless the text names an offset, GMT or UTC.
 *
 * @param parts without `unreadableLetters`.
 * @param nowMs decides the century of years of two digits.
 * @returns ms since 1970, or undefined if the text does not match.
 */
export function parseDate(parts: readonly DatePart[], text: string, nowMs: number): number | bigint | undefined {
  const reader = new DateReader(text, nowMs);
  for (const [at, part] of parts.entries()) {
    const next = parts[at + 1];
    const isRead =
      part.kind === "text"
        ? reader.literal(part.text)
        : reader.field(part.letter, part.count, next?.kind === "field" && isNumeric(next.letter, next.count));
    if (!isRead) return undefined;
  }
  return reader.ms();
}

/** A number follows without a delimiter: then this one has exactly as many digits as letters. */
function isNumeric(letter: string, count: number): boolean {
  return letter === "M" || letter === "L" ? count <= 2 : "yYdHkmsSDFwWhKu".includes(letter);
}

class DateReader {
  readonly #text: string;
  readonly #centuryStartMs: number;
  /** A year of two digits was the first one of that century: its first days are in the next century. */
  #isFirstYear = false;
  readonly #fields: Fields = {};
  #at = 0;

  constructor(text: string, nowMs: number) {
    this.#text = text;
    const start = new Date(nowMs);
    start.setUTCFullYear(start.getUTCFullYear() - 80);
    this.#centuryStartMs = start.getTime();
  }

  literal(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  /** @param isAbutting the next field is a number, too. */
  field(letter: string, count: number, isAbutting: boolean): boolean {
    const start = this.#at;
    // Blanks may stand before numbers and zones, but not before names.
    const isName = "GEa".includes(letter) || ("ML".includes(letter) && count > 2);
    while (!isName && (this.#text[this.#at] === " " || this.#text[this.#at] === "\t")) this.#at++;
    if (this.#at >= this.#text.length) return false;
    const fields = this.#fields;
    const begin = this.#at;
    switch (letter) {
      case "G": {
        const era = this.#name(ERAS);
        if (era >= 0) fields.era = era as 0 | 1;
        return era >= 0;
      }
      case "E":
        return this.#nameOrShort(WEEKDAYS) >= 0;
      case "a": {
        const half = this.#name(HALVES);
        if (half >= 0) fields.half = half as 0 | 1;
        fields.isHourLast = false;
        return half >= 0;
      }
      case "z":
      case "Z":
        return this.#zone();
      case "X":
        return this.#isoZone(count);
      case "M":
      case "L":
        if (count > 2) {
          const month = this.#nameOrShort(MONTHS);
          if (month >= 0) fields.month = month;
          return month >= 0;
        }
    }
    const value = this.#number(isAbutting ? start + count : undefined);
    if (value === undefined) return false;
    switch (letter) {
      case "y": {
        const isShort = count <= 2 && /^\d\d$/.test(this.#text.slice(begin, this.#at));
        fields.year = isShort ? this.#yearOf(value) : value;
        return true;
      }
      case "M":
      case "L":
        fields.month = value - 1;
        return true;
      case "d":
        fields.day = value;
        delete fields.dayOfYear;
        return true;
      case "D":
        fields.dayOfYear = value;
        delete fields.day;
        return true;
      case "H":
      case "k":
        fields.hour = letter === "k" && value === 24 ? 0 : value;
        fields.isHourLast = true;
        return true;
      case "K":
      case "h":
        fields.hourOfHalf = letter === "h" && value === 12 ? 0 : value;
        fields.isHourLast = false;
        return true;
      case "m":
        fields.minute = value;
        return true;
      case "s":
        fields.second = value;
        return true;
      default:
        fields.ms = value;
        return true;
    }
  }

  ms(): number | bigint {
    const ms = this.#msOfYear(0);
    return this.#isFirstYear && ms < this.#centuryStartMs ? this.#msOfYear(100) : ms;
  }

  #msOfYear(added: number): number | bigint {
    const { era = 1, year: given = 1970, month = 0, day = 1, dayOfYear } = this.#fields;
    const { minute = 0, second = 0, ms = 0, zoneMinutes = 0 } = this.#fields;
    const year = era === 1 ? given + added : 1 - given - added;
    const time = ((this.#hour() * 60 + minute) * 60 + second) * 1000 + ms;
    const moreDays = Math.floor(time / DAY_MS);
    const epochDay =
      dayOfYear === undefined
        ? epochDayOf({ year, month, day: day + moreDays })
        : epochDayOf({ year, month: 0, day: dayOfYear + moreDays }, true);
    return msOf(epochDay, time - moreDays * DAY_MS - zoneMinutes * 60_000);
  }

  /** The year of two digits in the century that begins 80 years ago. */
  #yearOf(digits: number): number {
    const first = new Date(this.#centuryStartMs).getUTCFullYear();
    if (digits === first % 100) this.#isFirstYear = true;
    return first - (first % 100) + digits + (digits < first % 100 ? 100 : 0);
  }

  #hour(): number {
    const { hour, hourOfHalf, half, isHourLast } = this.#fields;
    if (hour !== undefined && (isHourLast || hourOfHalf === undefined || half === undefined)) return hour;
    return (hourOfHalf ?? 0) + 12 * (half ?? 0);
  }

  /** A whole number, as NumberFormat reads it: cut to 32 bits. @param end the first character that is not part of it. */
  #number(end: number | undefined): number | undefined {
    if (end !== undefined && end > this.#text.length) return undefined;
    const digits = /^-?\d+/.exec(this.#text.slice(this.#at, end))?.[0];
    if (digits === undefined) return undefined;
    this.#at += digits.length;
    return Number(BigInt.asIntN(32, BigInt(digits)));
  }

  /** The longest of the names that the text continues with, in any case, or -1. */
  #name(names: readonly string[]): number {
    let found = -1;
    for (const [index, name] of names.entries()) {
      const isNext = this.#text.slice(this.#at, this.#at + name.length).toLowerCase() === name.toLowerCase();
      if (isNext && name.length > (names[found]?.length ?? 0)) found = index;
    }
    this.#at += names[found]?.length ?? 0;
    return found;
  }

  #nameOrShort(names: readonly string[]): number {
    const full = this.#name(names);
    return full >= 0 ? full : this.#name(names.map((name) => name.slice(0, 3)));
  }

  /** `z` and `Z`: +hhmm, GMT, GMT+h:mm or UTC. */
  #zone(): boolean {
    const rest = this.#text.slice(this.#at);
    const offset = /^([+-])(\d\d)(\d\d)/.exec(rest) ?? /^gmt([+-])(\d{1,2}):(\d\d)/i.exec(rest);
    if (offset) return this.#offset(offset);
    const name = /^(?:gmt(?![+-])|utc|coordinated universal time)/i.exec(rest)?.[0];
    if (name === undefined) return false;
    // Java leaves an offset as it is where a name is that of its own zone.
    if (/^gmt$/i.test(name)) this.#fields.zoneMinutes = 0;
    this.#at += name.length;
    return true;
  }

  /** X: Z, +hh, +hhmm or +hh:mm, by the number of letters. */
  #isoZone(count: number): boolean {
    const rest = this.#text.slice(this.#at);
    if (rest.startsWith("Z")) {
      this.#fields.zoneMinutes = 0;
      this.#at++;
      return true;
    }
    const form = [/^([+-])(\d\d)/, /^([+-])(\d\d)(\d\d)/, /^([+-])(\d\d):(\d\d)/][count - 1]!;
    const offset = form.exec(rest);
    return offset !== null && this.#offset(offset);
  }

  #offset([whole, sign, hours = "0", minutes = "0"]: readonly string[]): boolean {
    if (Number(hours) > 23 || Number(minutes) > 59) return false;
    const total = Number(hours) * 60 + Number(minutes);
    this.#fields.zoneMinutes = sign === "-" ? -total : total;
    this.#at += whole!.length;
    return true;
  }
}
