import type { ConnectValue } from "../../api/index.js";

const DAY = 86_400;
/** Days of the 400 years after which the calendar repeats. */
const CYCLE_DAYS = 146_097;

/** A local time with its offset from UTC. */
export interface OffsetTime {
  /** Seconds of the local time: since 1970 for one with a date, else of the day. */
  readonly second: number;
  /** Digits after the decimal point. */
  readonly fraction: string;
  /** In seconds. */
  readonly offset: number;
}

const TIME = String.raw`(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d(?::\d\d)?)`;
const TIME_TEXT = new RegExp(`^${TIME}$`);
const DATE_TIME_TEXT = new RegExp(String.raw`^([+-]?\d{4,9})-(\d\d)-(\d\d)T${TIME}$`);

/** `2020-04-01T11:51:02.5+02:00`; undefined for another text. Years before 1 count on: 0 is 1 BC. */
export function parseIsoDateTime(text: ConnectValue): OffsetTime | undefined {
  const parts = typeof text === "string" ? DATE_TIME_TEXT.exec(text) : null;
  if (!parts) return undefined;
  const [year, month, day] = parts.slice(1, 4).map(Number) as [number, number, number];
  const cycle = Math.floor(year / 400);
  const days = Date.UTC(2000 + (year - cycle * 400), month - 1, day) / (DAY * 1000) + (cycle - 5) * CYCLE_DAYS;
  const time = timeOf(parts.slice(4));
  return { ...time, second: days * DAY + time.second };
}

/** `11:51:02.5Z`; undefined for another text. */
export function parseIsoTime(text: ConnectValue): OffsetTime | undefined {
  const parts = typeof text === "string" ? TIME_TEXT.exec(text) : null;
  return parts ? timeOf(parts.slice(1)) : undefined;
}

/** DateTimeFormatter.ISO_OFFSET_DATE_TIME: a fraction only as long as needed, a sign for years beyond 9999. */
export function isoDateTime(time: OffsetTime): string {
  const days = Math.floor(time.second / DAY);
  const cycle = Math.floor(days / CYCLE_DAYS);
  const date = new Date((days - cycle * CYCLE_DAYS) * DAY * 1000);
  const year = date.getUTCFullYear() + cycle * 400;
  const sign = year < 0 ? "-" : year > 9999 ? "+" : "";
  return `${sign}${padded(Math.abs(year), 4)}-${padded(date.getUTCMonth() + 1)}-${padded(date.getUTCDate())}T${isoTime(time)}`;
}

/** DateTimeFormatter.ISO_OFFSET_TIME. */
export function isoTime({ second, fraction, offset }: OffsetTime): string {
  const ofDay = ((second % DAY) + DAY) % DAY;
  const digits = fraction.replace(/0+$/, "");
  return `${clock(ofDay, true)}${digits === "" ? "" : `.${digits}`}${offsetText(offset)}`;
}

function timeOf([hour, minute, second = "0", fraction = "", offset = "Z"]: readonly (
  | string
  | undefined
)[]): OffsetTime {
  return {
    second: Number(hour) * 3600 + Number(minute) * 60 + Number(second),
    fraction,
    offset: offset === "Z" ? 0 : offsetOf(offset),
  };
}

function offsetOf(text: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = text.slice(1).split(":").map(Number);
  const offset = hours * 3600 + minutes * 60 + seconds;
  return text.startsWith("-") ? -offset : offset;
}

function offsetText(offset: number): string {
  if (offset === 0) return "Z";
  return (offset < 0 ? "-" : "+") + clock(Math.abs(offset), offset % 60 !== 0);
}

function clock(second: number, hasSeconds: boolean): string {
  const parts = [Math.floor(second / 3600), Math.floor(second / 60) % 60, ...(hasSeconds ? [second % 60] : [])];
  return parts.map((part) => padded(part)).join(":");
}

function padded(value: number, width = 2): string {
  return String(value).padStart(width, "0");
}
