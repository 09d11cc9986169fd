import { tmpdir } from "node:os";
import { type Logger, RetriableError, type SinkRecord, type TopicPartition } from "../../../src/api/index.js";
import type { Format, ObjectFormat } from "../formats/format.js";
import type { ExistingRows } from "../formats/row-digest.js";
import type { ObjectStoreClient } from "../store/object-store-client.js";
import { Places } from "../store/places.js";
import type { StoreCalls } from "../store/store-calls.js";
import { BufferedBytes } from "./buffered-bytes.js";
import { ChunkPool } from "./chunk-pool.js";
import type { OnExisting } from "./conditional-writes.js";
import { digestObject } from "./existing-object.js";
import { FileSet, type SetFormat } from "./file-set.js";
import { type ObjectKeySettings, objectKey } from "./object-key.js";
import type { ObjectTags } from "./object-tags.js";
import { ObjectUpload, type UploadSettings } from "./object-upload.js";
import { type FilesOfTask, OpenFile } from "./open-file.js";
import { abortOrphans } from "./orphaned-uploads.js";
import { Packing } from "./packing.js";
import type { SpillFile } from "./spill-file.js";

/** The objects of one kind: of the values, the keys or the headers. */
export interface Stream {
  readonly format: Format;
  /** Between the offset and the format's extension: empty for values. */
  readonly infix: "" | ".keys" | ".headers";
}

export interface OpenFilesSettings {
  readonly key: ObjectKeySettings;
  readonly upload: UploadSettings;
  /** The values first. */
  readonly streams: readonly Stream[];
  /** Memory for all files together; beyond it the largest move to disk. */
  readonly memoryBytes: number;
  /** Undefined: objects are not tagged. */
  readonly tags: ObjectTags | undefined;
}

/** Files that are packed and uploaded at once, each with a few chunks of memory. */
const CONCURRENT_FILES = 8;

type KeyParts = readonly [topic: string, partition: number, encodedPartition: string, startOffset: number];

/** Makes the files of a task and keeps their memory within its bound. */
export class OpenFiles {
  readonly #pool = new ChunkPool();
  readonly #files = new Set<OpenFile>();
  readonly #ofTask: FilesOfTask;
  readonly #ofSidecars: FilesOfTask;

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
      digestExisting: (key, format, beginning, abandoned) =>
        digestObject(calls, client, key, format, beginning, abandoned),
      closed: (file) => this.#files.delete(file),
    };
    // As the original: only objects of values are tagged.
    this.#ofSidecars = { ...this.#ofTask, tags: undefined };
  }

  /** Bytes of memory that the files hold now, and their peak. */
  get memory(): { readonly heldBytes: number; readonly peakBytes: number } {
    return { heldBytes: this.#pool.heldBytes, peakBytes: this.#pool.peakBytes };
  }

  /** The key of a directory's next object of values. @throws DataError if S3 takes no such key. */
  keyOf(topic: string, partition: number, encodedPartition: string, startOffset: number): string {
    return this.#keyOf(this.#valueStream, topic, partition, encodedPartition, startOffset);
  }

  #keyOf({ format, infix }: Stream, ...[topic, partition, encodedPartition, startOffset]: KeyParts): string {
    const extension = infix + format.extension;
    return objectKey(this.settings.key, topic, partition, encodedPartition, startOffset, extension);
  }

  /** Records without a value have directories of their own, without objects of values. */
  #streamsOf({ value }: SinkRecord): readonly Stream[] {
    const { streams } = this.settings;
    return value === null ? streams.slice(1) : streams;
  }

  get #valueStream(): Stream {
    return this.settings.streams[0]!;
  }

  /** Aborts what killed tasks have left of these partitions, which have just been opened. Never rejects. */
  abortOrphans(partitions: readonly TopicPartition[], nowMs: number): Promise<void> {
    const { client, calls, logger } = this;
    return abortOrphans({ key: this.settings.key, client, calls, logger }, partitions, nowMs);
  }

  /** How the records of a file set that begins with this one become rows. @throws DataError if no objects can hold it. */
  formatsFor(first: SinkRecord): SetFormat {
    return this.#streamsOf(first).map(({ format }) => format.open(first));
  }

  /**
   * Opens the files that begin with this record.
   *
   * @param formats of `formatsFor`.
   * @param abandoned ends the files' running requests, before they are aborted.
   * @throws DataError if S3 takes no such key.
   */
  open(first: SinkRecord, encodedPartition: string, formats: SetFormat, abandoned: AbortSignal): FileSet {
    const { originalTopic, originalPartition, originalOffset, valueSchema, keySchema } = first;
    const streams = this.#streamsOf(first);
    const keys = streams.map((stream) =>
      this.#keyOf(stream, originalTopic, originalPartition, encodedPartition, originalOffset),
    );
    const files = streams.map((stream, at) => this.#open(keys[at]!, stream, formats[at]!, abandoned));
    const storesKeys = streams.some(({ infix }) => infix === ".keys");
    return new FileSet(encodedPartition, valueSchema, storesKeys ? keySchema : undefined, formats, files);
  }

  #open(key: string, { format, infix }: Stream, object: ObjectFormat, abandoned: AbortSignal): OpenFile {
    const bytes = new BufferedBytes(this.#pool, this.openSpillFile);
    const packer = object.packer();
    let written = bytes;
    let packing: Packing | undefined;
    if (packer) {
      written = new BufferedBytes(this.#pool, this.openSpillFile);
      const spill = async () => {
        if (this.isOverBound) await bytes.spill().catch(refuseSpill);
      };
      packing = new Packing(packer, this.#pool, written, bytes, spill);
    }
    const upload = new ObjectUpload(key, bytes, this.settings.upload, this.client, this.calls, this.logger, abandoned);
    const ofTask = infix === "" ? this.#ofTask : this.#ofSidecars;
    const file = new OpenFile(object.terminator, format, written, packing, upload, ofTask);
    this.#files.add(file);
    return file;
  }

  /** Whether an object of another topic may be in the way, and how it is handled. */
  get onExisting(): OnExisting {
    return this.settings.upload.conditional.onExisting;
  }

  /**
   * The rows that an existing object of values holds; undefined if there is none.
   *
   * @param beginning the length of its beginning to digest, too.
   * @param abandoned ends the request.
   */
  digestExisting(key: string, beginning: number, abandoned: AbortSignal): Promise<ExistingRows | undefined> {
    return this.#ofTask.digestExisting(key, this.#valueStream.format, beginning, abandoned);
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
