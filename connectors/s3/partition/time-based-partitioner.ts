import { ConfigError, DataError, type SinkRecord } from "../../../src/api/index.js";
import { compileJodaPattern, type PathFormatter } from "../time/joda-pattern.js";
import type { TimeZone } from "../time/time-zone.js";
import type { TimestampExtractor } from "../time/timestamp-extractor.js";
import type { Partitioner } from "./partitioner.js";

export interface TimeBasedSettings {
  /** Width of a bucket in local time. */
  readonly durationMs: number;
  /** Joda pattern. */
  readonly pathFormat: string;
  readonly locale: string;
  readonly zone: TimeZone;
  readonly delimiter: string;
}

const MAX_CACHED_PATHS = 10_000;
/** About the year 200,000: the range of a Date, less some room for durations. */
const LAST_MS = 6.3e15;

/**
 * TimeBasedPartitioner, and Daily and Hourly, its presets: the record's time, rounded down to the duration in *local*
 * time (a day begins at local midnight even where clocks change), printed by the pattern.
 */
export class TimeBasedPartitioner implements Partitioner {
  readonly #format: PathFormatter;
  readonly #paths = new Map<number, string>();
  #lastBucketMs = Number.NaN;
  #lastPath = "";

  /** @throws ConfigError naming partition.duration.ms, path.format or locale. */
  constructor(
    private readonly settings: TimeBasedSettings,
    private readonly extract: TimestampExtractor,
  ) {
    const { durationMs, locale, delimiter } = settings;
    if (!(durationMs > 0)) {
      throw new ConfigError(
        "partition.duration.ms",
        `Invalid value ${durationMs} for configuration partition.duration.ms: Partition duration needs to be a positive.`,
      );
    }
    if (locale.trim() === "") {
      throw new ConfigError("locale", "Invalid value  for configuration locale: Locale cannot be empty.");
    }
    const pattern = settings.pathFormat;
    if (pattern.trim() === "" || pattern === delimiter) {
      throw new ConfigError(
        "path.format",
        `Invalid value ${pattern} for configuration path.format: Path format cannot be empty.`,
      );
    }
    this.#format = compileJodaPattern(
      pattern.endsWith(delimiter) ? pattern.slice(0, -delimiter.length) : pattern,
      locale,
    );
  }

  timestampOf(record: SinkRecord, nowMs: number): number {
    return this.extract(record, nowMs);
  }

  encode(_record: SinkRecord, timestampMs: number | null): string {
    const { durationMs, zone } = this.settings;
    if (timestampMs === null || !(Math.abs(timestampMs) <= LAST_MS)) {
      throw new DataError(
        "S3_PARTITION_UNKNOWN",
        `Error encoding partition. The record's timestamp is beyond the years that can be printed; timestamps are in milliseconds.`,
      );
    }
    // Toward zero, so that the last bucket before 1970 and the first after share a path, as in the original.
    const bucketMs = Math.trunc(zone.toLocalMs(timestampMs) / durationMs) * durationMs;
    if (bucketMs === this.#lastBucketMs) return this.#lastPath;
    let path = this.#paths.get(bucketMs);
    if (path === undefined) {
      path = this.#format(zone.toUtcMs(bucketMs), zone);
      if (this.#paths.size >= MAX_CACHED_PATHS) this.#paths.clear();
      this.#paths.set(bucketMs, path);
    }
    this.#lastBucketMs = bucketMs;
    this.#lastPath = path;
    return path;
  }
}
