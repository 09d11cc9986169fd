import { notA } from "./number-text.js";

/** An interval's parts. Seconds and microseconds have the same sign; as one number they could exceed 2^53. */
export interface Interval {
  readonly years: number;
  readonly months: number;
  readonly days: number;
  readonly seconds: number;
  readonly micros: number;
}

const PART = /([+-]?\d+) (year|mon|day)s?/g;
const TIME = /([+-]?)(\d+):(\d{2}):(\d{2})(?:\.(\d{1,6}))?$/;

/** Parses IntervalStyle `postgres`: `1 year 2 mons -3 days +04:05:06.78`. Each part has its own sign. */
export function parseInterval(text: string): Interval {
  const parts = { year: 0, mon: 0, day: 0 };
  let isKnown = false;
  for (const [, amount, unit] of text.matchAll(PART)) {
    parts[unit as keyof typeof parts] = Number(amount);
    isKnown = true;
  }
  const time = TIME.exec(text);
  if (!time && !isKnown) throw notA("an interval");
  const seconds = time ? Number(time[2]) * 3600 + Number(time[3]) * 60 + Number(time[4]) : 0;
  const micros = time ? Number((time[5] ?? "").padEnd(6, "0")) : 0;
  const sign = time?.[1] === "-" ? -1 : 1;
  return {
    years: parts.year,
    months: parts.mon,
    days: parts.day,
    seconds: sign * seconds,
    micros: sign * micros,
  };
}

const MICROS_PER_DAY = 86_400_000_000;
/** A month of 30.4375 days, a twelfth of 365.25 days: a whole number of microseconds. */
const MICROS_PER_MONTH = 30.4375 * MICROS_PER_DAY;

/** Microseconds, with months of 30.4375 days. Values outside INT64 are clamped to its ends, as Java's casts do. */
export function intervalMicros(interval: Interval): number | bigint {
  const months = interval.years * 12 + interval.months;
  const value =
    months * MICROS_PER_MONTH + interval.days * MICROS_PER_DAY + interval.seconds * 1_000_000 + interval.micros;
  if (Number.isSafeInteger(value)) return value;
  const exact =
    BigInt(months) * BigInt(MICROS_PER_MONTH) +
    BigInt(interval.days) * BigInt(MICROS_PER_DAY) +
    BigInt(interval.seconds) * 1_000_000n +
    BigInt(interval.micros);
  return exact > MAX_INT64 ? MAX_INT64 : exact < -MAX_INT64 - 1n ? -MAX_INT64 - 1n : exact;
}

const MAX_INT64 = 2n ** 63n - 1n;

/** `P1Y2M3DT4H5M6.78S`, always with all parts. */
export function formatInterval(interval: Interval): string {
  const sign = interval.seconds < 0 || interval.micros < 0 ? "-" : "";
  const seconds = Math.abs(interval.seconds);
  const signed = (value: number) => (value === 0 ? "0" : `${sign}${value}`);
  const fraction = String(Math.abs(interval.micros)).padStart(6, "0").replace(/0+$/, "");
  const whole = seconds % 60;
  const secondsText = fraction === "" ? signed(whole) : `${sign}${whole}.${fraction}`;
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return `P${interval.years}Y${interval.months}M${interval.days}DT${signed(hours)}H${signed(minutes)}M${secondsText}S`;
}
