import { tmpdir } from "node:os";
import { Readable } from "node:stream";
import { type Logger, RetriableError, type Schema, type TopicPartition } from "../../../src/api/index.js";
import type { ObjectStoreClient } from "../store/object-store-client.js";
import { Places } from "../store/places.js";
import type { StoreCalls } from "../store/store-calls.js";
import { BufferedBytes } from "./buffered-bytes.js";
import { ChunkPool } from "./chunk-pool.js";
import type { OnExisting } from "./conditional-writes.js";
import {
  digestObject,
  type ExistingRows,
  gunzipped,
  NO_ROWS,
  type RowDigest,
  RowsSoFar,
  sameRows,
  withRow,
} from "./existing-object.js";
import { GzipPacking } from "./gzip-packing.js";
import { type ObjectKeySettings, objectKey } from "./object-key.js";
import type { ObjectTags } from "./object-tags.js";
import { type FinishOutcome, ObjectUpload, type UploadSettings } from "./object-upload.js";
import { abortOrphans } from "./orphaned-uploads.js";
import type { SpillFile } from "./spill-file.js";

export interface OpenFilesSettings {
  readonly key: ObjectKeySettings;
  readonly upload: UploadSettings;
  /** zlib's level; undefined: no compression. */
  readonly gzipLevel: number | undefined;
  /** Memory for all files together; beyond it the largest move to disk. */
  readonly memoryBytes: number;
  /** Undefined: objects are not tagged. */
  readonly tags: ObjectTags | undefined;
}

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
    readonly encodedPartition: string,
    /** Of its first record. */
    readonly schema: Schema | null,
    /** Without compression they are the upload's own bytes. */
    private readonly written: BufferedBytes,
    private readonly packing: GzipPacking | undefined,
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

  /** Whether the rows fill a part. */
  get hasFullPart(): boolean {
    return this.written.length >= this.upload.partSize;
  }

  /** The digest of all rows; complete once `finish` was called. */
  get rows(): RowDigest {
    return this.packing?.digest ?? this.upload.digest;
  }

  write(row: Buffer, terminator: Buffer, offset: number): void {
    if (this.#count++ === 0) {
      this.#startOffset = offset;
      this.#firstRow = withRow(withRow(NO_ROWS, row), terminator);
    }
    this.#endOffset = offset;
    this.written.append(row);
    this.written.append(terminator);
    this.rowBytes += row.length + terminator.length;
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
      await this.packing?.finish();
      return this.upload.finish();
    });
  }

  /** After `finish` found an object: stores ours in its place. @throws RetriableError: call `finish` again. */
  overwrite(): Promise<FinishOutcome> {
    return this.#store(() => this.upload.overwrite());
  }

  /**
   * After `finish` found an object: whether one begins with the other. An earlier run wrote the same records then, with
   * other settings of rotation, and what one object lacks is in the next. Of a longer file whose parts are uploaded only
   * the first row is known any more, so it decides.
   *
   * @param readAgain digests the object with a beginning of that length; undefined if it is gone.
   */
  async sharesBeginningWith(
    existing: ExistingRows,
    readAgain: (length: number) => Promise<ExistingRows | undefined>,
  ): Promise<boolean> {
    if (existing.length >= this.rows.length) return sameRows(existing.beginning, this.rows);
    if (this.upload.isWhole) return sameRows(await this.#digestBeginning(existing.length), existing);
    const again = await readAgain(this.#firstRow.length);
    return again === undefined || sameRows(again.beginning, this.#firstRow);
  }

  #digestBeginning(length: number): Promise<RowDigest> {
    return this.#reading(async () => {
      const rows = new RowsSoFar(length);
      const { bytes } = this.upload;
      const read: AsyncIterable<Buffer> = bytes.read(bytes.length);
      for await (const piece of this.packing ? gunzipped(Readable.from(read, { objectMode: false })) : read)
        rows.add(piece as Buffer);
      return rows.beginning;
    });
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

  /** The object that exists is ours, the answer to our request was lost. @throws RetriableError: call `finish` again. */
  async adopt(): Promise<void> {
    await this.#tag();
    await this.abort();
  }

  async #tag(): Promise<void> {
    const range = { startOffset: this.#startOffset, endOffset: this.#endOffset, count: this.#count };
    await this.files.tags?.tag(this.key, range, this.upload.abandoned);
  }

  /** Drops the bytes and aborts the upload. */
  async abort(): Promise<void> {
    this.files.closed(this);
    await this.written.release();
    await this.upload.abort();
  }
}

/** What an open file needs of the others of its task. */
interface FilesOfTask {
  readonly places: Places;
  readonly tags: ObjectTags | undefined;
  closed(file: OpenFile): void;
}

/** Files that are packed and uploaded at once, each with a few chunks of memory. */
const CONCURRENT_FILES = 8;

/** Makes the files of a task and keeps their memory within its bound. */
export class OpenFiles {
  readonly #pool = new ChunkPool();
  readonly #files = new Set<OpenFile>();
  readonly #ofTask: FilesOfTask;

  constructor(
    private readonly settings: OpenFilesSettings,
    private readonly client: ObjectStoreClient,
    private readonly calls: StoreCalls,
    private readonly openSpillFile: () => SpillFile,
    private readonly logger: Logger,
  ) {
    this.#ofTask = {
      places: new Places(CONCURRENT_FILES),
      tags: settings.tags,
      closed: (file) => this.#files.delete(file),
    };
  }

  /** Bytes of memory that the files hold now, and their peak. */
  get memory(): { readonly heldBytes: number; readonly peakBytes: number } {
    return { heldBytes: this.#pool.heldBytes, peakBytes: this.#pool.peakBytes };
  }

  keyOf(topic: string, partition: number, encodedPartition: string, startOffset: number): string {
    return objectKey(this.settings.key, topic, partition, encodedPartition, startOffset);
  }

  /** Aborts what killed tasks have left of these partitions, which have just been opened. Never rejects. */
  abortOrphans(partitions: readonly TopicPartition[], nowMs: number): Promise<void> {
    const { client, calls, logger } = this;
    return abortOrphans({ key: this.settings.key, client, calls, logger }, partitions, nowMs);
  }

  /** @param abandoned ends the file's running requests, before it is aborted. */
  open(key: string, encodedPartition: string, schema: Schema | null, abandoned: AbortSignal): OpenFile {
    const bytes = new BufferedBytes(this.#pool, this.openSpillFile);
    const { gzipLevel, upload } = this.settings;
    let written = bytes;
    let packing: GzipPacking | undefined;
    if (gzipLevel !== undefined) {
      written = new BufferedBytes(this.#pool, this.openSpillFile);
      const spill = async () => {
        if (this.isOverBound) await bytes.spill().catch(refuseSpill);
      };
      packing = new GzipPacking(gzipLevel, this.#pool, written, bytes, spill);
    }
    const file = new OpenFile(
      encodedPartition,
      schema,
      written,
      packing,
      new ObjectUpload(key, bytes, upload, this.client, this.calls, this.logger, abandoned),
      this.#ofTask,
    );
    this.#files.add(file);
    return file;
  }

  /** Whether an object of another topic may be in the way, and how it is handled. */
  get onExisting(): OnExisting {
    return this.settings.upload.conditional.onExisting;
  }

  /**
   * The rows that an existing object holds; undefined if there is none.
   *
   * @param beginning the length of its beginning to digest, too.
   * @param abandoned ends the request.
   */
  digestExisting(key: string, beginning: number, abandoned: AbortSignal): Promise<ExistingRows | undefined> {
    return digestObject(this.calls, this.client, key, this.settings.gzipLevel !== undefined, beginning, abandoned);
  }

  /** Whether the files hold more memory than they may. */
  get isOverBound(): boolean {
    return this.#pool.heldBytes > this.settings.memoryBytes;
  }

  /**
   * Moves the largest files that are not being uploaded to disk, together, until half of the bound is free.
   *
   * @throws RetriableError when the temporary folder takes no more.
   */
  async boundMemory(): Promise<void> {
    if (!this.isOverBound) return;
    const largestFirst = [...this.#files]
      .filter((file) => !file.isUploading)
      .sort((a, b) => b.memoryBytes - a.memoryBytes);
    const moving: OpenFile[] = [];
    let left = this.#pool.heldBytes;
    for (const file of largestFirst) {
      if (left <= this.settings.memoryBytes / 2) break;
      left -= file.memoryBytes;
      moving.push(file);
    }
    for (const result of await Promise.allSettled(moving.map((file) => file.spill())))
      if (result.status === "rejected") refuseSpill(result.reason);
  }
}

function refuseSpill(cause: unknown): never {
  throw new RetriableError(
    "S3_UNAVAILABLE",
    `Open files could not be moved to the temporary folder ${tmpdir()}: ${(cause as Error).message}. Free space there, or raise s3.buffer.memory.bytes; it will be tried again.`,
    { cause },
  );
}
