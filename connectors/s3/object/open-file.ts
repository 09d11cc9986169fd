import type { Format, ObjectFacts } from "../formats/format.js";
import { type ExistingRows, NO_ROWS, type RowDigest, sameRows, withRow } from "../formats/row-digest.js";
import type { Places } from "../store/places.js";
import type { BufferedBytes } from "./buffered-bytes.js";
import type { ObjectTags } from "./object-tags.js";
import type { FinishOutcome, ObjectUpload } from "./object-upload.js";
import type { Packing } from "./packing.js";

/** One object in the making. */
export class OpenFile {
  #isUploading = false;
  #moving: Promise<void> | undefined;
  /** Bytes of its rows, before compression, uploaded or not. */
  rowBytes = 0;
  #firstRow: RowDigest = NO_ROWS;
  #startOffset = -1;
  #endOffset = -1;
  #count = 0;

  constructor(
    private readonly terminator: Buffer,
    private readonly format: Format,
    /** Without a packing they are the upload's own bytes. */
    private readonly written: BufferedBytes,
    private readonly packing: Packing | undefined,
    private readonly upload: ObjectUpload,
    private readonly files: FilesOfTask,
  ) {}

  get key(): string {
    return this.upload.key;
  }

  get memoryBytes(): number {
    const { written, packing, upload } = this;
    return written.memoryBytes + (packing ? upload.bytes.memoryBytes : 0);
  }

  /** Whether its bytes are being read. */
  get isUploading(): boolean {
    return this.#isUploading;
  }

  /** Whether the rows fill a part, and can be packed. */
  get hasFullPart(): boolean {
    const { written, packing, upload } = this;
    return written.length >= upload.partSize && written.length >= (packing?.blockBytes ?? 0);
  }

  /** Reads the rows of an object that may be in the way of this one. */
  digestExisting(beginning: number): Promise<ExistingRows | undefined> {
    return this.files.digestExisting(this.key, this.format, beginning, this.upload.abandoned);
  }

  /** The digest of all rows; complete once `finish` was called. */
  get rows(): RowDigest {
    return this.packing?.digest ?? this.upload.digest;
  }

  write(row: Buffer, offset: number): void {
    const { terminator } = this;
    if (this.#count++ === 0) {
      this.#startOffset = offset;
      this.#firstRow = withRow(withRow(NO_ROWS, row), terminator);
    }
    this.#endOffset = offset;
    this.written.append(row);
    this.written.append(terminator);
    this.rowBytes += row.length + terminator.length;
    this.packing?.note(row.length + terminator.length);
  }

  /** Returns "lost" when the parts are gone: its rows must be written again. @throws RetriableError: call it again. */
  uploadFullParts(): Promise<"lost" | undefined> {
    return this.#reading(async () => {
      await this.packing?.packBlocks();
      return this.upload.uploadFullParts();
    });
  }

  /** Stores the object unless one exists. @throws RetriableError: call it again. */
  finish(): Promise<FinishOutcome> {
    return this.#store(async () => {
      await this.packing?.finish(this.facts, this.#firstRow);
      return this.upload.finish();
    });
  }

  /** After `finish` found an object: stores ours in its place. @throws RetriableError: call `finish` again. */
  overwrite(): Promise<FinishOutcome> {
    return this.#store(() => this.upload.overwrite());
  }

  /**
   * After `finish` found an object: whether one begins with the other. An earlier run wrote the same records then, with
   * other settings of rotation, and what one object lacks is in the next. Where more than the first row is not known
   * any more, as of a longer file whose parts are uploaded, it decides.
   */
  async sharesBeginningWith(existing: ExistingRows): Promise<boolean> {
    const { beginning } = existing;
    if (existing.length >= this.rows.length && beginning.length === this.rows.length)
      return sameRows(beginning, this.rows);
    if (existing.length < this.rows.length && this.upload.isWhole) {
      const ours = await this.#digestBeginning(existing.length);
      if (ours.length === existing.length) return sameRows(ours, existing);
    }
    const again = await this.digestExisting(this.#firstRow.length);
    return again === undefined || sameRows(again.beginning, this.#firstRow);
  }

  #digestBeginning(length: number): Promise<RowDigest> {
    const { bytes } = this.upload;
    return this.#reading(async () => (await this.format.digest(bytes.read(bytes.length), length)).beginning);
  }

  async #store(upload: () => Promise<FinishOutcome>): Promise<FinishOutcome> {
    const outcome = await this.#reading(upload);
    if (outcome !== "created") return outcome;
    this.files.closed(this);
    await this.#tag();
    return outcome;
  }

  /** A file that is read does not move to disk, so only a few are at a time. */
  async #reading<T>(work: () => Promise<T>): Promise<T> {
    const { places } = this.files;
    if (!(await places.enter(this.upload.abandoned))) throw this.upload.wasAbandoned();
    this.#isUploading = true;
    try {
      await this.#moving?.catch(() => undefined); // reported to who moves it
      return await work();
    } finally {
      this.#isUploading = false;
      places.leave();
    }
  }

  /** Moves the bytes to disk, unless they are being read. */
  async spill(): Promise<void> {
    if (this.#isUploading) return;
    this.#moving = this.#spill();
    try {
      await this.#moving;
    } finally {
      this.#moving = undefined;
    }
  }

  async #spill(): Promise<void> {
    const { written, packing, upload } = this;
    await written.spill();
    if (packing) await upload.bytes.spill();
  }

  /** If the object that exists is ours, as when the answer to our request was lost. @throws RetriableError: call `finish` again. */
  async adoptIfSame(existing: RowDigest): Promise<boolean> {
    if (!sameRows(existing, this.rows)) return false;
    await this.#tag();
    await this.abort();
    return true;
  }

  /** Its records so far. */
  get facts(): ObjectFacts {
    return { startOffset: this.#startOffset, endOffset: this.#endOffset, count: this.#count };
  }

  async #tag(): Promise<void> {
    await this.files.tags?.tag(this.key, this.facts, this.upload.abandoned);
  }

  /** Drops the bytes and aborts the upload. */
  async abort(): Promise<void> {
    this.files.closed(this);
    await this.written.release();
    await this.upload.abort();
  }
}

/** What an open file needs of the others of its task. */
export interface FilesOfTask {
  readonly places: Places;
  readonly tags: ObjectTags | undefined;
  /** As `OpenFiles.digestExisting`. */
  digestExisting(
    key: string,
    format: Format,
    beginning: number,
    abandoned: AbortSignal,
  ): Promise<ExistingRows | undefined>;
  closed(file: OpenFile): void;
}
