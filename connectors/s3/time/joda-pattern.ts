import { ConfigError } from "../../../src/api/index.js";
import { type DateTexts, dateTexts } from "./date-texts.js";
import type { TimeZone } from "./time-zone.js";

type Piece = (local: LocalTime) => string;

/** The moment to print, split into fields once. */
interface LocalTime {
  readonly utcMs: number;
  /** A Date whose UTC fields read as local time. */
  readonly date: Date;
  readonly zone: TimeZone;
  readonly texts: DateTexts;
}

/** A compiled Joda-time pattern (`'year'=YYYY/'month'=MM`): prints a moment in a zone and locale. */
export type PathFormatter = (utcMs: number, zone: TimeZone) => string;

const DAY_MS = 86_400_000;

/**
 * Compiles `path.format` (Joda's DateTimeFormat letters, which differ from java.time's: `YYYY` is the year of era and
 * `DD` the day of the year). Zone names (`z`) are refused, because they change with the JDK. Use `Z`, `ZZ` or `ZZZ`.
 *
 * @param locale text of the key `locale`, as Java's Locale(String) takes it.
 * @throws ConfigError naming path.format and the letter that is not one.
 */
export function compileJodaPattern(pattern: string, locale: string): PathFormatter {
  const texts = dateTexts(locale);
  const pieces: Piece[] = [];
  for (let at = 0; at < pattern.length; ) {
    const letter = pattern[at]!;
    if (letter === "'") {
      const [literal, next] = readQuoted(pattern, at);
      pieces.push(() => literal);
      at = next;
    } else if (/[A-Za-z]/.test(letter)) {
      let end = at + 1;
      while (pattern[end] === letter) end++;
      pieces.push(pieceFor(letter, end - at, pattern));
      at = end;
    } else {
      pieces.push(() => letter);
      at++;
    }
  }
  return (utcMs, zone) => {
    const local: LocalTime = { utcMs, date: new Date(zone.toLocalMs(utcMs)), zone, texts };
    let text = "";
    for (const piece of pieces) text += piece(local);
    return text;
  };
}

/** `''` is a quote, inside quotes and out; an unfinished quotation ends with the pattern. */
function readQuoted(pattern: string, at: number): [literal: string, next: number] {
  if (pattern[at + 1] === "'") return ["'", at + 2];
  let literal = "";
  for (let i = at + 1; i < pattern.length; i++) {
    if (pattern[i] !== "'") literal += pattern[i];
    else if (pattern[i + 1] === "'") {
      literal += "'";
      i++;
    } else return [literal, i + 1];
  }
  return [literal, pattern.length];
}

function pieceFor(letter: string, count: number, pattern: string): Piece {
  const digits = (value: (date: Date) => number): Piece => {
    return ({ date }) => padded(value(date), count);
  };
  const year = (value: (date: Date) => number): Piece =>
    count === 2 ? ({ date }) => padded(Math.abs(value(date)) % 100, 2) : digits(value);
  switch (letter) {
    case "G":
      return ({ date, texts }) => texts.era(date.getUTCFullYear() > 0);
    case "C":
      return digits((date) => Math.floor(yearOfEra(date) / 100));
    case "Y":
      return year(yearOfEra);
    case "y":
      return year((date) => date.getUTCFullYear());
    case "x":
      return year((date) => isoWeek(date).year);
    case "w":
      return digits((date) => isoWeek(date).week);
    case "e":
      return digits((date) => date.getUTCDay() || 7);
    case "E":
      return ({ date, texts }) => texts.weekday(date, count >= 4);
    case "D":
      return digits((date) => Math.floor((date.getTime() - startOfYear(date.getUTCFullYear())) / DAY_MS) + 1);
    case "M":
      if (count >= 3) return ({ date, texts }) => texts.month(date, count >= 4);
      return digits((date) => date.getUTCMonth() + 1);
    case "d":
      return digits((date) => date.getUTCDate());
    case "a":
      return ({ date, texts }) => texts.halfDay(date);
    case "K":
      return digits((date) => date.getUTCHours() % 12);
    case "h":
      return digits((date) => date.getUTCHours() % 12 || 12);
    case "H":
      return digits((date) => date.getUTCHours());
    case "k":
      return digits((date) => date.getUTCHours() || 24);
    case "m":
      return digits((date) => date.getUTCMinutes());
    case "s":
      return digits((date) => date.getUTCSeconds());
    case "S":
      return ({ date }) => String(date.getUTCMilliseconds()).padStart(3, "0").padEnd(count, "0").slice(0, count);
    case "Z":
      if (count >= 3) return ({ zone }) => zone.id;
      return ({ zone, utcMs }) => zone.offsetText(utcMs, count === 2 ? ":" : "");
    default: {
      const reason =
        letter === "z"
          ? "zone names (z) are not supported; use Z (+0100), ZZ (+01:00) or ZZZ (the zone's id)"
          : `Illegal pattern component: ${letter}`;
      throw new ConfigError("path.format", `Invalid value ${pattern} for configuration path.format: ${reason}`);
    }
  }
}

function padded(value: number, width: number): string {
  return value < 0 ? `-${String(-value).padStart(width, "0")}` : String(value).padStart(width, "0");
}

function yearOfEra(date: Date): number {
  const year = date.getUTCFullYear();
  return year > 0 ? year : 1 - year;
}

function startOfYear(year: number): number {
  return new Date(0).setUTCFullYear(year, 0, 1);
}

/** ISO 8601: the week belongs to the year of its Thursday. */
function isoWeek(date: Date): { year: number; week: number } {
  const day = Math.floor(date.getTime() / DAY_MS);
  const thursday = day - ((date.getUTCDay() || 7) - 1) + 3;
  const year = new Date(thursday * DAY_MS).getUTCFullYear();
  const dayOfYear = thursday - startOfYear(year) / DAY_MS;
  return { year, week: Math.floor(dayOfYear / 7) + 1 };
}
