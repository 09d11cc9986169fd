/** Why the open files of a topic partition are finished together. */
export type RotationCause =
  | "flush-size"
  | "flush-bytes"
  | "interval"
  | "partition-change"
  | "schedule"
  | "idle"
  | "null-schema"
  | "schema-change"
  | "max-open-files"
  /** Not decided here: offsets went back. */
  | "offset-reset";

export interface RotationSettings {
  /** Records of a topic partition, over all its open files; below 1 means 1. */
  readonly flushSize: number;
  /** Bytes of rows of one open file, before compression; undefined for no limit. */
  readonly flushBytes: number | undefined;
  /** Span of record time in milliseconds; undefined when it does not apply (not set, or no time-based partitioner). */
  readonly intervalMs: number | undefined;
  /** Whether a record for another encoded partition ends the interval. */
  readonly rotateOnPartitionChange: boolean;
  /** The next scheduled moment after the argument (both ms since 1970), or undefined without a schedule. */
  readonly nextScheduledMs: ((nowMs: number) => number) | undefined;
  /** Time by the clock without a record; undefined for no limit. */
  readonly idleMs: number | undefined;
  /** The directory of records without a value, from and to which a change does not end the interval. */
  readonly tombstonePartition: string | undefined;
  /** Open files of one topic partition; undefined for no limit. */
  readonly maxOpenFiles: number | undefined;
}

/** The properties of a record that rotation depends on. */
export interface RecordFacts {
  readonly encodedPartition: string;
  /** The record's time, from the extractor; null without a time-based partitioner. */
  readonly timestampMs: number | null;
  /** Its schema, compared with that of the open file of its encoded partition. */
  readonly schema: "no-file" | "same" | "changed" | "null-flip";
}

/**
 * Decides when the open files of one topic partition are finished, without I/O or a clock. The writer calls `judge`
 * before it writes a record, `note` after, `judgeIdle` at the end of a batch, and `rotated` once it has handed the
 * files over. All files of the topic partition rotate together, so one offset separates finished from unfinished.
 *
 * Unlike the original, a record that could not be written leaves no trace here: neither its time nor its schema.
 */
export class Rotation {
  #recordCount = 0;
  #openFiles = 0;
  #largestFileBytes = 0;
  #baseTimestampMs: number | null = null;
  #lastTimestampMs: number | null = null;
  #lastEncodedPartition: string | null = null;
  /** By the clock. */
  #lastNotedMs = 0;
  #scheduledMs: number;

  constructor(
    private readonly settings: RotationSettings,
    nowMs: number,
  ) {
    this.#scheduledMs = this.#schedule(nowMs);
  }

  /** The reason to finish the files before this record is written, or null. */
  judge(facts: RecordFacts, nowMs: number): RotationCause | null {
    if (this.#recordCount === 0) return null;
    const full = this.#judgeSize();
    if (full) return full;
    if (facts.schema === "null-flip") return "null-schema";
    if (nowMs >= this.#scheduledMs) return "schedule";
    const byTime = this.#judgeInterval(facts.timestampMs, facts.encodedPartition);
    if (byTime !== null) return byTime;
    if (facts.schema === "changed") return "schema-change";
    if (facts.schema === "no-file" && this.#openFiles === this.settings.maxOpenFiles) return "max-open-files";
    return null;
  }

  /**
   * Counts a written record; returns the reason to finish the files now, or null.
   *
   * @param fileBytes the rows of its file, with the record.
   */
  note(facts: RecordFacts, fileBytes: number, nowMs: number): RotationCause | null {
    this.#lastNotedMs = nowMs;
    if (facts.schema === "no-file") this.#openFiles++;
    this.#recordCount++;
    this.#baseTimestampMs ??= facts.timestampMs;
    this.#lastTimestampMs = facts.timestampMs;
    this.#lastEncodedPartition = facts.encodedPartition;
    this.#largestFileBytes = Math.max(this.#largestFileBytes, fileBytes);
    return this.#judgeSize();
  }

  /**
   * Called before and after a batch. A schedule that passed while nothing was open moves on, so that the first record
   * after idling is not finished alone; an interval is judged by the last record's time, never by the clock.
   */
  judgeIdle(nowMs: number): RotationCause | null {
    if (this.#recordCount === 0) {
      if (nowMs >= this.#scheduledMs) this.#scheduledMs = this.#schedule(nowMs);
      return null;
    }
    const full = this.#judgeSize();
    if (full) return full;
    if (nowMs >= this.#scheduledMs) return "schedule";
    const { idleMs } = this.settings;
    if (idleMs !== undefined && nowMs - this.#lastNotedMs >= idleMs) return "idle";
    return this.#judgeInterval(this.#lastTimestampMs, this.#lastEncodedPartition);
  }

  /** The files were handed over because of `cause`. */
  rotated(cause: RotationCause, nowMs: number): void {
    this.#forget();
    if (cause === "schedule" || cause === "interval" || cause === "partition-change")
      this.#scheduledMs = this.#schedule(nowMs);
  }

  /** The open files were abandoned: back to the state after opening. */
  reset(nowMs: number): void {
    this.#forget();
    this.#scheduledMs = this.#schedule(nowMs);
  }

  /** The same until the files are handed over, so that a rotation that waits for the store is not forgotten. */
  #judgeSize(): RotationCause | null {
    const { flushSize, flushBytes } = this.settings;
    if (this.#recordCount === 0) return null;
    if (this.#recordCount >= flushSize) return "flush-size";
    return flushBytes !== undefined && this.#largestFileBytes >= flushBytes ? "flush-bytes" : null;
  }

  #forget(): void {
    this.#recordCount = 0;
    this.#openFiles = 0;
    this.#largestFileBytes = 0;
    this.#baseTimestampMs = null;
    this.#lastTimestampMs = null;
    this.#lastEncodedPartition = null;
  }

  #judgeInterval(timestampMs: number | null, encodedPartition: string | null): RotationCause | null {
    const { intervalMs, rotateOnPartitionChange, tombstonePartition } = this.settings;
    if (intervalMs === undefined) return null;
    if (timestampMs !== null && this.#baseTimestampMs !== null && timestampMs - this.#baseTimestampMs >= intervalMs)
      return "interval";
    const last = this.#lastEncodedPartition;
    if (!rotateOnPartitionChange || encodedPartition === last) return null;
    const hasTombstone =
      tombstonePartition !== undefined && (encodedPartition === tombstonePartition || last === tombstonePartition);
    return hasTombstone ? null : "partition-change";
  }

  #schedule(nowMs: number): number {
    return this.settings.nextScheduledMs?.(nowMs) ?? Number.POSITIVE_INFINITY;
  }
}
