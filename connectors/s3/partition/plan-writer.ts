import { ConfigError } from "../../../src/api/index.js";
import type { S3SinkValues } from "../config/s3-sink-config.js";
import { isTimeBased, partitionerKind } from "../config/setting-checks.js";
import { TimeZone } from "../time/time-zone.js";
import { timestampExtractor } from "../time/timestamp-extractor.js";
import { FieldAndTimePartitioner } from "./field-and-time-partitioner.js";
import type { WriterSettings } from "./partition-writer.js";
import { DefaultPartitioner, FieldPartitioner, type Partitioner, SchemaAffixPartitioner } from "./partitioner.js";
import type { RotationSettings } from "./rotation.js";
import { planNextRotation } from "./rotation-schedule.js";
import { schemaCompatibility } from "./schema-compatibility.js";
import { TimeBasedPartitioner, type TimeBasedSettings } from "./time-based-partitioner.js";
import { TombstonePartitioner } from "./tombstone-partitioner.js";

const HOUR_MS = 3_600_000;

/**
 * The writer's settings, except its patience, logger and reports.
 *
 * @throws ConfigError naming the key: the partitioner checks its own settings as it is made.
 */
export function planWriter(values: S3SinkValues): Omit<WriterSettings, "patience" | "logger" | "reportErrant"> {
  const onNullValue = values["behavior.on.null.values"].toLowerCase() as WriterSettings["onNullValue"];
  const rotatesByClock = values["rotate.schedule.interval.ms"] > 0 || values["rotate.idle.interval.ms"] > 0;
  // As the original: the objects of a set are not created together, so one that exists says nothing about the others.
  const isAlone = !values["store.kafka.keys"] && !values["store.kafka.headers"];
  const affixed = withAffix(values, partitionerOf(values));
  return {
    partitioner:
      onNullValue === "write" ? new TombstonePartitioner(affixed, values["tombstone.encoded.partition"]) : affixed,
    rotation: rotationOf(values),
    compatibility: schemaCompatibility(values["schema.compatibility"]),
    conditionalWrites: values["enable.conditional.writes"] && rotatesByClock && isAlone,
    onNullValue,
    reportNullValues: values["report.null.values.to.dlq"],
  };
}

function withAffix(values: S3SinkValues, plain: Partitioner): Partitioner {
  const affix = values["s3.schema.partition.affix.type"];
  return affix === "PREFIX" || affix === "SUFFIX"
    ? new SchemaAffixPartitioner(plain, affix, values["directory.delim"])
    : plain;
}

function rotationOf(values: S3SinkValues): RotationSettings {
  const timeBased = isTimeBased(partitionerKind(values["partitioner.class"]));
  const idleMs = values["rotate.idle.interval.ms"];
  const scheduleMs = values["rotate.schedule.interval.ms"];
  const intervalMs = values["rotate.interval.ms"];
  const maxOpenFiles = values["partitioner.max.open.files"];
  let nextScheduledMs: RotationSettings["nextScheduledMs"];
  if (scheduleMs > 0) {
    const zone = zoneOf(values);
    nextScheduledMs = (nowMs) => planNextRotation(nowMs, scheduleMs, zone);
  }
  return {
    flushSize: values["flush.size"],
    flushBytes: values["flush.bytes"] > 0 ? values["flush.bytes"] : undefined,
    intervalMs: timeBased && intervalMs > 0 ? intervalMs : undefined,
    rotateOnPartitionChange: values["rotate.file.on.partition.change"],
    nextScheduledMs,
    idleMs: idleMs > 0 ? idleMs : undefined,
    tombstonePartition:
      values["behavior.on.null.values"].toLowerCase() === "write" ? values["tombstone.encoded.partition"] : undefined,
    maxOpenFiles: maxOpenFiles > 0 ? maxOpenFiles : undefined,
  };
}

function partitionerOf(values: S3SinkValues): Partitioner {
  const delimiter = values["directory.delim"];
  const day = `'year'=YYYY${delimiter}'month'=MM${delimiter}'day'=dd`;
  switch (partitionerKind(values["partitioner.class"])) {
    case "Field":
      return new FieldPartitioner(values["partition.field.name"], delimiter);
    case "TimeBased":
      return timeBased(values, { durationMs: values["partition.duration.ms"], pathFormat: values["path.format"] });
    case "FieldAndTimeBased":
      return new FieldAndTimePartitioner(
        new FieldPartitioner(values["partition.field.name"], delimiter),
        timeBased(values, { durationMs: values["partition.duration.ms"], pathFormat: values["path.format"] }),
        delimiter,
      );
    case "Daily":
      return timeBased(values, { durationMs: 24 * HOUR_MS, pathFormat: day });
    case "Hourly":
      return timeBased(values, { durationMs: HOUR_MS, pathFormat: `${day}${delimiter}'hour'=HH` });
    default:
      return new DefaultPartitioner();
  }
}

function timeBased(
  values: S3SinkValues,
  settings: Pick<TimeBasedSettings, "durationMs" | "pathFormat">,
): TimeBasedPartitioner {
  const zone = zoneOf(values);
  return new TimeBasedPartitioner(
    { ...settings, locale: values.locale, zone, delimiter: values["directory.delim"] },
    timestampExtractor(values["timestamp.extractor"], values["timestamp.field"], zone),
  );
}

function zoneOf(values: S3SinkValues): TimeZone {
  const zone = values.timezone.trim() === "" ? undefined : TimeZone.of(values.timezone);
  if (zone) return zone;
  throw new ConfigError(
    "timezone",
    `Invalid value ${values.timezone} for configuration timezone: ${values.timezone.trim() === "" ? "Timezone cannot be empty." : "The datetime zone id is not recognised."}`,
  );
}
