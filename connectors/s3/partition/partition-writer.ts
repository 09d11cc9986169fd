import { DataError, type Logger, type SinkRecord, type TopicPartition } from "../../../src/api/index.js";
import { digestOfFirst, type FileSet, rowsOf, type SetFormat } from "../object/file-set.js";
import { FinishingFiles } from "../object/finishing-files.js";
import type { OpenFiles } from "../object/open-files.js";
import type { CommitProtocol, FoundObject } from "./commit-protocol.js";
import { ConditionalCreation } from "./conditional-creation.js";
import { Overwriting } from "./overwriting.js";
import type { Partitioner } from "./partitioner.js";
import { LATE, LateError, type Patience } from "./patience.js";
import { type RecordFacts, Rotation, type RotationCause, type RotationSettings } from "./rotation.js";
import type { SchemaCompatibility } from "./schema-compatibility.js";
import { compareSchemas } from "./schema-difference.js";

export interface WriterSettings {
  readonly partitioner: Partitioner;
  readonly rotation: RotationSettings;
  /** Look for objects of an earlier run before creating one, so that nothing is written twice. */
  readonly conditionalWrites: boolean;
  readonly onNullValue: "fail" | "ignore" | "write";
  readonly compatibility: SchemaCompatibility;
  readonly reportNullValues: boolean;
  /** For what a batch waits for. */
  readonly patience: Patience;
  readonly logger: Logger;
  readonly reportErrant: ((record: SinkRecord, error: Error) => Promise<void>) | undefined;
}

/** A step to carry out and await before this record, or the next one, can be written. */
type Step =
  | { readonly kind: "rotate"; readonly cause: RotationCause }
  | { readonly kind: "look-for-existing"; readonly found: FoundObject }
  | { readonly kind: "upload-parts"; readonly files: FileSet }
  | { readonly kind: "report"; readonly record: SinkRecord; readonly error: Error };

/**
 * Writes one topic partition: picks each record's file, decides when files are finished, and knows the offset before
 * which everything is finished. After a RetriableError the worker delivers the batch again; records already written are
 * recognised by their offsets.
 * What becomes of objects that exist already is up to its CommitProtocol.
 */
export class PartitionWriter {
  readonly #rotation: Rotation;
  readonly #open = new Map<string, FileSet>();
  readonly #protocol: CommitProtocol;
  /** A rotation waits for the files of the one before: the objects of a directory are created in order. */
  readonly #finishing = new FinishingFiles(
    (file) => this.#protocol.finish(file),
    () => this.#releaseFinished(),
  );
  /** The offset that may be committed once the files being finished are stored. */
  #boundary: number | null = null;
  #abandon = new AbortController();
  /** The first record that was not stored yet when offsets were last released for commit. */
  #baseOffset: number | null = null;
  /** First record since the last rotation. */
  #openBaseOffset: number | null = null;
  #nextOffset = -1;
  /** Everything before this offset is stored, or has no destination. */
  #committable: number | null = null;
  /** Where the batch at work began, and the last such boundary up to there: `#committable` may lie inside the batch. */
  #batchStart = -1;
  #committableBefore: number | null = null;
  #rewindTo: number | null = null;
  /** Records below this offset are delivered a second time, after a rewind. */
  #knownUntil = -1;
  #writing = false;
  /** First offset of the topic made anew, until the old records are stored: a batch that begins there holds new ones. */
  #startingOverAt: number | undefined;
  /** The step for which the last batch waited in vain. */
  #pending: Promise<void> | undefined;

  constructor(
    readonly topicPartition: TopicPartition,
    private readonly settings: WriterSettings,
    private readonly files: OpenFiles,
    nowMs: number,
  ) {
    this.#rotation = new Rotation(settings.rotation, nowMs);
    this.#protocol = settings.conditionalWrites
      ? new ConditionalCreation(topicPartition, files, settings.compatibility)
      : new Overwriting(topicPartition);
  }

  /**
   * Writes the records of one batch; an empty batch only lets time-based rotation happen.
   *
   * @param nowMs one reading of the clock for the whole batch.
   * @param handedAgain the last batch failed, in this writer or another: records of it that were written are skipped.
   * @throws RetriableError: the same records must be passed again.
   */
  async write(records: readonly SinkRecord[], nowMs: number, handedAgain: boolean): Promise<void> {
    // The rewind happens between batches; until then records from the old position are not ours to write.
    if (this.#rewindTo !== null) return;
    this.#writing = true;
    if (!handedAgain) this.#noteBatchStart();
    if (this.#pending) await this.#await(this.#pending);
    if (!this.#finishing.isEmpty) await this.#await(this.#settle(nowMs, false));
    await this.#rotateIfDue(nowMs);
    for (const record of records) {
      if (record.originalOffset < this.#nextOffset) {
        if (handedAgain && record.originalOffset !== this.#startingOverAt) continue;
        await this.#startOver(record, nowMs);
      }
      // Several steps may be due before the record is written, and one after.
      while (record.originalOffset >= this.#nextOffset && this.#rewindTo === null) {
        const step = this.#take(record, nowMs);
        if (step?.kind === "report") await this.#carryOut(step, nowMs);
        else if (step !== null) await this.#await(this.#carryOut(step, nowMs));
      }
      if (this.#rewindTo !== null) break;
    }
    await this.#rotateIfDue(nowMs);
    this.#writing = false;
  }

  /** The offset to seek to, if the last batch requires a rewind. Called between batches. */
  takeRewind(): number | null {
    const offset = this.#rewindTo;
    if (offset === null) return null;
    this.#rewindTo = null;
    this.#knownUntil = Math.max(this.#knownUntil, this.#nextOffset);
    this.#nextOffset = offset;
    return offset;
  }

  /**
   * The offset before which everything is finished, or null while none is known. (I2)
   *
   * A batch that is being delivered again, for this partition or another, counts as not delivered: the answer is then
   * the last such offset before it. Any other offset up to `current` could lie inside an object.
   *
   * @param current the offset behind the last delivered record. It covers records that never reach the sink, and counts
   *   only while no file is open and no batch failed.
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
   * Offsets went back without a seek of ours: the topic was deleted and created again, or lost its end. The files of
   * the old records are finished. The records that follow are different ones, so none of them counts as known.
   */
  async #startOver(first: SinkRecord, nowMs: number): Promise<void> {
    const { topic, partition } = this.topicPartition;
    this.settings.logger.warn(
      "Offsets went back: the topic seems to have been created again; its records are written as new ones",
      {
        topic,
        partition,
        expected: this.#nextOffset,
        received: first.originalOffset,
      },
    );
    this.#startingOverAt = first.originalOffset;
    if (this.#open.size > 0) await this.#await(this.#rotate("offset-reset", nowMs));
    await this.#await(this.#settle(nowMs, true));
    this.#protocol.forget();
    this.#rotation.reset(nowMs);
    this.#rewindTo = null;
    this.#baseOffset = null;
    this.#openBaseOffset = null;
    this.#committable = null;
    this.#batchStart = first.originalOffset;
    this.#committableBefore = null;
    this.#knownUntil = -1;
    this.#nextOffset = first.originalOffset;
    this.#startingOverAt = undefined;
  }

  #noteBatchStart(): void {
    this.#batchStart = this.#nextOffset;
    this.#committableBefore = this.#isIdle && this.#nextOffset >= 0 ? this.#nextOffset : this.#committable;
  }

  #setCommittable(offset: number): void {
    this.#committable = offset;
    if (offset <= this.#batchStart) this.#committableBefore = offset;
  }

  /** Waits for running uploads, so that their offsets can be committed. The next batch handles their results. */
  quiesce(): Promise<void> {
    return this.#finishing.quiesce();
  }

  /** Abandons unfinished files: the next owner of the partition reads their records again. */
  async close(): Promise<void> {
    this.#abandon.abort();
    await this.#pending?.catch(() => undefined); // its records are read again
    await this.#finishing.quiesce();
    await this.#discard();
  }

  async #discard(): Promise<void> {
    const unfinished = [...this.#openFiles, ...this.#finishing.take()];
    this.#open.clear();
    await Promise.all(unfinished.map((file) => file.abort()));
  }

  get #openFiles() {
    return [...this.#open.values()].flatMap(({ files }) => files);
  }

  get #isIdle(): boolean {
    return this.#open.size === 0 && this.#finishing.isEmpty && !this.#protocol.isReplaying && this.#rewindTo === null;
  }

  /** Writes one record, or returns the step that must come first (or, once it is written, next). */
  #take(record: SinkRecord, nowMs: number): Step | null {
    const { partitioner, compatibility, onNullValue } = this.settings;
    if (record.value === null && onNullValue !== "write") return this.#takeNull(record);
    const protocol = this.#protocol;
    let facts: RecordFacts;
    let files: FileSet | undefined;
    let rows: readonly Buffer[];
    try {
      const timestampMs = partitioner.timestampOf(record, nowMs);
      const encodedPartition = partitioner.encode(record, timestampMs);
      if (protocol.isReplayed(encodedPartition)) return this.#takeReplayed(record, encodedPartition);
      files = this.#open.get(encodedPartition);
      facts = {
        encodedPartition,
        timestampMs,
        schema: files ? this.#compareSchemas(files, record) : "no-file",
      };
      const cause = this.#rotation.judge(facts, nowMs);
      if (cause) return { kind: "rotate", cause };
      if (files) rows = rowsOf(files.formats, compatibility.project(record, files.schema), false);
      else {
        const formats = this.files.formatsFor(record);
        rows = rowsOf(formats, record, true);
        if (protocol.mustLook(encodedPartition)) return this.#lookFor(record, encodedPartition, formats, rows);
        files = this.files.open(record, encodedPartition, formats, this.#abandon.signal);
        this.#open.set(encodedPartition, files);
      }
    } catch (error) {
      return this.#refuse(record, error);
    }
    files.write(rows, record.originalOffset);
    this.#pass(record);
    const cause = this.#rotation.note(facts, files.rowBytes, nowMs);
    if (cause) return { kind: "rotate", cause };
    return files.hasFullPart ? { kind: "upload-parts", files } : null;
  }

  /** An object of keys holds keys of one schema. */
  #compareSchemas({ schema, keySchema }: FileSet, record: SinkRecord): RecordFacts["schema"] {
    const verdict = this.settings.compatibility.compare(schema, record.valueSchema);
    if (verdict !== "same" || keySchema === undefined) return verdict;
    return compareSchemas(keySchema, record.keySchema) === "same" ? "same" : "changed";
  }

  #lookFor(record: SinkRecord, encodedPartition: string, formats: SetFormat, rows: readonly Buffer[]): Step {
    const { topic, partition } = this.topicPartition;
    const key = this.files.keyOf(topic, partition, encodedPartition, record.originalOffset);
    const found = {
      encodedPartition,
      key,
      formats,
      first: digestOfFirst(formats, rows),
      schema: record.valueSchema,
    };
    return { kind: "look-for-existing", found };
  }

  #takeNull(record: SinkRecord): Step | null {
    const { onNullValue, reportNullValues, reportErrant } = this.settings;
    if (onNullValue === "fail") {
      throw new DataError(
        "S3_RECORD_REFUSED",
        `Null valued records are not writeable with current behavior.on.null.values settings (fail): ${placeOf(record, record.originalOffset)}. Set behavior.on.null.values=ignore to leave them out.`,
      );
    }
    if (reportNullValues && reportErrant)
      return { kind: "report", record, error: new DataError("S3_RECORD_REFUSED", "Skipping null value record.") };
    this.#skip(record);
    return null;
  }

  #takeReplayed(record: SinkRecord, encodedPartition: string): null {
    this.#protocol.compare(encodedPartition, record);
    this.#pass(record);
    if (!this.#protocol.isReplayed(encodedPartition)) this.#letGo();
    return null;
  }

  #refuse(record: SinkRecord, error: unknown): Step {
    if (!(error instanceof DataError)) throw error;
    if (this.settings.reportErrant) return { kind: "report", record, error };
    throw new DataError(error.code, `${placeOf(record, record.originalOffset)}: ${error.message}`, { cause: error });
  }

  async #carryOut(step: Step, nowMs: number): Promise<void> {
    switch (step.kind) {
      case "rotate":
        return this.#rotate(step.cause, nowMs);
      case "upload-parts":
        if ((await step.files.uploadFullParts()) !== "lost") return;
        await this.#settle(nowMs, true);
        if (this.#rewindTo === null) await this.#giveUp(nowMs);
        return;
      case "report":
        await this.settings.reportErrant?.(step.record, step.error);
        return this.#skip(step.record);
      case "look-for-existing":
        return this.#protocol.look(step.found, this.#abandon.signal);
    }
  }

  async #rotateIfDue(nowMs: number): Promise<void> {
    const cause = this.#rewindTo === null ? this.#rotation.judgeIdle(nowMs) : null;
    if (cause) await this.#await(this.#rotate(cause, nowMs));
  }

  /** @throws RetriableError when the step takes long: it goes on, and the next batch waits for it first. */
  async #await(step: Promise<void>): Promise<void> {
    this.#pending = undefined;
    if ((await this.settings.patience.within(step)) !== LATE) return;
    this.#pending = step;
    step.catch(() => undefined); // the next batch handles it
    throw new LateError(
      `The object store is slow to take ${placeOf(this.topicPartition, this.#nextOffset)}; the batch waits.`,
    );
  }

  /** Hands the open files over to be finished while the next records are written. */
  async #rotate(cause: RotationCause, nowMs: number): Promise<void> {
    await this.#settle(nowMs, true);
    if (this.#rewindTo !== null) return;
    const files = this.#openFiles;
    this.#open.clear();
    this.#rotation.rotated(cause, nowMs);
    // While an existing object is only partly compared, no offset may be released.
    this.#boundary = this.#protocol.isReplaying ? null : this.#nextOffset;
    this.#openBaseOffset = null;
    this.#finishing.start(files);
  }

  /**
   * Judges the files of the last rotation: throws their failure, or rewinds when an object was not ours. Waits for them
   * after a failure and when `wait` is set.
   */
  async #settle(nowMs: number, wait: boolean): Promise<void> {
    const result = await this.#finishing.settled(wait);
    if (result === null) return;
    if (result.kind === "failed") throw result.error;
    await this.#giveUp(nowMs);
  }

  /** Another writer's object was first, or our parts are gone: everything since the base is read and written again. */
  async #giveUp(nowMs: number): Promise<void> {
    await this.#discard();
    this.#protocol.forget();
    this.#rotation.reset(nowMs);
    this.#rewindTo = this.#baseOffset;
    this.#baseOffset = null;
    this.#openBaseOffset = null;
  }

  /** The record was written or compared; it is stored once its file is finished. */
  #pass(record: SinkRecord): void {
    this.#baseOffset ??= record.originalOffset;
    this.#openBaseOffset ??= record.originalOffset;
    this.#nextOffset = record.originalOffset + 1;
  }

  /** The record has no destination. */
  #skip(record: SinkRecord): void {
    this.#nextOffset = record.originalOffset + 1;
  }

  /** All files of the last rotation are stored. */
  #releaseFinished(): void {
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
}

function placeOf({ topic, partition }: TopicPartition, offset: number): string {
  return `${topic}-${partition} offset ${offset}`;
}
