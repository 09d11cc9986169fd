import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../base/clock.js";
import { makeFolder } from "../../base/durable-files.js";
import type { Logger } from "../../base/logger.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import { type BatchHeader, nextOffsetOf, patchBatch } from "../../protocol/records/record-batch.js";
import { lastOffset, walkHeaders } from "./batch-walk.js";
import { decodeEpochs, type EpochEnd, encodeEpochs, LeaderEpochs } from "./leader-epochs.js";
import type { LogConfig } from "./log-config.js";
import type { SealedFiles } from "./log-files.js";
import { recoverSegments } from "./log-recovery.js";
import { loadProducers, writeProducerSnapshot } from "./producer-snapshot.js";
import { ProducerState } from "./producer-state.js";
import { type AgedSegment, planRetention } from "./retention.js";
import { Segment } from "./segment.js";
import { lastAtMost } from "./segment-index.js";

const EPOCHS_FILE = "leader-epoch-checkpoint";
const MAX_RELATIVE_OFFSET = 2 ** 31 - 1;
/** Read positions remembered, so that a reader that continues needs no index lookup. */
const REMEMBERED_PLACES = 8;

export interface PartitionLogOptions {
  /** `<data folder>/<topic>-<partition>`; created if it does not exist. */
  readonly folder: string;
  /** The topic's configuration, read at each use: it may change while the log is open. */
  readonly config: () => LogConfig;
  readonly files: SealedFiles;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The epoch of this start of the broker. */
  readonly leaderEpoch: number;
  /** The log start set by DeleteRecords, 0 if none. */
  readonly logStartOffset: number;
  /** Throws when another process owns the data folder; called before each append. */
  readonly checkFolder: () => void;
}

interface Place {
  readonly offset: number;
  readonly segment: Segment;
  readonly position: number;
}

/**
 * The log of one partition: its segments on disk, its leader epochs and its producers.
 *
 * All file access is synchronous: an append and the checks before it are one step that no other request can
 * interrupt, and a write into the page cache is cheaper than a trip through Node's thread pool. A batch survives
 * `kill -9` once `append` has returned. It survives a power loss once it was forced to disk: at the end of each
 * segment, at a clean stop, and as often as `flush.messages` and `flush.ms` require: by default never, as in Kafka.
 * (I10)
 */
export class PartitionLog {
  readonly #options: PartitionLogOptions;
  readonly #segments: Segment[];
  readonly #epochs: LeaderEpochs;
  readonly #producers = new ProducerState();
  readonly #watchers = new Set<(bytes: number) => void>();
  readonly #places: Place[] = [];
  #logStartOffset: number;
  #unflushed = 0;
  #unflushedSinceMs = 0;
  #removed = false;
  /** Set by the cleaner while it rewrites segments; retention skips the log meanwhile. */
  cleaning = false;

  private constructor(options: PartitionLogOptions, segments: Segment[], epochs: LeaderEpochs) {
    this.#options = options;
    this.#segments = segments;
    this.#epochs = epochs;
    this.#logStartOffset = Math.min(Math.max(options.logStartOffset, segments[0]!.baseOffset), this.logEndOffset);
  }

  /** Opens the log in its folder, or creates an empty one; recovers it if the last process did not close it. */
  static open(options: PartitionLogOptions): PartitionLog {
    const { folder, files, logger } = options;
    makeFolder(folder);
    const interval = options.config().indexIntervalBytes;
    const segments = recoverSegments(folder, files, interval, options.logStartOffset, logger);
    const epochs = new LeaderEpochs(readEpochs(folder));
    const log = new PartitionLog(options, segments, epochs);
    if (epochs.truncate(log.logEndOffset)) log.#writeEpochs();
    loadProducers(folder, log.logEndOffset, log.#producers, log.headers, options.clock.nowMs());
    return log;
  }

  get leaderEpoch(): number {
    return this.#options.leaderEpoch;
  }

  /** The first readable offset. */
  get logStartOffset(): number {
    return this.#logStartOffset;
  }

  /**
   * The offset of the next record. With one replica also the high watermark, without transactions the last stable
   * offset.
   */
  get logEndOffset(): number {
    return this.#segments.at(-1)!.nextOffset;
  }

  get sizeBytes(): number {
    return this.#segments.reduce((sum, { size }) => sum + size, 0);
  }

  get producers(): ProducerState {
    return this.#producers;
  }

  get folder(): string {
    return this.#options.folder;
  }

  get files(): SealedFiles {
    return this.#options.files;
  }

  get config(): LogConfig {
    return this.#options.config();
  }

  /** The segments, oldest first; the last one is active. For the cleaner. */
  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** Whether the log is closed, by a stop or by the deletion of its topic: every later access fails. */
  get removed(): boolean {
    return this.#removed;
  }

  /**
   * Appends one checked batch. Base offset and leader epoch, which the checksum does not cover, are set in `batch`
   * itself; nothing else is changed and no record is read.
   *
   * @returns the offset of its first record.
   * @throws KafkaError KAFKA_STORAGE_ERROR when the write fails; nothing is appended then. Also when the flush that
   *   `flush.messages` requires fails; the batch is in the log then.
   */
  append(batch: Buffer, header: BatchHeader): number {
    const baseOffset = this.logEndOffset;
    const placed = { ...header, baseOffset };
    this.#guard("appending to", () => {
      this.#options.checkFolder();
      this.#rollFor(batch.length, placed);
      patchBatch(batch, 0, baseOffset, this.leaderEpoch);
      if (this.#epochs.note(this.leaderEpoch, baseOffset)) this.#writeEpochs();
      this.#segments.at(-1)!.append(batch, placed);
    });
    const nowMs = this.#options.clock.nowMs();
    this.#producers.note(header, baseOffset, nowMs);
    this.#flushAsConfigured(header.lastOffsetDelta + 1, nowMs);
    for (const watch of this.#watchers) watch(batch.length);
    return baseOffset;
  }

  /**
   * Reads whole batches, from the one that holds `offset` on. Its first records may lie before `offset`: readers skip
   * them.
   *
   * @param atLeastOne returns one batch even if it is larger than `maxBytes`, so that a reader never gets stuck.
   * @returns empty at the end of the log. The caller checks that `offset` is in range.
   */
  read(offset: number, maxBytes: number, atLeastOne: boolean): Buffer {
    return this.#guard("reading", () => {
      const place = this.#placeOf(offset);
      if (!place) return Buffer.alloc(0);
      const bytes = place.segment.readBatches(place.position, maxBytes, atLeastOne);
      if (bytes.length > 0) this.#rememberPlaceAfter(place, bytes);
      return bytes;
    });
  }

  /** Calls `appended` with the size of every new batch, until the returned function is called. */
  watch(appended: (bytes: number) => void): () => void {
    this.#watchers.add(appended);
    return () => this.#watchers.delete(appended);
  }

  /**
   * The first batch, ending at or after `fromOffset`, that may hold a record of at least `timestamp`; undefined when
   * all are older.
   */
  batchForTime(timestamp: number, fromOffset: number): Buffer | undefined {
    return this.#guard("searching", () => {
      for (const segment of this.#segments) {
        if (segment.maxTimestamp < timestamp || segment.nextOffset <= fromOffset) continue;
        const position = segment.positionOfTime(timestamp, fromOffset);
        if (position !== undefined) return segment.readBatches(position, 0, true);
      }
      return undefined;
    });
  }

  /** The largest timestamp of any record, -1 when there is none. */
  get maxTimestamp(): number {
    return this.#segments.reduce((max, segment) => Math.max(max, segment.maxTimestamp), -1);
  }

  /** The end offset of `epoch` (KIP-279). */
  endOfEpoch(epoch: number): EpochEnd {
    return this.#epochs.endOf(epoch, this.leaderEpoch, this.logEndOffset);
  }

  /** Visits the headers of all batches that end at or after `fromOffset`, in order, until `visit` returns true. */
  readonly headers = (fromOffset: number, visit: (header: BatchHeader) => boolean): void => {
    let stopped = false;
    for (const segment of this.#segments) {
      if (segment.nextOffset <= fromOffset || stopped) continue;
      const from = segment.positionOf(fromOffset) ?? segment.size;
      walkHeaders(segment.read, from, segment.size, (header) => {
        stopped = visit(header);
        return stopped;
      });
    }
  };

  /**
   * Raises the first readable offset. The next retention run deletes whole segments below it. The caller stores it
   * first.
   */
  raiseStart(offset: number): void {
    this.#logStartOffset = Math.max(this.#logStartOffset, Math.min(offset, this.logEndOffset));
  }

  /** Deletes the oldest segments as retention allows. Called by the broker's maintenance. Returns their number. */
  applyRetention(nowMs: number): number {
    if (this.cleaning || this.#removed) return 0;
    const aged: AgedSegment[] = this.#segments.map((segment) => ({
      nextOffset: segment.nextOffset,
      size: segment.size,
      timestampMs: segment.maxTimestamp >= 0 ? segment.maxTimestamp : segment.modifiedMs,
    }));
    const count = planRetention(aged, this.config, this.#logStartOffset, nowMs);
    if (count === this.#segments.length) this.#roll();
    for (const segment of this.#segments.splice(0, count)) segment.remove();
    this.#places.length = 0;
    this.raiseStart(this.#segments[0]!.baseOffset);
    return count;
  }

  /**
   * Flushes records that have waited for `flush.ms`, retries seals that failed (as on a full disk), and removes idle
   * producers. Called by the broker's maintenance.
   */
  tend(nowMs: number, producerExpirationMs: number): void {
    for (const segment of this.#segments) if (segment.sealFailed) this.#retrySeal(segment);
    if (this.#unflushed > 0 && nowMs - this.#unflushedSinceMs >= this.config.flushMs) this.flush();
    this.#producers.expire(nowMs, producerExpirationMs);
  }

  /** Forces everything appended to disk. */
  flush(): void {
    this.#guard("flushing", () => this.#segments.at(-1)!.flush());
    this.#unflushed = 0;
  }

  /** Replaces sealed segments by `fresh`, which was made from them; undefined: none of it is left. For the cleaner. */
  replaceSegments(replaced: readonly Segment[], fresh: Segment | undefined): void {
    const at = this.#segments.indexOf(replaced[0]!);
    this.#segments.splice(at, replaced.length, ...(fresh ? [fresh] : []));
    this.#places.length = 0;
  }

  /** Stops cleanly: everything is on disk and indexed, so that the next start checks nothing. */
  close(): void {
    if (this.#removed) return;
    writeProducerSnapshot(this.folder, this.logEndOffset, this.#producers);
    for (const segment of this.#segments) segment.sealAndClose();
    this.#removed = true;
  }

  /** Closes descriptors without writing, as a crash would. */
  abandon(): void {
    for (const segment of this.#segments) segment.close();
    this.#removed = true;
  }

  /**
   * Closes the log of a deleted topic; `moveAway` then renames its folder. Parked readers are woken and find it gone.
   */
  detach(moveAway: () => void): void {
    this.abandon();
    moveAway();
    for (const watch of this.#watchers) watch(Number.MAX_SAFE_INTEGER);
  }

  #placeOf(offset: number): Place | undefined {
    const known = this.#places.find((place) => place.offset === offset && place.position < place.segment.size);
    if (known) return known;
    let at = Math.max(
      0,
      lastAtMost(this.#segments.length, offset, (i) => this.#segments[i]!.baseOffset),
    );
    // Compaction may have emptied the end of a segment; the next batch is then in a later one.
    for (; at < this.#segments.length; at++) {
      const segment = this.#segments[at]!;
      const position = segment.positionOf(offset);
      if (position !== undefined) return { offset, segment, position };
    }
    return undefined;
  }

  #rememberPlaceAfter(place: Place, bytes: Buffer): void {
    let next = place.offset;
    walkHeaders(
      (position, length) => bytes.subarray(position, position + length),
      0,
      bytes.length,
      (header) => {
        next = nextOffsetOf(header);
        return false;
      },
    );
    const at = this.#places.indexOf(place);
    if (at >= 0) this.#places.splice(at, 1);
    this.#places.push({ offset: next, segment: place.segment, position: place.position + bytes.length });
    if (this.#places.length > REMEMBERED_PLACES) this.#places.shift();
  }

  #rollFor(bytes: number, placed: BatchHeader): void {
    const active = this.#segments.at(-1)!;
    if (active.size === 0) return;
    const { segmentBytes, segmentMs } = this.config;
    const full = active.size + bytes > segmentBytes;
    const aged = active.firstTimestamp >= 0 && placed.maxTimestampMs - active.firstTimestamp > segmentMs;
    if (full || aged || lastOffset(placed) - active.baseOffset > MAX_RELATIVE_OFFSET) this.#roll();
  }

  #roll(): void {
    const active = this.#segments.at(-1)!;
    const { folder, files, logger } = this.#options;
    writeProducerSnapshot(folder, active.nextOffset, this.#producers);
    this.#segments.push(Segment.open(folder, active.nextOffset, files, this.config.indexIntervalBytes));
    active.seal((cause) => {
      logger.warn(
        "A segment could not be sealed; unless a retry succeeds, the next start checks it",
        { path: active.path },
        cause,
      );
    });
  }

  #retrySeal(segment: Segment): void {
    const { logger } = this.#options;
    try {
      segment.retrySeal();
      logger.info("Sealed a segment at a retry", { path: segment.path });
    } catch (cause) {
      // At debug: the first failure was a warning, and this may repeat every second.
      logger.debug("A segment still cannot be sealed", { path: segment.path, cause: (cause as Error).message });
    }
  }

  #flushAsConfigured(records: number, nowMs: number): void {
    if (this.#unflushed === 0) this.#unflushedSinceMs = nowMs;
    this.#unflushed += records;
    if (this.#unflushed >= this.config.flushMessages) this.flush();
  }

  #writeEpochs(): void {
    // Not forced to disk: after a power loss the epochs of lost records are useless; the broker's own is in its file.
    writeFileSync(join(this.folder, EPOCHS_FILE), encodeEpochs(this.#epochs.starts));
  }

  #guard<T>(doing: string, step: () => T): T {
    if (this.#removed)
      throw new KafkaError("KAFKA_STORAGE_ERROR", `${doing} ${this.folder}`, { detail: "the log is closed" });
    try {
      return step();
    } catch (cause) {
      if (cause instanceof KafkaError) throw cause;
      throw new KafkaError("KAFKA_STORAGE_ERROR", `${doing} ${this.folder}`, { cause });
    }
  }
}

function readEpochs(folder: string) {
  try {
    return decodeEpochs(readFileSync(join(folder, EPOCHS_FILE), "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
