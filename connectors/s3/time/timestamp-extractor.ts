import {
  ConfigError,
  type ConnectValue,
  DataError,
  Float64,
  LOGICAL,
  type Schema,
  type SinkRecord,
  Struct,
} from "../../../src/api/index.js";
import { parseIsoTime } from "./iso-time.js";
import type { TimeZone } from "./time-zone.js";

/** A record's time in ms since 1970. `nowMs` is read once per batch. @throws DataError if the record has none. */
export type TimestampExtractor = (record: SinkRecord, nowMs: number) => number;

const DAY_MS = 86_400_000;
const NESTED_CLASS = /^io\.confluent\.connect\.storage\.partitioner\.TimeBasedPartitioner\$(\w+)TimestampExtractor$/;

/**
 * The extractor of that name: Wallclock, Record, RecordField, or the class names of these three.
 *
 * @param field dotted path for RecordField (timestamp.field).
 * @param zone of texts without an offset; the original uses its host's, which differs from worker to worker.
 * @throws ConfigError naming timestamp.extractor.
 */
export function timestampExtractor(name: string, field: string, zone: TimeZone): TimestampExtractor {
  switch (NESTED_CLASS.exec(name)?.[1] ?? name) {
    case "Wallclock":
      return (_record, nowMs) => nowMs;
    case "Record":
      return (record) => {
        if (record.timestampMs !== null) return record.timestampMs;
        throw new DataError(
          "S3_PARTITION_UNKNOWN",
          `Unable to determine timestamp using timestamp.extractor ${name}: the record at ${place(record)} has none.`,
        );
      };
    case "RecordField": {
      const path = field.split(".");
      return (record) => fieldTimestamp(record, field, path, zone);
    }
    default:
      throw new ConfigError(
        "timestamp.extractor",
        `Invalid timestamp extractor: ${name}. Supported are Wallclock, Record and RecordField.`,
      );
  }
}

function fieldTimestamp(record: SinkRecord, field: string, path: readonly string[], zone: TimeZone): number {
  let current: ConnectValue = record.value;
  /** Of the field, where a struct holds it; schemaless maps have none. */
  let schema: Schema | undefined;
  for (const step of path) {
    if (current instanceof Struct) {
      const found = current.schema.field(step);
      if (!found) throw noTimestamp(record, field, "there is no such field");
      schema = found.schema;
      current = current.get(step);
    } else if (current instanceof Map) {
      if (!current.has(step)) throw noTimestamp(record, field, "there is no such field");
      schema = undefined;
      current = (current as ReadonlyMap<ConnectValue, ConnectValue>).get(step) ?? null;
    } else {
      throw noTimestamp(record, field, "there is no struct or map that could hold it");
    }
  }
  if (current instanceof Float64) current = current.value;
  if (typeof current === "number" || typeof current === "bigint") {
    if (schema?.type === "float32" || schema?.type === "float64")
      throw noTimestamp(record, field, `it is of type ${schema.type}, and times are integers or texts`);
    return schema?.name === LOGICAL.date ? Number(current) * DAY_MS : Math.trunc(Number(current));
  }
  if (typeof current === "string") {
    const timestampMs = /^-?[0-9]{1,19}$/.test(current) ? Number(current) : parseIsoTime(current, zone);
    if (timestampMs !== undefined) return timestampMs;
    throw noTimestamp(record, field, "its text is neither milliseconds nor an ISO 8601 time");
  }
  throw noTimestamp(record, field, current === null ? "it is null" : "it is neither an integer nor a text");
}

function noTimestamp(record: SinkRecord, field: string, why: string): DataError {
  return new DataError(
    "S3_PARTITION_UNKNOWN",
    `Unable to determine timestamp using timestamp.extractor RecordField for the record at ${place(record)}: field ${field} (timestamp.field): ${why}.`,
  );
}

function place(record: SinkRecord): string {
  return `${record.topic}-${record.partition} offset ${record.offset}`;
}
