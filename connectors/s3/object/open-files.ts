import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { Logger, Schema } from "../../../src/api/index.js";
import type { ObjectStoreClient } from "../store/object-store-client.js";
import type { StoreCalls } from "../store/store-calls.js";
import { BufferedBytes } from "./buffered-bytes.js";
import { ChunkPool } from "./chunk-pool.js";
import { type Compression, GzipCompression, NoCompression } from "./compression.js";
import type { OnExisting } from "./conditional-writes.js";
import { digestObject, type ExistingRows, type RowDigest, RowsSoFar, sameRows } from "./existing-object.js";
import { type ObjectKeySettings, objectKey } from "./object-key.js";
import { type FinishOutcome, ObjectUpload, type UploadSettings } from "./object-upload.js";
import type { SpillFile } from "./spill-file.js";

export interface OpenFilesSettings {
  readonly key: ObjectKeySettings;
  readonly upload: UploadSettings;
  /** zlib's level; undefined: no compression. */
  readonly gzipLevel: number | undefined;
  /** Memory for all files together; beyond it the largest move to disk. */
  readonly memoryBytes: number;
}

/** One object in the making. */
export class OpenFile {
  #isUploading = false;

  constructor(
    readonly encodedPartition: string,
    /** Of its first record. */
    readonly schema: Schema | null,
    private readonly compression: Compression,
    private readonly upload: ObjectUpload,
    private readonly closed: (file: OpenFile) => void,
  ) {}

  get key(): string {
    return this.upload.key;
  }

  get memoryBytes(): number {
    return this.upload.bytes.memoryBytes;
  }

  /** Whether a request is reading its bytes. */
  get isUploading(): boolean {
    return this.#isUploading;
  }

  get hasFullPart(): boolean {
    return this.upload.hasFullPart;
  }

  /** The digest of all rows; complete once `finish` was called. */
  get rows(): RowDigest {
    return this.compression.rows ?? this.upload.digest;
  }

  write(row: Buffer, terminator: Buffer): void {
    this.compression.write(row);
    this.compression.write(terminator);
  }

  /** @throws RetriableError: call it again. */
  uploadFullParts(): Promise<void> {
    return this.upload.uploadFullParts();
  }

  /** Stores the object unless one exists. @throws RetriableError: call it again. */
  finish(): Promise<FinishOutcome> {
    this.compression.finish();
    return this.#store(() => this.upload.finish());
  }

  /** After `finish` found an object: stores ours in its place. @throws RetriableError: call `finish` again. */
  overwrite(): Promise<FinishOutcome> {
    return this.#store(() => this.upload.overwrite());
  }

  /**
   * After `finish` found an object: whether one begins with the other. An earlier run wrote the same records then, with
   * other settings of rotation, and what one object lacks is in the next.
   */
  async sharesBeginningWith(existing: ExistingRows): Promise<boolean> {
    if (existing.length >= this.rows.length) return sameRows(existing.beginning, this.rows);
    const ours = await this.#digestBeginning(existing.length);
    return ours !== undefined && sameRows(ours, existing);
  }

  /** Undefined once parts are uploaded: their rows are no longer here. */
  async #digestBeginning(length: number): Promise<RowDigest | undefined> {
    const { upload } = this;
    if (!upload.isWhole) return undefined;
    return this.#reading(async () => {
      const rows = new RowsSoFar(length);
      const bytes: AsyncIterable<Buffer> = upload.bytes.read(upload.bytes.length);
      const isPacked = this.compression.rows !== undefined;
      for await (const piece of isPacked ? Readable.from(bytes, { objectMode: false }).pipe(createGunzip()) : bytes)
        rows.add(piece as Buffer);
      return rows.beginning;
    });
  }

  async #store(upload: () => Promise<FinishOutcome>): Promise<FinishOutcome> {
    const outcome = await this.#reading(upload);
    if (outcome === "created") this.closed(this);
    return outcome;
  }

  async #reading<T>(work: () => Promise<T>): Promise<T> {
    this.#isUploading = true;
    try {
      return await work();
    } finally {
      this.#isUploading = false;
    }
  }

  spill(): Promise<void> {
    return this.upload.bytes.spill();
  }

  /** Drops the bytes and aborts the upload. */
  async abort(): Promise<void> {
    this.compression.release();
    this.closed(this);
    await this.upload.abort();
  }
}

/** Makes the files of a task and keeps their memory within its bound. */
export class OpenFiles {
  readonly #pool = new ChunkPool();
  readonly #files = new Set<OpenFile>();

  constructor(
    private readonly settings: OpenFilesSettings,
    private readonly client: ObjectStoreClient,
    private readonly calls: StoreCalls,
    private readonly openSpillFile: () => Promise<SpillFile>,
    private readonly logger: Logger,
  ) {}

  /** Bytes of memory that the files hold now, and their peak. */
  get memory(): { readonly heldBytes: number; readonly peakBytes: number } {
    return { heldBytes: this.#pool.heldBytes, peakBytes: this.#pool.peakBytes };
  }

  keyOf(topic: string, partition: number, encodedPartition: string, startOffset: number): string {
    return objectKey(this.settings.key, topic, partition, encodedPartition, startOffset);
  }

  /** @param abandoned ends the file's running requests, before it is aborted. */
  open(key: string, encodedPartition: string, schema: Schema | null, abandoned: AbortSignal): OpenFile {
    const bytes = new BufferedBytes(this.#pool, this.openSpillFile);
    const append = (piece: Buffer) => bytes.append(piece);
    const { gzipLevel, upload } = this.settings;
    const compression =
      gzipLevel === undefined ? new NoCompression(append) : new GzipCompression(gzipLevel, this.#pool, append);
    const file = new OpenFile(
      encodedPartition,
      schema,
      compression,
      new ObjectUpload(key, bytes, upload, this.client, this.calls, this.logger, abandoned),
      (closed) => this.#files.delete(closed),
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

  /** Moves the largest files that are not being uploaded to disk, until half of the bound is free. */
  async boundMemory(): Promise<void> {
    if (!this.isOverBound) return;
    const largestFirst = [...this.#files].sort((a, b) => b.memoryBytes - a.memoryBytes);
    for (const file of largestFirst) {
      if (this.#pool.heldBytes <= this.settings.memoryBytes / 2) return;
      // Some files were finished and closed while others moved.
      if (this.#files.has(file) && !file.isUploading) await file.spill();
    }
  }
}
