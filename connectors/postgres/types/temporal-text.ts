import { notA } from "./number-text.js";

export const MICROS_PER_DAY = 86_400_000_000;
const MICROS_PER_SECOND = 1_000_000;

/** Days since 1970 that Debezium's stream sends for `infinity` and `-infinity`. */
const INFINITE_DAYS = -2_147_472_692;
const MINUS_INFINITE_DAYS = -2_147_472_691;

/** 1 for `infinity`, -1 for `-infinity`, 0 for any other text. */
export function infinity(bytes: Buffer, start: number): 1 | -1 | 0 {
  if (bytes[start] === 0x69) return 1;
  return bytes[start] === 0x2d && bytes[start + 1] === 0x69 ? -1 : 0;
}

/** Days since 1970-01-01 of a date in the proleptic Gregorian calendar; years are astronomical (0 is 1 BC). */
export function daysOf(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** The inverse of `daysOf`. */
export function dateOf(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

function twoDigits(bytes: Buffer, at: number): number {
  return (bytes[at]! - 0x30) * 10 + bytes[at + 1]! - 0x30;
}

/** A position in a text that is read from left to right; `at` is the start of the next part. */
interface Cursor {
  at: number;
}

/** Shared by all readers, which are synchronous: an object per value would be garbage. */
const cursor: Cursor = { at: 0 };

/** Reads `Y…-MM-DD` at the cursor. The caller reads the era from the end of the text. */
function readDays(bytes: Buffer, end: number, isBc: boolean): number {
  let { at } = cursor;
  let year = 0;
  for (; at < end && bytes[at] !== 0x2d; at++) year = year * 10 + bytes[at]! - 0x30;
  if (end - at < 6) throw notA("a date");
  const days = daysOf(isBc ? 1 - year : year, twoDigits(bytes, at + 1), twoDigits(bytes, at + 4));
  cursor.at = at + 6;
  return days;
}

/** Reads `HH:MM:SS[.ffffff]` at the cursor as microseconds. */
function readMicrosOfDay(bytes: Buffer, end: number): number {
  let { at } = cursor;
  if (end - at < 8) throw notA("a time");
  const seconds = twoDigits(bytes, at) * 3600 + twoDigits(bytes, at + 3) * 60 + twoDigits(bytes, at + 6);
  at += 8;
  let micros = 0;
  if (bytes[at] === 0x2e && at < end) {
    at++;
    let unit = 100_000;
    for (; at < end && bytes[at]! >= 0x30 && bytes[at]! <= 0x39; at++) {
      micros += (bytes[at]! - 0x30) * unit;
      unit /= 10;
    }
  }
  cursor.at = at;
  return seconds * MICROS_PER_SECOND + micros;
}

/** Reads `+HH[:MM[:SS]]` at the cursor as seconds east of UTC; 0 if there is no offset. */
function readOffsetSeconds(bytes: Buffer, end: number): number {
  let { at } = cursor;
  const sign = bytes[at];
  if (at >= end || (sign !== 0x2b && sign !== 0x2d)) return 0;
  let seconds = twoDigits(bytes, at + 1) * 3600;
  at += 3;
  for (let unit = 60; bytes[at] === 0x3a && at + 2 < end; unit /= 60) {
    seconds += twoDigits(bytes, at + 1) * unit;
    at += 3;
  }
  cursor.at = at;
  return sign === 0x2d ? -seconds : seconds;
}

function endsBc(bytes: Buffer, start: number, end: number): boolean {
  return end - start > 3 && bytes[end - 1] === 0x43 && bytes[end - 2] === 0x42;
}

/** A date's text as days since 1970. */
export function readDate(bytes: Buffer, start: number, end: number): number {
  const limit = infinity(bytes, start);
  if (limit !== 0) return limit > 0 ? INFINITE_DAYS : MINUS_INFINITE_DAYS;
  cursor.at = start;
  return readDays(bytes, end, endsBc(bytes, start, end));
}

/** A time's text as microseconds since midnight; accepts 24:00:00. */
export function readTime(bytes: Buffer, start: number, end: number): number {
  cursor.at = start;
  return readMicrosOfDay(bytes, end);
}

/** A timetz's text as microseconds of the day in UTC. */
export function readZonedTime(bytes: Buffer, start: number, end: number): number {
  cursor.at = start;
  const micros = readMicrosOfDay(bytes, end) - readOffsetSeconds(bytes, end) * MICROS_PER_SECOND;
  return ((micros % MICROS_PER_DAY) + MICROS_PER_DAY) % MICROS_PER_DAY;
}

/** A day and the microseconds within it: for most of Postgres's years one number would exceed 2^53. */
export interface Instant {
  days: number;
  micros: number;
}

const instant: Instant = { days: 0, micros: 0 };

/** A timestamp's text, with or without zone, in UTC. The same object each time. The caller handles infinities. */
export function readInstant(bytes: Buffer, start: number, end: number): Instant {
  cursor.at = start;
  const days = readDays(bytes, end, endsBc(bytes, start, end));
  cursor.at++;
  const micros = readMicrosOfDay(bytes, end) - readOffsetSeconds(bytes, end) * MICROS_PER_SECOND;
  const carry = Math.floor(micros / MICROS_PER_DAY);
  instant.days = days + carry;
  instant.micros = micros - carry * MICROS_PER_DAY;
  return instant;
}

/** A number if it is a safe integer, otherwise a bigint. */
export function microsSinceEpoch({ days, micros }: Instant): number | bigint {
  const value = days * MICROS_PER_DAY + micros;
  if (Number.isSafeInteger(value)) return value;
  return BigInt(days) * BigInt(MICROS_PER_DAY) + BigInt(micros);
}

/** A number if it is a safe integer, otherwise a bigint: only in the last years of Postgres's range. */
export function millisSinceEpoch({ days, micros }: Instant): number | bigint {
  const value = days * 86_400_000 + Math.floor(micros / 1000);
  return Number.isSafeInteger(value) ? value : BigInt(days) * 86_400_000n + BigInt(Math.floor(micros / 1000));
}

const pad2 = (value: number) => (value < 10 ? `0${value}` : String(value));

/** A date in the form of Java's ISO formatter: at least four year digits, a plus from year 10000 on. */
export function formatDate(days: number): string {
  const { year, month, day } = dateOf(days);
  const digits = String(Math.abs(year)).padStart(4, "0");
  const sign = year < 0 ? "-" : year > 9999 ? "+" : "";
  return `${sign}${digits}-${pad2(month)}-${pad2(day)}`;
}

/** `digits` null prints the fraction without trailing zeros. */
export function formatTime(micros: number, digits: number | null): string {
  const seconds = Math.floor(micros / MICROS_PER_SECOND);
  const text = `${pad2(Math.floor(seconds / 3600))}:${pad2(Math.floor(seconds / 60) % 60)}:${pad2(seconds % 60)}`;
  const fraction = String(micros % MICROS_PER_SECOND).padStart(6, "0");
  const shown = digits === null ? fraction.replace(/0+$/, "") : fraction.slice(0, digits);
  return shown === "" ? text : `${text}.${shown}`;
}

const UTC_SUFFIX = 3;

/**
 * A timestamptz's text in ISO form with exactly `digits` fraction digits. The session's zone is UTC, so for nearly
 * every text it is enough to replace the blank and the `+00`.
 */
export function readZonedTimestamp(bytes: Buffer, start: number, end: number, digits: number): string {
  const zone = end - UTC_SUFFIX;
  if (zone - start >= 19 && bytes[start + 4] === 0x2d && bytes[zone] === 0x2b && bytes[zone + 1] === 0x30) {
    const date = bytes.toString("latin1", start, start + 10);
    const fraction = zone - start > 19 ? zone - start - 20 : 0;
    const time = bytes.toString("latin1", start + 11, zone);
    if (fraction === digits) return `${date}T${time}Z`;
    return fraction === 0
      ? `${date}T${time}.${"0".repeat(digits)}Z`
      : `${date}T${time}${"0".repeat(Math.max(0, digits - fraction))}Z`;
  }
  const limit = infinity(bytes, start);
  if (limit !== 0) return limit > 0 ? "infinity" : "-infinity";
  const { days, micros } = readInstant(bytes, start, end);
  return `${formatDate(days)}T${formatTime(micros, digits)}Z`;
}
