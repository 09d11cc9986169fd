/** Why the open files of a topic partition are finished together. */
export type RotationCause =
  | "flush-size"
  | "interval"
  | "partition-change"
  | "schedule"
  | "null-schema"
  | "schema-change"
  | "max-open-files"
  /** Not decided here: offsets went back. */
  | "offset-reset";

export interface RotationSettings {
  /** Records of a topic partition, over all its open files; below 1 means 1. */
  readonly flushSize: number;
  /** Span of record time in milliseconds; undefined when it does not apply (not set, or no time-based partitioner). */
  readonly intervalMs: number | undefined;
  /** Whether a record for another encoded partition ends the interval. */
  readonly rotateOnPartitionChange: boolean;
  /** The next scheduled moment after the given one (both ms since 1970), or undefined without a schedule. */
  readonly nextScheduledMs: ((nowMs: number) => number) | undefined;
  /** Open files of one topic partition; undefined for no limit. */
  readonly maxOpenFiles: number | undefined;
}

/** What rotation needs to know of a record. */
export interface RecordFacts {
  readonly encodedPartition: string;
  /** The record's time as the extractor gives it; null without a time-based partitioner. */
  readonly timestampMs: number | null;
  /** How its schema goes with the schema of its encoded partition's open file. */
  readonly schema: "no-file" | "same" | "changed" | "null-flip";
}

/**
 * Decides when the open files of one topic partition are finished: no I/O, no clock. The writer asks `judge` before it
 * writes a record, tells `note` after, asks `judgeIdle` once a batch is through, and tells `rotated` when it has taken
 * the files out. All files of the topic partition rotate together, so that one offset says what is finished.
 *
 * Unlike the original, a record that could not be written leaves no trace here: neither its time nor its schema.
 */
export class Rotation {
  #recordCount = 0;
  #openFiles = 0;
  #baseTimestampMs: number | null = null;
  #lastTimestampMs: number | null = null;
  #lastEncodedPartition: string | null = null;
  #scheduledMs: number;

  constructor(
    private readonly settings: RotationSettings,
    nowMs: number,
  ) {
    this.#scheduledMs = this.#schedule(nowMs);
  }

  /** Whether the files have to be finished before this record is written. */
  judge(facts: RecordFacts, nowMs: number): RotationCause | null {
    if (this.#recordCount === 0) return null;
    if (this.#isFull) return "flush-size";
    if (facts.schema === "null-flip") return "null-schema";
    if (nowMs >= this.#scheduledMs) return "schedule";
    const byTime = this.#judgeInterval(facts.timestampMs, facts.encodedPartition);
    if (byTime !== null) return byTime;
    if (facts.schema === "changed") return "schema-change";
    if (facts.schema === "no-file" && this.#openFiles === this.settings.maxOpenFiles) return "max-open-files";
    return null;
  }

  /** Notes a record as written, and whether its files have to be finished now. */
  note(facts: RecordFacts): RotationCause | null {
    if (facts.schema === "no-file") this.#openFiles++;
    this.#recordCount++;
    this.#baseTimestampMs ??= facts.timestampMs;
    this.#lastTimestampMs = facts.timestampMs;
    this.#lastEncodedPartition = facts.encodedPartition;
    return this.#isFull ? "flush-size" : null;
  }

  /**
   * Called when there are no more records for now. A schedule that passed while nothing was open moves on, so that the
   * first record after idling is not finished alone; an interval is judged by the last record's time, never by the clock.
   */
  judgeIdle(nowMs: number): RotationCause | null {
    if (this.#recordCount === 0) {
      if (nowMs >= this.#scheduledMs) this.#scheduledMs = this.#schedule(nowMs);
      return null;
    }
    if (this.#isFull) return "flush-size";
    if (nowMs >= this.#scheduledMs) return "schedule";
    return this.#judgeInterval(this.#lastTimestampMs, this.#lastEncodedPartition);
  }

  /** The files were taken out because of `cause`. */
  rotated(cause: RotationCause, nowMs: number): void {
    this.#forget();
    if (cause === "schedule" || cause === "interval" || cause === "partition-change")
      this.#scheduledMs = this.#schedule(nowMs);
  }

  /** The open files were given up: as after opening. */
  reset(nowMs: number): void {
    this.#forget();
    this.#scheduledMs = this.#schedule(nowMs);
  }

  /** Stays so until the files were taken out: a rotation that had to wait for the store must not be forgotten. */
  get #isFull(): boolean {
    return this.#recordCount > 0 && this.#recordCount >= this.settings.flushSize;
  }

  #forget(): void {
    this.#recordCount = 0;
    this.#openFiles = 0;
    this.#baseTimestampMs = null;
    this.#lastTimestampMs = null;
    this.#lastEncodedPartition = null;
  }

  #judgeInterval(timestampMs: number | null, encodedPartition: string | null): RotationCause | null {
    const { intervalMs, rotateOnPartitionChange } = this.settings;
    if (intervalMs === undefined) return null;
    if (timestampMs !== null && this.#baseTimestampMs !== null && timestampMs - this.#baseTimestampMs >= intervalMs)
      return "interval";
    if (rotateOnPartitionChange && encodedPartition !== this.#lastEncodedPartition) return "partition-change";
    return null;
  }

  #schedule(nowMs: number): number {
    return this.settings.nextScheduledMs?.(nowMs) ?? Number.POSITIVE_INFINITY;
  }
}
