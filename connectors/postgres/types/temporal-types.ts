import { type ConnectValue, DataError, LOGICAL, primitive } from "../../../src/api/index.js";
import type { TimeMode, TypeSettings } from "../config/settings.js";
import type { ColumnCodec } from "./column-codec.js";
import { formatInterval, intervalMicros, parseInterval } from "./interval-text.js";
import type { Decode } from "./number-text.js";
import {
  formatDate,
  formatTime,
  infinity,
  MICROS_PER_DAY,
  microsSinceEpoch,
  millisSinceEpoch,
  readDate,
  readInstant,
  readTime,
  readZonedTime,
  readZonedTimestamp,
} from "./temporal-text.js";
import type { ResolvedType } from "./type-info.js";

const TIME_NAMES = "io.debezium.time.";
const DEFAULT_PRECISION = 6;
/** The milliseconds Postgres's JDBC driver uses for a timestamp's infinities: beyond 2^53, so bigint. */
const INFINITE_MS = 9_223_372_036_825_200n;
const MINUS_INFINITE_MS = -9_223_372_036_832_400n;
const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -MAX_INT64 - 1n;

/** The codec of a date, time, timestamp or interval in the configured time.precision.mode; null for other types. */
export function temporalCodec(type: ResolvedType, settings: TypeSettings): ColumnCodec | null {
  const precision = type.typmod >= 0 ? type.typmod : DEFAULT_PRECISION;
  switch (type.name) {
    case "date":
      return dateCodec(settings.timeMode);
    case "time":
      return timeCodec(settings.timeMode, precision);
    case "timetz":
      return stringCodec("ZonedTime", "00:00:00Z", settings, (bytes, start, end) => {
        return `${formatTime(readZonedTime(bytes, start, end), null)}Z`;
      });
    case "timestamp":
      return timestampCodec(settings, precision);
    case "timestamptz":
      return stringCodec("ZonedTimestamp", "1970-01-01T00:00:00Z", settings, (bytes, start, end) =>
        readZonedTimestamp(bytes, start, end, precision),
      );
    case "interval":
      return settings.intervalMode === "string"
        ? stringCodec("Interval", "P0Y0M0DT0H0M0S", settings, (bytes, start, end) =>
            formatInterval(parseInterval(bytes.toString("latin1", start, end))),
          )
        : numberCodec("int64", `${TIME_NAMES}MicroDuration`, (bytes, start, end) =>
            intervalMicros(parseInterval(bytes.toString("latin1", start, end))),
          );
    default:
      return null;
  }
}

function numberCodec(type: "int32" | "int64", name: string, decode: Decode<ConnectValue>): ColumnCodec {
  return {
    schema: (attributes) => primitive(type, { name, version: 1, ...attributes }),
    decode,
    fallback: 0,
    placeholder: undefined,
  };
}

function stringCodec(
  name: string,
  fallback: string,
  settings: TypeSettings,
  decode: Decode<ConnectValue>,
): ColumnCodec {
  return {
    schema: (attributes) => primitive("string", { name: `${TIME_NAMES}${name}`, version: 1, ...attributes }),
    decode,
    fallback,
    placeholder: settings.placeholder.toString("utf8"),
  };
}

function dateCodec(mode: TimeMode): ColumnCodec {
  if (mode === "connect") return numberCodec("int32", LOGICAL.date, readDate);
  if (mode !== "isostring") return numberCodec("int32", `${TIME_NAMES}Date`, readDate);
  return {
    schema: (attributes) => primitive("string", { name: `${TIME_NAMES}IsoDate`, version: 1, ...attributes }),
    decode: (bytes, start, end) => `${formatDate(readDate(bytes, start, end))}Z`,
    fallback: "1970-01-01Z",
    placeholder: undefined,
  };
}

function timeCodec(mode: TimeMode, precision: number): ColumnCodec {
  const millis: Decode<ConnectValue> = (bytes, start, end) => Math.floor(readTime(bytes, start, end) / 1000);
  switch (mode) {
    case "connect":
      return numberCodec("int32", LOGICAL.time, millis);
    case "nanoseconds":
      return numberCodec("int64", `${TIME_NAMES}NanoTime`, (bytes, start, end) => readTime(bytes, start, end) * 1000);
    case "isostring":
      return {
        schema: (attributes) => primitive("string", { name: `${TIME_NAMES}IsoTime`, version: 1, ...attributes }),
        // 24:00:00 wraps around.
        decode: (bytes, start, end) => `${formatTime(readTime(bytes, start, end) % MICROS_PER_DAY, null)}Z`,
        fallback: "00:00:00Z",
        placeholder: undefined,
      };
    case "adaptive":
      if (precision <= 3) return numberCodec("int32", `${TIME_NAMES}Time`, millis);
      return numberCodec("int64", `${TIME_NAMES}MicroTime`, readTime);
    default:
      return numberCodec("int64", `${TIME_NAMES}MicroTime`, readTime);
  }
}

function timestampCodec({ timeMode }: TypeSettings, precision: number): ColumnCodec {
  const millis = finiteOr(INFINITE_MS, MINUS_INFINITE_MS, (bytes, start, end) =>
    millisSinceEpoch(readInstant(bytes, start, end)),
  );
  switch (timeMode) {
    case "connect":
      return numberCodec("int64", LOGICAL.timestamp, millis);
    case "nanoseconds":
      return numberCodec("int64", `${TIME_NAMES}NanoTimestamp`, finiteOr(MAX_INT64, MIN_INT64, readNanos));
    case "isostring":
      return {
        schema: (attributes) => primitive("string", { name: `${TIME_NAMES}IsoTimestamp`, version: 1, ...attributes }),
        decode: finiteOr("+294247-01-10T04:00:25.2Z", "-290308-12-21T19:59:27.6Z", (bytes, start, end) => {
          const { days, micros } = readInstant(bytes, start, end);
          return `${formatDate(days)}T${formatTime(micros, null)}Z`;
        }),
        fallback: "1970-01-01T00:00:00Z",
        placeholder: undefined,
      };
    case "microseconds":
      return microTimestampCodec();
    default:
      return precision <= 3 ? numberCodec("int64", `${TIME_NAMES}Timestamp`, millis) : microTimestampCodec();
  }
}

function microTimestampCodec(): ColumnCodec {
  return numberCodec(
    "int64",
    `${TIME_NAMES}MicroTimestamp`,
    finiteOr(INFINITE_MS * 1000n, MINUS_INFINITE_MS * 1000n, readMicros),
  );
}

function finiteOr(future: ConnectValue, past: ConnectValue, decode: Decode<ConnectValue>): Decode<ConnectValue> {
  return (bytes, start, end) => {
    const limit = infinity(bytes, start);
    if (limit !== 0) return limit > 0 ? future : past;
    return decode(bytes, start, end);
  };
}

const readMicros: Decode<ConnectValue> = (bytes, start, end) => {
  const micros = microsSinceEpoch(readInstant(bytes, start, end));
  if (typeof micros === "bigint" && (micros > MAX_INT64 || micros < MIN_INT64))
    throw outOfRange("microseconds (up to 294247-01-10 04:00:54.775807)");
  return micros;
};

const readNanos: Decode<ConnectValue> = (bytes, start, end) => {
  const nanos = BigInt(microsSinceEpoch(readInstant(bytes, start, end))) * 1000n;
  if (nanos > MAX_INT64 || nanos < MIN_INT64) throw outOfRange("nanoseconds (1677 to 2262)");
  return nanos;
};

function outOfRange(unit: string): DataError {
  return new DataError(
    "VALUE_INVALID",
    `A timestamp is outside the range of INT64 epoch ${unit}, which time.precision.mode=isostring and connect can represent`,
  );
}
