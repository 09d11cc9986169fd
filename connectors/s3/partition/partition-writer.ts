import {
  ConflictError,
  DataError,
  errorKind,
  type Logger,
  type SinkRecord,
  type TopicPartition,
} from "../../../src/api/index.js";
import type { Format } from "../formats/format.js";
import { NO_ROWS, type RowDigest, sameRows, withRow } from "../object/existing-object.js";
import { FinishingFiles } from "../object/finishing-files.js";
import type { OpenFile, OpenFiles } from "../object/open-files.js";
import type { Partitioner } from "./partitioner.js";
import { type RecordFacts, Rotation, type RotationCause, type RotationSettings } from "./rotation.js";
import { sameSchema } from "./schema-difference.js";

export interface WriterSettings {
  readonly partitioner: Partitioner;
  readonly format: Format;
  readonly rotation: RotationSettings;
  /** Look for objects of an earlier run before creating one, so that nothing is written twice. */
  readonly conditionalWrites: boolean;
  readonly onNullValue: "fail" | "ignore";
  readonly reportNullValues: boolean;
  readonly logger: Logger;
  readonly reportErrant: ((record: SinkRecord, error: Error) => Promise<void>) | undefined;
}

/** What has to be done, and awaited, before the record at hand (or the next one) can be taken. */
type Step =
  | { readonly kind: "rotate"; readonly cause: RotationCause }
  | { readonly kind: "look-for-existing"; readonly key: string; readonly encodedPartition: string }
  | { readonly kind: "upload-parts"; readonly file: OpenFile }
  | { readonly kind: "report"; readonly record: SinkRecord; readonly error: Error };

/** An object of an earlier run whose records come again: they are compared with it instead of being written. */
interface Replay {
  readonly key: string;
  readonly existing: RowDigest;
  seen: RowDigest;
}

/**
 * Writes one topic partition: which file each record goes to, when files are finished, and up to which offset all is
 * finished. After a RetriableError the batch is handed over again: what was taken of it is recognised by its offset.
 *
 * How nothing is written twice when rotation depends on the clock (mode B): an object's name holds the offset of its
 * first record, and every run begins at an offset before which everything is finished; so the first record of a
 * directory finds the object that an earlier run created from it, whatever number of records that holds. Exactly
 * these records are then read again and compared with it, and the next file starts behind them, where the same is
 * asked anew until there is no object. Until then no offset is committed: a run that began in the middle of an
 * existing object would not find it. Against a writer that is still alive the store itself decides (If-None-Match);
 * who loses goes back to the last offset before which everything is finished.
 */
export class PartitionWriter {
  readonly #rotation: Rotation;
  readonly #open = new Map<string, OpenFile>();
  /** The next rotation waits for the last one's files: objects of a directory come in order. */
  readonly #finishing = new FinishingFiles(
    (file) => this.#finish(file),
    () => this.#letGoFinished(),
  );
  /** What may be committed once the files that are being finished are there. */
  #boundary: number | null = null;
  #abandon = new AbortController();
  /** Encoded partitions in which no object of an earlier run can follow any more. */
  readonly #caughtUp = new Set<string>();
  readonly #replays = new Map<string, Replay>();
  /** First record that is not at its destination, or was not when offsets were last let go. */
  #baseOffset: number | null = null;
  /** First record since the last rotation. */
  #openBaseOffset: number | null = null;
  #nextOffset = -1;
  /** Everything before it is at its destination. */
  #committable: number | null = null;
  /** Where the batch at work began, and the last such boundary up to there: `#committable` may lie inside the batch. */
  #batchStart = -1;
  #committableBefore: number | null = null;
  #rewindTo: number | null = null;
  /** While below it, records come for a second time after a rewind. */
  #knownUntil = -1;
  #writing = false;

  constructor(
    readonly topicPartition: TopicPartition,
    private readonly settings: WriterSettings,
    private readonly files: OpenFiles,
    nowMs: number,
  ) {
    this.#rotation = new Rotation(settings.rotation, nowMs);
  }

  /**
   * Takes the records of one batch, none when time alone has to be looked at.
   *
   * @param nowMs one reading of the clock for the whole batch.
   * @param handedAgain the last batch was broken off, in this writer or another: what was taken of it is passed over.
   * @throws RetriableError to be called again with the same records.
   */
  async write(records: readonly SinkRecord[], nowMs: number, handedAgain: boolean): Promise<void> {
    // A rewind is carried out between batches; until then the records of the old position are not for us.
    if (this.#rewindTo !== null) return;
    this.#writing = true;
    if (!handedAgain) this.#noteBatchStart();
    await this.#settle(nowMs, false);
    await this.#rotateIfDue(nowMs);
    for (const record of records) {
      if (record.originalOffset < this.#nextOffset) {
        if (handedAgain) continue;
        await this.#startOver(record, nowMs);
      }
      // One step may be due before the record can be taken, and one after.
      while (record.originalOffset >= this.#nextOffset && this.#rewindTo === null) {
        const step = this.#take(record, nowMs);
        if (step !== null) await this.#carryOut(step, nowMs);
      }
      if (this.#rewindTo !== null) break;
    }
    await this.#rotateIfDue(nowMs);
    this.#writing = false;
  }

  /** The offset to seek to, when the last batch ended so; called between batches. */
  takeRewind(): number | null {
    const offset = this.#rewindTo;
    if (offset === null) return null;
    this.#rewindTo = null;
    this.#knownUntil = Math.max(this.#knownUntil, this.#nextOffset);
    this.#nextOffset = offset;
    return offset;
  }

  /**
   * The offset before which everything is finished, or null when nothing is known yet. (I2)
   *
   * While a batch is handed over again, for this partition or another, it counts as not handed over at all: then it is
   * the last such offset before the batch. Any other offset up to `current` could lie inside an object.
   *
   * @param current after the last record handed over; trusted, for records that never reach the sink, only while
   *   nothing is open and no batch was broken off.
   */
  committable(current: number): number | null {
    const offset = this.#finishedUpTo(current);
    return offset === null || offset <= current ? offset : this.#committableBefore;
  }

  #finishedUpTo(current: number): number | null {
    if (!this.#isIdle) return this.#committable;
    if (!this.#writing && this.#nextOffset >= this.#knownUntil) return Math.max(current, this.#nextOffset);
    return this.#nextOffset >= 0 ? this.#nextOffset : this.#committable;
  }

  /**
   * Offsets went back without our asking: the topic was deleted and made anew, or its end was lost. What was read before
   * is brought to its end; the records that come now are others, and none of them may be taken for known.
   */
  async #startOver(first: SinkRecord, nowMs: number): Promise<void> {
    const { topic, partition } = this.topicPartition;
    this.settings.logger.warn(
      "Offsets went back: the topic seems to have been made anew; its records are written as new ones",
      {
        topic,
        partition,
        expected: this.#nextOffset,
        received: first.originalOffset,
      },
    );
    if (this.#open.size > 0) await this.#rotate("offset-reset", nowMs);
    await this.#settle(nowMs, true);
    this.#replays.clear();
    this.#caughtUp.clear();
    this.#rotation.reset(nowMs);
    this.#rewindTo = null;
    this.#baseOffset = null;
    this.#openBaseOffset = null;
    this.#committable = null;
    this.#batchStart = first.originalOffset;
    this.#committableBefore = null;
    this.#knownUntil = -1;
    this.#nextOffset = first.originalOffset;
  }

  #noteBatchStart(): void {
    this.#batchStart = this.#nextOffset;
    this.#committableBefore = this.#isIdle && this.#nextOffset >= 0 ? this.#nextOffset : this.#committable;
  }

  #setCommittable(offset: number): void {
    this.#committable = offset;
    if (offset <= this.#batchStart) this.#committableBefore = offset;
  }

  /** Waits for uploads under way, so that their offsets can be committed; how they went is looked at by the next batch. */
  quiesce(): Promise<void> {
    return this.#finishing.quiesce();
  }

  /** Gives up what is not finished: the records are read again by whoever opens the partition next. */
  async close(): Promise<void> {
    this.#abandon.abort();
    await this.#finishing.quiesce();
    await this.#discard();
  }

  async #discard(): Promise<void> {
    const unfinished = [...this.#open.values(), ...this.#finishing.take()];
    this.#open.clear();
    await Promise.all(unfinished.map((file) => file.abort()));
  }

  get #isIdle(): boolean {
    return this.#open.size === 0 && this.#finishing.isEmpty && this.#replays.size === 0 && this.#rewindTo === null;
  }

  /** Takes one record, or says what has to be done first (or, once it is taken, next). */
  #take(record: SinkRecord, nowMs: number): Step | null {
    if (record.value === null) return this.#takeNull(record);
    const { partitioner, format, conditionalWrites } = this.settings;
    let facts: RecordFacts;
    let file: OpenFile | undefined;
    let row: Buffer;
    try {
      const timestampMs = partitioner.timestampOf(record, nowMs);
      const encodedPartition = partitioner.encode(record, timestampMs);
      const replay = this.#replays.get(encodedPartition);
      if (replay) return this.#takeReplayed(record, encodedPartition, replay);
      file = this.#open.get(encodedPartition);
      facts = { encodedPartition, timestampMs, schema: file ? compareSchemas(file, record) : "no-file" };
      const cause = this.#rotation.judge(facts, nowMs);
      if (cause) return { kind: "rotate", cause };
      if (!file && conditionalWrites && !this.#caughtUp.has(encodedPartition))
        return { kind: "look-for-existing", key: this.#keyOf(encodedPartition, record), encodedPartition };
      row = format.encode(record);
    } catch (error) {
      return this.#refuse(record, error);
    }
    if (!file) {
      const { encodedPartition } = facts;
      file = this.files.open(
        this.#keyOf(encodedPartition, record),
        encodedPartition,
        record.valueSchema,
        this.#abandon.signal,
      );
      this.#open.set(encodedPartition, file);
    }
    file.write(row, format.terminator);
    this.#pass(record);
    const cause = this.#rotation.note(facts);
    if (cause) return { kind: "rotate", cause };
    return file.hasFullPart ? { kind: "upload-parts", file } : null;
  }

  #takeNull(record: SinkRecord): Step | null {
    const { onNullValue, reportNullValues, reportErrant } = this.settings;
    if (onNullValue === "fail") {
      throw new DataError(
        "S3_RECORD_REFUSED",
        `Null valued records are not writeable with current behavior.on.null.values settings (fail): ${placeOf(record)}. Set behavior.on.null.values=ignore to leave them out.`,
      );
    }
    if (reportNullValues && reportErrant)
      return { kind: "report", record, error: new DataError("S3_RECORD_REFUSED", "Skipping null value record.") };
    this.#skip(record);
    return null;
  }

  #takeReplayed(record: SinkRecord, encodedPartition: string, replay: Replay): null {
    const { format } = this.settings;
    replay.seen = withRow(withRow(replay.seen, format.encode(record)), format.terminator);
    this.#pass(record);
    if (replay.seen.length < replay.existing.length) return null;
    if (!sameRows(replay.seen, replay.existing)) throw this.#conflict(replay.key);
    this.#replays.delete(encodedPartition);
    this.#letGo();
    return null;
  }

  #refuse(record: SinkRecord, error: unknown): Step {
    if (errorKind(error) !== "data" || !this.settings.reportErrant) throw error;
    return { kind: "report", record, error: error as Error };
  }

  async #carryOut(step: Step, nowMs: number): Promise<void> {
    switch (step.kind) {
      case "rotate":
        return this.#rotate(step.cause, nowMs);
      case "upload-parts":
        return step.file.uploadFullParts();
      case "report":
        await this.settings.reportErrant?.(step.record, step.error);
        return this.#skip(step.record);
      case "look-for-existing": {
        const existing = await this.files.digestExisting(step.key);
        if (!existing) this.#noteCaughtUp(step.encodedPartition);
        else if (existing.length === 0) throw this.#conflict(step.key);
        else this.#replays.set(step.encodedPartition, { key: step.key, existing, seen: NO_ROWS });
      }
    }
  }

  async #rotateIfDue(nowMs: number): Promise<void> {
    const cause = this.#rewindTo === null ? this.#rotation.judgeIdle(nowMs) : null;
    if (cause) await this.#rotate(cause, nowMs);
  }

  /** Takes the open files out and lets them be finished beside what comes next. */
  async #rotate(cause: RotationCause, nowMs: number): Promise<void> {
    await this.#settle(nowMs, true);
    if (this.#rewindTo !== null) return;
    const files = [...this.#open.values()];
    this.#open.clear();
    this.#rotation.rotated(cause, nowMs);
    // With an existing object compared only in part, nothing may be let go of yet.
    this.#boundary = this.#replays.size === 0 ? this.#nextOffset : null;
    this.#openBaseOffset = null;
    this.#finishing.start(files);
  }

  /**
   * Looks at how the last rotation's files went: throws what kept them from being finished, or goes back when an object
   * was not ours. After a failure, and when told to, it waits until they are finished.
   */
  async #settle(nowMs: number, wait: boolean): Promise<void> {
    const result = await this.#finishing.settled(wait);
    if (result === null) return;
    if (result.kind === "failed") throw result.error;
    await this.#giveUp(nowMs);
  }

  /** Whether the object is there and holds our rows and no others. */
  async #finish(file: OpenFile): Promise<boolean> {
    const outcome = await file.finish();
    if (outcome !== "exists") return outcome === "created";
    // The answer to our own request may have been lost after the store applied it.
    const existing = await this.files.digestExisting(file.key);
    return existing !== undefined && sameRows(existing, file.rows);
  }

  /** Someone else's object was first, or our parts are gone: everything since the base is read and placed anew. */
  async #giveUp(nowMs: number): Promise<void> {
    await this.#discard();
    this.#replays.clear();
    this.#caughtUp.clear();
    this.#rotation.reset(nowMs);
    this.#rewindTo = this.#baseOffset;
    this.#baseOffset = null;
    this.#openBaseOffset = null;
  }

  /** The record is written, or compared: at its destination once its file is finished. */
  #pass(record: SinkRecord): void {
    this.#baseOffset ??= record.originalOffset;
    this.#openBaseOffset ??= record.originalOffset;
    this.#nextOffset = record.originalOffset + 1;
  }

  /** The record has no destination. */
  #skip(record: SinkRecord): void {
    this.#nextOffset = record.originalOffset + 1;
  }

  /** All files of the last rotation are there. */
  #letGoFinished(): void {
    if (this.#boundary !== null) {
      this.#setCommittable(this.#boundary);
      this.#baseOffset = this.#openBaseOffset;
    }
    this.#letGo();
  }

  #letGo(): void {
    if (!this.#isIdle) return;
    this.#setCommittable(this.#nextOffset);
    this.#baseOffset = null;
    this.#openBaseOffset = null;
  }

  #noteCaughtUp(encodedPartition: string): void {
    // Time-based directories never come back; asking once more costs one request.
    if (this.#caughtUp.size >= MAX_CAUGHT_UP) this.#caughtUp.clear();
    this.#caughtUp.add(encodedPartition);
  }

  #keyOf(encodedPartition: string, first: SinkRecord): string {
    const { topic, partition } = this.topicPartition;
    return this.files.keyOf(topic, partition, encodedPartition, first.originalOffset);
  }

  #conflict(key: string): ConflictError {
    const { topic, partition } = this.topicPartition;
    return new ConflictError(
      "S3_OBJECT_CONFLICT",
      `Object ${key} exists already and holds other records than ${topic}-${partition} from that offset on, so it is neither overwritten nor continued. If it is left from another connector or from an earlier topic of that name, move or delete it, or choose another topics.dir; then restart the task.`,
    );
  }
}

const MAX_CAUGHT_UP = 10_000;

function compareSchemas(file: OpenFile, record: SinkRecord): RecordFacts["schema"] {
  if (file.schema === record.valueSchema) return "same";
  if ((file.schema === null) !== (record.valueSchema === null)) return "null-flip";
  return sameSchema(file.schema, record.valueSchema) ? "same" : "changed";
}

function placeOf(record: SinkRecord): string {
  return `${record.topic}-${record.partition} offset ${record.originalOffset}`;
}
