import { type Clock, type ConnectValue, DataError, LOGICAL } from "../../api/index.js";
import { isoDateTime, isoTime, parseIsoDateTime, parseIsoTime } from "../time/iso-texts.js";
import type { ZoneRules } from "../time/zone-offset.js";

export type ConvertTime = (value: ConnectValue) => ConnectValue;

/** Debezium's and Connect's times since 1970, with their units per second, and what stands for infinity in them. */
const EPOCH: Readonly<Record<string, readonly [perSecond: bigint, ...infinities: bigint[]]>> = {
  "io.debezium.time.Timestamp": [1_000n, 9223372036825200n, -9223372036832400n],
  "io.debezium.time.MicroTimestamp": [1_000_000n, 9223372036825200000n, -9223372036832400000n],
  "io.debezium.time.NanoTimestamp": [1_000_000_000n, 2n ** 63n - 1n, -(2n ** 63n)],
  [LOGICAL.timestamp]: [1_000n, 9223372036825200n, -9223372036832400n],
};

const SOURCE_FIELDS: Readonly<Record<string, bigint>> = { ts_ms: 1_000n, ts_us: 1_000_000n, ts_ns: 1_000_000_000n };

const UNSUPPORTED: ReadonlySet<string> = new Set([
  ...["Date", "Time", "MicroTime", "NanoTime"].map((name) => `io.debezium.time.${name}`),
  LOGICAL.date,
  LOGICAL.time,
]);

/** Whether a schema's values are times that no zone changes: dates, and times without a date. */
export function isUnsupportedTime(name: string | undefined): boolean {
  return name !== undefined && UNSUPPORTED.has(name);
}

/**
 * How a row's value with this schema name is converted: a zoned one to the zone's offset; one without a zone is taken
 * for the zone's local time. undefined: it is no time, or none that a zone changes.
 */
export function timeConversion(name: string | undefined, zone: ZoneRules, clock: Clock): ConvertTime | undefined {
  if (name === "io.debezium.time.ZonedTimestamp") return (value) => zonedTimestamp(value, zone);
  // Without a date, today's offset counts.
  if (name === "io.debezium.time.ZonedTime") return (value) => zonedTime(value, zone.offsetAt(clock.nowMs()));
  const [perSecond, ...infinities] = EPOCH[name ?? ""] ?? [];
  if (perSecond === undefined) return undefined;
  return (value) => {
    const count = BigInt(value as number | bigint);
    if (infinities.includes(count)) return value;
    return counted(count - BigInt(zone.offsetOfLocal(msOf(count, perSecond))) * perSecond);
  };
}

/** How a time of the source block is converted: moved by the zone's offset. undefined: the field is no time. */
export function sourceTimeConversion(field: string, zone: ZoneRules): ConvertTime | undefined {
  const perSecond = SOURCE_FIELDS[field];
  if (perSecond === undefined) return undefined;
  return (value) => {
    const count = BigInt(value as number | bigint);
    return counted(count + BigInt(zone.offsetAt(msOf(count, perSecond))) * perSecond);
  };
}

function msOf(count: bigint, perSecond: bigint): number {
  return Number((count * 1000n) / perSecond);
}

function counted(count: bigint): ConnectValue {
  if (BigInt.asIntN(64, count) !== count)
    throw new DataError("VALUE_INVALID", "A time lies outside the range of its type once it is converted");
  return Number.isSafeInteger(Number(count)) ? Number(count) : count;
}

function zonedTimestamp(value: ConnectValue, zone: ZoneRules): ConnectValue {
  if (value === "infinity" || value === "-infinity") return value;
  const time = parseIsoDateTime(value);
  if (!time) throw unreadable("timestamp");
  // As in Debezium, the rules are asked for the time as it reads, not for the moment.
  const offset = zone.offsetOfLocal(time.second * 1000);
  return isoDateTime({ ...time, second: time.second - time.offset + offset, offset });
}

function zonedTime(value: ConnectValue, offset: number): ConnectValue {
  const time = parseIsoTime(value);
  if (!time) throw unreadable("time");
  return isoTime({ ...time, second: time.second - time.offset + offset, offset });
}

function unreadable(what: string): DataError {
  return new DataError("VALUE_INVALID", `A value with a time zone is no ${what} in ISO 8601 with an offset`);
}
