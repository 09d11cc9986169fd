import { join } from "node:path";
import type { Clock } from "../../base/clock.js";
import { replaceFile } from "../../base/files/durable-files.js";
import type { Logger } from "../../base/logger.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  patchBatch,
  readBatchHeader,
  stampLogAppendTime,
} from "../../protocol/records/record-batch.js";
import { encodeMarker, type TransactionMarker } from "../../protocol/records/transaction-marker.js";
import { GroupCommit } from "./group-commit.js";
import { decodeEpochs, type EpochEnd, encodeEpochs, LeaderEpochs } from "./leader-epochs.js";
import type { LogConfig } from "./log-config.js";
import { recoverSegments } from "./log-recovery.js";
import { judgeMarker } from "./producers/judge-marker.js";
import { writeProducerSnapshot } from "./producers/producer-snapshot.js";
import { type OpenTransaction, ProducerState } from "./producers/producer-state.js";
import { recoverProducers } from "./producers/recover-producers.js";
import { type AgedSegment, planRetention } from "./retention.js";
import { lastOffset } from "./segments/batch-walk.js";
import type { SealedFiles } from "./segments/log-files.js";
import { LogSegments } from "./segments/log-segments.js";
import type { Segment } from "./segments/segment.js";
import type { AbortedTransaction } from "./segments/transaction-index.js";
import { type Isolation, type Readable, WaitingReaders } from "./waiting-readers.js";

const EPOCHS_FILE = "leader-epoch-checkpoint";
const NO_RECORDS = Buffer.alloc(0);
const MAX_RELATIVE_OFFSET = 2 ** 31 - 1;

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
  /** What `checkpoint` returned last, 0 if that is unknown. */
  readonly recoveryPoint: number;
  /** Throws when another process owns the data folder; called before each append. */
  readonly checkFolder: () => void;
}

/**
 * The log of one partition: its segments on disk, its leader epochs and its producers.
 *
 * Writes go to the page cache and are synchronous: an append and the checks before it are one step that no other
 * request can interrupt, and such a write is cheaper than a trip through Node's thread pool. A batch survives `kill -9`
 * once `append` has returned. It is acknowledged, and readers see it, once it is as durable as `flush.messages`
 * requires: with 1 it is on disk then, by a sync in the background that all batches appended meanwhile share; with
 * Kafka's default it is acknowledged at once, and a power loss may take it. (I10)
 *
 * A log whose sync failed is offline until the next start, which checks it: nobody knows what of it is on disk, and
 * Linux would report success for the next sync. The other logs serve on.
 */
export class PartitionLog {
  readonly #options: PartitionLogOptions;
  readonly #segments: LogSegments;
  readonly #commit: GroupCommit;
  readonly #producers = new ProducerState();
  readonly #readers = new WaitingReaders();
  #epochs: LeaderEpochs;
  #logStartOffset: number;
  /** The last stable offset that waiting readers know. */
  #stable = 0;
  #unflushedSinceMs = 0;
  #removed = false;
  /** The error that took the log offline. */
  #offline: KafkaError | undefined;
  /** Set by the cleaner while it rewrites segments; retention skips the log meanwhile. */
  cleaning = false;

  private constructor(options: PartitionLogOptions, segments: Segment[], epochs: LeaderEpochs) {
    this.#options = options;
    const { folder, files, logger } = options;
    this.#segments = new LogSegments({ folder, files, logger, list: segments });
    this.#epochs = epochs;
    const end = segments.at(-1)?.nextOffset ?? options.logStartOffset;
    this.#logStartOffset = Math.min(Math.max(options.logStartOffset, segments[0]?.baseOffset ?? 0), end);
    this.#commit = new GroupCommit({
      end,
      force: () => this.#segments.force(),
      turn: () => options.clock.turn(),
      flushMessages: () => this.config.flushMessages,
      onReadable: (bytes) => {
        this.#readers.wake("read_uncommitted", bytes);
        this.#announceStable();
      },
      onFailed: (cause) => this.#goOffline("forcing to disk", cause),
    });
  }

  /**
   * Opens the log in its folder, or creates an empty one; recovers it if the last process did not close it. Everything
   * in it is on disk then.
   */
  static open(options: PartitionLogOptions): PartitionLog {
    const { folder, files, logger } = options;
    files.disk.makeFolder(folder);
    const interval = options.config().indexIntervalBytes;
    const { logStartOffset, recoveryPoint } = options;
    const segments = recoverSegments(folder, files, interval, logStartOffset, recoveryPoint, logger);
    try {
      const epochs = new LeaderEpochs(readEpochs(folder, files));
      const log = new PartitionLog(options, segments, epochs);
      if (epochs.truncate(log.logEndOffset)) log.#writeEpochs(epochs);
      const nowMs = options.clock.nowMs();
      if (recoverProducers(folder, files.disk, segments, log.#producers, nowMs, logger)) {
        log.#segments.sealSynced("warn");
      } else log.#segments.deferSealing();
      log.#stable = log.lastStableOffset;
      return log;
    } catch (cause) {
      for (const segment of segments) segment.close();
      throw cause;
    }
  }

  /** A log that could not be opened because of `cause`: every access fails, and the next start tries again. */
  static openOffline(options: PartitionLogOptions, cause: unknown): PartitionLog {
    const log = new PartitionLog(options, [], new LeaderEpochs());
    log.#goOffline("opening", cause);
    return log;
  }

  get leaderEpoch(): number {
    return this.#options.leaderEpoch;
  }

  /** The first readable offset. */
  get logStartOffset(): number {
    return this.#logStartOffset;
  }

  /** The offset of the next record. */
  get logEndOffset(): number {
    return this.segments.at(-1)?.nextOffset ?? this.#logStartOffset;
  }

  /** Everything before it is on disk. */
  get durableEnd(): number {
    return this.#commit.durableEnd;
  }

  /** The end for readers: everything before it is acknowledged. Behind the log's end while batches wait for the disk. */
  get highWatermark(): number {
    return this.#commit.highWatermark;
  }

  /** The end for readers of committed records (LSO): every transaction with a record before it has ended. */
  get lastStableOffset(): number {
    const { highWatermark } = this;
    const unstable = this.#producers.firstUnstable(highWatermark) ?? highWatermark;
    return Math.min(highWatermark, Math.max(unstable, this.#logStartOffset));
  }

  /** The transactions that have no marker here yet, by rising first offset. */
  get openTransactions(): readonly OpenTransaction[] {
    return this.#producers.open;
  }

  get sizeBytes(): number {
    return this.#segments.sizeBytes;
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
    return this.#segments.list;
  }

  /** Whether the log is closed, by a stop or by the deletion of its topic: every later access fails. */
  get removed(): boolean {
    return this.#removed;
  }

  /** Why the log is offline; undefined when it is not. */
  get offline(): KafkaError | undefined {
    return this.#offline;
  }

  /**
   * Appends one checked batch. Base offset and leader epoch, which the checksum does not cover, are set in `batch`
   * itself; nothing else is changed and no record is read. `settled` tells when it may be acknowledged.
   *
   * @returns the offset of its first record.
   * @throws KafkaError KAFKA_STORAGE_ERROR when the write fails, or the log is offline; nothing is appended then.
   */
  append(batch: Buffer, header: BatchHeader): number {
    const baseOffset = this.#write(batch, header);
    this.#producers.note(header, baseOffset, this.#options.clock.nowMs());
    this.#commit.appended(this.logEndOffset, batch.length);
    return baseOffset;
  }

  /**
   * Appends a transaction marker, which ends the producer's open transaction in this log. One without an open
   * transaction is appended, too: a coordinator repeats its markers after a crash. Readers of committed records see the
   * end once the marker may be acknowledged: `settled(offset + 1)`.
   *
   * @returns the marker's offset.
   * @throws KafkaError INVALID_PRODUCER_EPOCH, TRANSACTION_COORDINATOR_FENCED; KAFKA_STORAGE_ERROR as `append` does.
   */
  appendMarker(marker: TransactionMarker): number {
    const { producerId } = marker;
    const refused = judgeMarker(this.#producers.entry(producerId), marker);
    const doing = `ending the transaction of producer ${producerId} in ${this.folder}`;
    if (refused) throw new KafkaError(refused.error, doing, { detail: refused.message });
    const nowMs = this.#options.clock.nowMs();
    const batch = encodeMarker(marker, nowMs);
    if (this.config.messageTimestampType === "LogAppendTime") stampLogAppendTime(batch, 0, nowMs);
    const offset = this.#write(batch, readBatchHeader(batch));
    const aborted = this.#producers.end(marker, offset, nowMs, nowMs);
    if (aborted) this.#segments.active.noteAborted(aborted);
    this.#commit.appended(this.logEndOffset, batch.length);
    return offset;
  }

  /**
   * The aborted transactions with records in `[fromOffset, upToOffset)`, for a reader of committed records that fetched
   * these. It drops the batches of each producer from `firstOffset` up to the producer's next ABORT marker.
   */
  abortedTransactions(fromOffset: number, upToOffset: number): AbortedTransaction[] {
    return this.#guard("searching", () => this.#segments.abortedTransactions(fromOffset, upToOffset));
  }

  /** Appends a batch, without noting its producer. Returns its base offset. */
  #write(batch: Buffer, header: BatchHeader): number {
    const baseOffset = this.logEndOffset;
    const placed = { ...header, baseOffset };
    this.#guard("appending to", () => {
      this.#options.checkFolder();
      this.#rollFor(batch.length, placed);
      patchBatch(batch, 0, baseOffset, this.leaderEpoch);
      this.#beginEpochAt(baseOffset);
      this.#segments.active.append(batch, placed);
    });
    if (!this.#commit.isBehind) this.#unflushedSinceMs = this.#options.clock.nowMs();
    return baseOffset;
  }

  /**
   * Resolves once the records before `offset` may be acknowledged; undefined: they may be now.
   * @throws rejects with KafkaError KAFKA_STORAGE_ERROR when they cannot be forced to disk, or the log is closed before.
   */
  settled(offset: number): Promise<void> | undefined {
    return this.#commit.settled(offset);
  }

  /** The end for readers of `isolation`. */
  endFor(isolation: Isolation): number {
    return isolation === "read_committed" ? this.lastStableOffset : this.highWatermark;
  }

  /**
   * Reads whole batches, from the one that holds `offset` on. Its first records may lie before `offset`: readers skip
   * them.
   *
   * @param atLeastOne returns one batch even if it is larger than `maxBytes`, so that a reader never gets stuck.
   * @param upToOffset an end for readers.
   * @returns empty at that end. The caller checks that `offset` is in range.
   */
  read(offset: number, maxBytes: number, atLeastOne: boolean, upToOffset = this.highWatermark): Buffer {
    return this.#guard("reading", () => {
      if (offset >= upToOffset || (maxBytes < BATCH_HEADER_BYTES && !atLeastOne)) return NO_RECORDS;
      return this.#segments.read(offset, maxBytes, atLeastOne, upToOffset);
    });
  }

  /**
   * The bytes that a reader can fetch from `offset` up to an end for readers, as far as their first segment; infinite when
   * there are more in later ones. Known without reading them.
   */
  readableBytes(offset: number, upToOffset: number): number {
    return this.#guard("reading", () => (offset < upToOffset ? this.#segments.bytesFrom(offset, upToOffset) : 0));
  }

  /** Calls `readable` when records of `isolation` become readable, until the returned function is called. */
  watch(isolation: Isolation, readable: Readable): () => void {
    return this.#readers.add(isolation, readable);
  }

  /**
   * The first batch before `upToOffset`, ending at or after `fromOffset`, that may hold a record of at least
   * `timestamp`; undefined when all are older.
   */
  batchForTime(timestamp: number, fromOffset: number, upToOffset: number): Buffer | undefined {
    return this.#guard("searching", () => {
      const batch = this.#segments.batchForTime(timestamp, fromOffset);
      return batch && readBatchHeader(batch).baseOffset < upToOffset ? batch : undefined;
    });
  }

  /** The largest timestamp of the records before `upToOffset`, an end of batches; -1 when there is none. */
  maxTimestampBefore(upToOffset: number): number {
    return this.#guard("searching", () => this.#segments.maxTimestampBefore(upToOffset));
  }

  /** The end offset of `epoch` (KIP-279). */
  endOfEpoch(epoch: number): EpochEnd {
    return this.#epochs.endOf(epoch, this.leaderEpoch, this.logEndOffset);
  }

  /**
   * Raises the first readable offset. The next retention run deletes whole segments below it. The caller stores it
   * first.
   */
  raiseStart(offset: number): void {
    this.#logStartOffset = Math.max(this.#logStartOffset, Math.min(offset, this.logEndOffset));
    this.#announceStable();
  }

  /**
   * Deletes the oldest segments as retention allows. Called by the broker's maintenance. Returns their number.
   * @throws KafkaError KAFKA_STORAGE_ERROR. Segments deleted before the failure stay deleted.
   */
  applyRetention(nowMs: number): number {
    if (this.cleaning || this.#removed || this.#offline) return 0;
    const aged: AgedSegment[] = this.segments.map((segment) => ({
      nextOffset: segment.nextOffset,
      size: segment.size,
      timestampMs: segment.maxTimestamp >= 0 ? segment.maxTimestamp : segment.modifiedMs,
    }));
    const count = planRetention(aged, this.config, this.#logStartOffset, nowMs);
    return this.#guard("deleting old segments of", () => {
      this.#forceProducersAt(count);
      // The active one last: to replace it takes room, which the others may have to give first.
      for (let left = Math.min(count, aged.length - 1); left > 0; left--) this.#removeOldest();
      if (count === aged.length) {
        this.#roll();
        this.#forceProducersAt(1);
        this.#removeOldest();
      }
      return count;
    });
  }

  /**
   * Forces records to disk that have waited for `flush.ms`, seals segments whose index files could not be written (as
   * on a full disk), and removes idle producers. Called by the broker's maintenance.
   */
  tend(nowMs: number, producerExpirationMs: number): void {
    this.#producers.expire(nowMs, producerExpirationMs);
    if (this.#removed || this.#offline) return;
    this.#segments.sealSynced("debug");
    if (this.#commit.isBehind && nowMs - this.#unflushedSinceMs >= this.config.flushMs) this.#commit.want();
  }

  /**
   * Writes what a start after a crash needs to check only the records since. Called by the broker's maintenance, which
   * stores the result.
   *
   * @returns the recovery point: everything before it is on disk.
   * @throws the disk's error; nothing has changed then, and the start checks more.
   */
  checkpoint(): number {
    const active = this.segments.at(-1);
    if (!active || this.#offline) return 0;
    if (!this.#removed) this.#writeIndexSnapshot(active);
    return this.#commit.durableEnd;
  }

  /** The state of the producers goes with it: it would take all batches of the segment to find it again. */
  #writeIndexSnapshot(active: Segment): void {
    if (!active.needsIndexSnapshot || !active.writeIndexSnapshot(this.#commit.durableEnd)) return;
    const unsealed = this.segments.find(({ sealed }) => !sealed) ?? active;
    writeProducerSnapshot(this.folder, this.files.disk, this.logEndOffset, this.#producers, unsealed.baseOffset);
  }

  /**
   * Forces everything before `offset` to disk, by the same syncs as the batches that wait: one of its own could succeed
   * while that under way fails, since Linux reports a failure once.
   * @throws rejects with KafkaError KAFKA_STORAGE_ERROR when the log is offline or closed, before or meanwhile.
   */
  async flushBefore(offset: number): Promise<void> {
    for (;;) {
      const isDone = this.#guard("forcing to disk", () => offset <= this.#commit.durableEnd);
      if (isDone) return;
      this.#commit.want();
      await this.#commit.running;
    }
  }

  /** Replaces sealed segments by `fresh`, which was made from them; undefined: none of it is left. For the cleaner. */
  replaceSegments(replaced: readonly Segment[], fresh: Segment | undefined): void {
    this.#segments.replace(replaced, fresh);
  }

  /** Takes the log offline: its files are no longer what it holds in memory. For the cleaner. Returns the error. */
  fail(doing: string, cause: unknown): KafkaError {
    return this.#goOffline(doing, cause);
  }

  /**
   * Stops cleanly: everything is on disk and indexed, so that the next start checks nothing. Done when it returns,
   * unless a sync is under way: its failure must not be missed.
   * @throws rejects with the disk's error; the next start then checks the log.
   */
  async close(): Promise<void> {
    if (this.#removed) return;
    const { running } = this.#commit;
    if (running) await running;
    if (this.#removed || this.#offline) return this.abandon();
    try {
      this.#segments.forceNow();
      this.#commit.markDurable(this.logEndOffset);
      // An empty segment needs no index: to check it costs nothing.
      for (const segment of this.segments) if (segment.size > 0) segment.seal();
      // The next start drops the index files of the active segment at its first append; after a crash the transactions
      // that were aborted in it are then known only from a replay of all of it.
      const { baseOffset } = this.#segments.active;
      writeProducerSnapshot(this.folder, this.files.disk, this.logEndOffset, this.#producers, baseOffset);
    } finally {
      this.abandon();
    }
  }

  /** Closes descriptors without writing, as a crash would. */
  abandon(): void {
    this.#removed = true;
    const detail = "the log is closed";
    this.#commit.stop(new KafkaError("KAFKA_STORAGE_ERROR", `acknowledging a batch of ${this.folder}`, { detail }));
    this.#segments.close();
  }

  /**
   * Closes the log of a deleted topic; `moveAway` then renames its folder. Parked readers are woken and find it gone.
   */
  detach(moveAway: () => void): void {
    this.abandon();
    try {
      moveAway();
    } finally {
      this.#readers.wakeAll();
    }
  }

  /** Wakes readers of committed records if there are more than before. */
  #announceStable(): void {
    const before = this.#stable;
    this.#stable = this.lastStableOffset;
    if (this.#stable <= before || !this.#readers.has("read_committed")) return;
    this.#readers.wake("read_committed", this.#segments.bytesBetween(before, this.#stable));
  }

  #goOffline(doing: string, cause: unknown): KafkaError {
    const { logger, folder } = this.#options;
    const detail = "the log is offline until the next start, which checks it";
    const error = new KafkaError("KAFKA_STORAGE_ERROR", `${doing} ${folder}`, { detail, cause });
    if (this.#offline) return this.#offline;
    this.#offline = error;
    logger.error(
      "A log is offline: the disk failed. Repair or replace the disk, then restart the broker, which checks the log",
      { folder },
      cause,
    );
    this.#commit.stop(error);
    this.#readers.wakeAll();
    return error;
  }

  #rollFor(bytes: number, placed: BatchHeader): void {
    const { active } = this.#segments;
    if (active.size === 0) return;
    const { segmentBytes, segmentMs } = this.config;
    const full = active.size + bytes > segmentBytes;
    const aged = active.firstTimestamp >= 0 && placed.maxTimestampMs - active.firstTimestamp > segmentMs;
    if (full || aged || lastOffset(placed) - active.baseOffset > MAX_RELATIVE_OFFSET) this.#roll();
  }

  #roll(): void {
    const { active } = this.#segments;
    const { folder, files } = this.#options;
    active.cutRest();
    const unsealed = this.segments.find((segment) => !segment.sealed)!;
    writeProducerSnapshot(folder, files.disk, active.nextOffset, this.#producers, unsealed.baseOffset);
    this.#segments.add(this.config.indexIntervalBytes);
    this.#commit.want();
  }

  /**
   * Before the segments up to this one are deleted: their producers are then known from nothing else. Of a sealed
   * segment that was done before it was sealed.
   */
  #forceProducersAt(index: number): void {
    const segment = this.segments[index];
    if (segment?.sealed === false) segment.syncSnapshot();
  }

  #removeOldest(): void {
    this.raiseStart(this.segments[1]!.baseOffset);
    this.#segments.removeOldest();
  }

  /**
   * Notes the first append of this start. The folder is forced to disk with it, so that nothing that the start has
   * removed from it, such as the index files of the active segment, can reappear beside new records.
   */
  #beginEpochAt(offset: number): void {
    if (this.#epochs.latest === this.leaderEpoch) return;
    const next = new LeaderEpochs(this.#epochs.starts);
    if (!next.note(this.leaderEpoch, offset)) return;
    const { active } = this.#segments;
    // They vouch for the segment as it is; it stays so up to here.
    this.#writeIndexSnapshot(active);
    active.dropIndexFiles();
    this.#writeEpochs(next);
    this.#epochs = next;
  }

  #writeEpochs(epochs: LeaderEpochs): void {
    replaceFile(this.files.disk, join(this.folder, EPOCHS_FILE), encodeEpochs(epochs.starts));
  }

  #guard<T>(doing: string, step: () => T): T {
    if (this.#removed)
      throw new KafkaError("KAFKA_STORAGE_ERROR", `${doing} ${this.folder}`, { detail: "the log is closed" });
    if (this.#offline) throw this.#offline;
    try {
      return step();
    } catch (cause) {
      if (cause instanceof KafkaError) throw cause;
      throw new KafkaError("KAFKA_STORAGE_ERROR", `${doing} ${this.folder}`, { cause });
    }
  }
}

function readEpochs(folder: string, { disk }: SealedFiles) {
  const bytes = disk.readFile(join(folder, EPOCHS_FILE));
  return bytes && decodeEpochs(bytes.toString());
}
