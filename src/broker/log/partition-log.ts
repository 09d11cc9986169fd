import { KafkaError } from "../../protocol/kafka-error.js";
import {
  type BatchHeader,
  patchBatch,
  readBatchHeader,
  stampLogAppendTime,
} from "../../protocol/records/record-batch.js";
import { encodeMarker, type TransactionMarker } from "../../protocol/records/transaction-marker.js";
import { LeaderEpochFile } from "./epochs/leader-epoch-file.js";
import type { EpochEnd, EpochStart } from "./epochs/leader-epochs.js";
import { GroupCommit } from "./group-commit.js";
import { LogAvailability } from "./log-availability.js";
import type { LogConfig } from "./log-config.js";
import { LogReader } from "./log-reader.js";
import { recoverSegments } from "./log-recovery.js";
import { LogRetention } from "./log-retention.js";
import { LogSegments } from "./log-segments.js";
import { mustRoll } from "./must-roll.js";
import type { PartitionLogOptions } from "./partition-log-options.js";
import { planRetention } from "./plan-retention.js";
import { judgeMarker } from "./producers/judge-marker.js";
import { type OpenTransaction, ProducerState } from "./producers/producer-state.js";
import { recoverProducers } from "./producers/recover-producers.js";
import { finishSwaps } from "./segments/finish-swaps.js";
import type { SealedFiles } from "./segments/sealed-files.js";
import type { Segment } from "./segments/segment.js";
import { type Isolation, type Readable, WaitingReaders } from "./waiting-readers.js";

/**
 * The log of one partition: its segments on disk, its leader epochs and its producers.
 *
 * Writes go to the page cache and are synchronous: an append and the checks before it are one step that no other
 * request can interrupt, and such a write is cheaper than a trip through Node's thread pool. A batch survives `kill -9`
 * once `append` has returned. It is acknowledged, and readers see it, once it is as durable as `flush.messages`
 * requires: with 1 it is on disk then, by a sync in the background that all batches appended meanwhile share; with
 * Kafka's default it is acknowledged at once, and a power loss may take it. (I10)
 *
 * A log whose sync failed is offline until the next start, which checks it: how much of it is on disk is unknown, and
 * Linux would report success for the next sync. The other logs serve on.
 */
export class PartitionLog {
  readonly #options: PartitionLogOptions;
  readonly #availability: LogAvailability;
  readonly #segments: LogSegments;
  readonly #commit: GroupCommit;
  readonly #producers = new ProducerState();
  readonly #readers = new WaitingReaders();
  readonly #epochs: LeaderEpochFile;
  readonly #retention: LogRetention;
  /** Reads batches and searches them. */
  readonly reader: LogReader;
  #logStartOffset: number;
  #unflushedSinceMs = 0;
  /** The log's end at the last checkpoint. */
  #checkpointedEnd = -1;
  /** Nothing is appended any more: it would count as forced to disk by the stop. */
  #isClosing = false;
  /** Set while the cleaner or retention changes which sealed segments there are; the other skips the log meanwhile. */
  isReserved = false;

  private constructor(options: PartitionLogOptions, segments: Segment[]) {
    this.#options = options;
    const { folder, files, logger } = options;
    this.#availability = new LogAvailability(folder, logger);
    const isOpen = () => !this.isClosed;
    this.#segments = new LogSegments({ folder, files, logger, producers: this.#producers, isOpen, list: segments });
    this.#epochs = new LeaderEpochFile(folder, files.disk);
    this.reader = new LogReader(this.#segments, this.#availability, () => this.highWatermark);
    this.#retention = new LogRetention({
      segments: this.#segments,
      availability: this.#availability,
      disk: files.disk,
      folder,
      checkFolder: options.checkFolder,
      roll: () => this.#roll(),
      raiseStart: (offset) => this.raiseStart(offset),
    });
    const end = segments.at(-1)?.nextOffset ?? options.logStartOffset;
    this.#logStartOffset = Math.min(Math.max(options.logStartOffset, segments[0]?.baseOffset ?? 0), end);
    this.#commit = new GroupCommit({
      end,
      force: () => this.#force(),
      turn: () => options.clock.turn(),
      flushMessages: () => this.config.flushMessages,
      onReadable: (bytes) => {
        this.#readers.wake("read_uncommitted", bytes);
        this.#announceStable();
      },
      onFailed: (cause) => this.fail("forcing to disk", cause),
    });
  }

  /**
   * Opens the log in its folder, which exists, or begins an empty one there; recovers it if the last process did not close it. Before a log
   * with records is served, `forceRecovered` forces them to disk.
   */
  static open(options: PartitionLogOptions): PartitionLog {
    const { folder, files, logger } = options;
    const interval = options.config().indexIntervalBytes;
    const { logStartOffset, recoveryPoint } = options;
    const checked: EpochStart[] = [];
    const names = finishSwaps(folder, files, interval, logger);
    const segments = recoverSegments(folder, names, files, interval, logStartOffset, recoveryPoint, checked, logger);
    try {
      const log = new PartitionLog(options, segments);
      log.#epochs.load(segments[0]!.baseOffset, log.logEndOffset, checked, logger);
      const nowMs = options.clock.nowMs();
      const { maySeal, from } = recoverProducers(folder, names, files.disk, segments, log.#producers, nowMs, logger);
      if (!maySeal) log.#segments.deferSealing();
      log.#segments.keepSnapshot(from);
      log.#announceStable();
      return log;
    } catch (cause) {
      for (const segment of segments) segment.close();
      throw cause;
    }
  }

  /**
   * Forces to disk what the recovery has checked: it counts as durable. Logs do it at the same time, since syncs that
   * overlap share the disk's work. A failure takes the log offline.
   */
  async forceRecovered(): Promise<void> {
    if (!this.#availability.isAvailable) return;
    try {
      await this.#epochs.force(this.folder, () => !this.isClosed);
      if (!this.#segments.areSynced) await this.#segments.forceRecovered();
    } catch (cause) {
      this.fail("forcing to disk", cause);
    }
  }

  /** A log that could not be opened because of `cause`: every access fails, and the next start tries again. */
  static openOffline(options: PartitionLogOptions, cause: unknown): PartitionLog {
    const log = new PartitionLog(options, []);
    log.fail("opening", cause);
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
  get isClosed(): boolean {
    return this.#availability.isClosed;
  }

  /** Why the log is offline; undefined when it is not. */
  get offline(): KafkaError | undefined {
    return this.#availability.offline;
  }

  /**
   * Appends one checked batch. Base offset and leader epoch, which the checksum does not cover, are set in `batch`
   * itself; nothing else is changed and no record is read. It may be acknowledged once `settled` resolves.
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

  /** Appends a batch, without noting its producer. Returns its base offset. */
  #write(batch: Buffer, header: BatchHeader): number {
    const baseOffset = this.logEndOffset;
    const placed = { ...header, baseOffset };
    this.#availability.guard("appending to", () => {
      if (this.#isClosing) throw this.#availability.closedError("appending to");
      this.#options.checkFolder();
      if (mustRoll(this.#segments.active, batch.length, placed, this.config)) this.#roll();
      patchBatch(batch, 0, baseOffset, this.leaderEpoch);
      // Whatever flush.messages: a start after a crash takes the epochs of earlier records from the file.
      if (this.#epochs.begin(this.leaderEpoch, baseOffset)) this.#commit.want();
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

  /** Calls `readable` when records of `isolation` become readable, until the returned function is called. */
  watch(isolation: Isolation, readable: Readable): () => void {
    return this.#readers.add(isolation, readable);
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
   * Deletes the oldest segments as retention allows. Called by the broker's maintenance. Resolves with their number.
   * @throws rejects with KafkaError KAFKA_STORAGE_ERROR. Segments deleted before the failure stay deleted.
   */
  async applyRetention(nowMs: number): Promise<number> {
    if (this.isReserved || !this.#availability.isAvailable) return 0;
    this.isReserved = true;
    try {
      return await this.#retention.apply(() => planRetention(this.segments, this.config, this.#logStartOffset, nowMs));
    } finally {
      this.isReserved = false;
    }
  }

  /**
   * Forces records to disk that have waited for `flush.ms`, seals segments whose index files could not be written (as
   * on a full disk), and removes idle producers. Called by the broker's maintenance.
   */
  async tend(nowMs: number, producerExpirationMs: number): Promise<void> {
    this.#producers.expire(nowMs, producerExpirationMs);
    if (!this.#availability.isAvailable) return;
    if (this.#commit.isBehind && nowMs - this.#unflushedSinceMs >= this.config.flushMs) this.#commit.want();
    await this.#segments.sealSynced("debug");
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
    if (!active || this.offline) return 0;
    if (!this.isClosed) {
      const isIdle = this.#checkpointedEnd === this.logEndOffset;
      this.#checkpointedEnd = this.logEndOffset;
      this.#segments.writeIndexSnapshot(this.durableEnd, isIdle);
    }
    return this.#commit.durableEnd;
  }

  /**
   * Forces everything before `offset` to disk, by the same syncs as the batches that wait: one of its own could succeed
   * while that under way fails, since Linux reports a failure once.
   * @throws rejects with KafkaError KAFKA_STORAGE_ERROR when the log is offline or closed, before or meanwhile.
   */
  async flushBefore(offset: number): Promise<void> {
    for (;;) {
      const isDone = this.#availability.guard("forcing to disk", () => offset <= this.#commit.durableEnd);
      if (isDone) return;
      this.#commit.want();
      await this.#commit.running;
    }
  }

  /** Throws when another process owns the data folder; for what changes the log's files without an append. */
  checkFolder(): void {
    this.#options.checkFolder();
  }

  /** Replaces sealed segments by `fresh`, which was made from them; undefined: none of it is left. For the cleaner. */
  replaceSegments(replaced: readonly Segment[], fresh: Segment | undefined): void {
    this.#segments.replace(replaced, fresh);
  }

  /**
   * Takes the log offline: its files are no longer known to hold what it acknowledged.
   *
   * @param doing what failed, as in `reading`.
   * @returns the error that took it offline, now or earlier.
   */
  fail(doing: string, cause: unknown): KafkaError {
    const isFirst = !this.offline;
    const error = this.#availability.fail(doing, cause);
    if (isFirst) {
      this.#commit.stop(error);
      this.#readers.wakeAll();
    }
    return error;
  }

  /**
   * Stops cleanly: everything is on disk and indexed, so that the next start checks nothing. Appends fail from now on,
   * such as those of requests that outlived their connections.
   * @throws rejects with the disk's error; the next start then checks the log.
   */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.#isClosing = true;
    const { running } = this.#commit;
    if (running) await running;
    if (!this.#availability.isAvailable) return this.abandon();
    try {
      await this.#force();
      this.#commit.markDurable(this.logEndOffset);
      await this.#segments.sealAtStop();
    } finally {
      this.abandon();
    }
  }

  /** Closes descriptors without writing, as a crash would. */
  abandon(): void {
    this.#availability.close();
    this.#commit.stop(this.#availability.closedError("acknowledging a batch of"));
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

  #announceStable(): void {
    this.#readers.announceStable(this.lastStableOffset, (from, to) => this.#bytesBetween(from, to));
  }

  /** Infinite when the disk fails: the append under way has succeeded, and a reader that wakes meets the failure. */
  #bytesBetween(fromOffset: number, toOffset: number): number {
    try {
      return this.#segments.bytesBetween(fromOffset, toOffset);
    } catch {
      return Number.POSITIVE_INFINITY;
    }
  }

  #roll(): void {
    this.#segments.roll(this.config.indexIntervalBytes);
    this.#commit.want();
  }

  /** Forces to disk what was appended before the call, and the epoch that it began before it. */
  async #force(): Promise<void> {
    if (await this.#epochs.force(this.folder, () => !this.isClosed)) this.#segments.noteNamed();
    await this.#segments.force();
  }
}
