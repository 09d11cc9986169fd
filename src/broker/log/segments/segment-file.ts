import { readAt, type TakeBuffer, writeAt } from "../../../base/files/durable-files.js";
import type { SealedFiles } from "./sealed-files.js";

/** Bytes copied at a time where a segment is written again. */
const COPY_BYTES = 1024 * 1024;

/**
 * The `.log` file of one segment: its bytes, and how many of them are on disk. It has a descriptor of its own while it is
 * written; after `release` it is read by one of those that all sealed segments share.
 */
export class SegmentFile {
  #fd: number | undefined;
  #size = 0;
  /** Bytes from the start that are on disk. */
  #syncedSize = 0;
  /** Failed appends, each of which may have left bytes behind the end, and how many of them a sync has cut off. */
  #failedAppends = 0;
  #cutAppends = 0;
  /** Syncs under way: the descriptor stays open until they settle, or another file might get its number. */
  #syncs = 0;
  #isClosed = false;
  #path: string;

  private constructor(
    path: string,
    private readonly files: SealedFiles,
  ) {
    this.#path = path;
  }

  /** Opens a file of which no batch is admitted yet; `write` creates it if it does not exist. */
  static open(path: string, files: SealedFiles, mode: "read" | "write"): SegmentFile {
    const file = new SegmentFile(path, files);
    file.#fd = files.disk.open(path, mode);
    return file;
  }

  /** The file of a sealed segment: all of it counts, and is on disk. Holds no descriptor. */
  static openSealed(path: string, files: SealedFiles): SegmentFile {
    const file = SegmentFile.open(path, files, "read");
    file.#size = file.length;
    file.#syncedSize = file.#size;
    file.release();
    return file;
  }

  /** The file of a compacted segment of known size, all of which is on disk. Nothing is read. */
  static ofCleaned(path: string, size: number, files: SealedFiles): SegmentFile {
    const file = new SegmentFile(path, files);
    file.#size = size;
    file.#syncedSize = size;
    return file;
  }

  get path(): string {
    return this.#path;
  }

  /** Bytes of the batches that are admitted. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of the file. More than `size` after failed appends, and until recovery has admitted its batches. */
  get length(): number {
    return this.files.disk.size(this.#fd!);
  }

  /** Time of the last write in ms since 1970. */
  get modifiedMs(): number {
    return this.files.disk.modifiedMs(this.path);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether all admitted batches are on disk, and nothing behind them. */
  get isSynced(): boolean {
    return this.#isClosed || (this.#syncedSize >= this.#size && this.#cutAppends === this.#failedAppends);
  }

  /**
   * Writes a batch behind the admitted ones. When this returns, the operating system has the bytes: they survive the end
   * of the process, but not a power loss. What a failed write leaves behind is never read; the next append overwrites it,
   * and the next sync cuts it off.
   */
  append(batch: Buffer): void {
    try {
      writeAt(this.files.disk, this.#fd!, batch, this.#size);
    } catch (error) {
      this.#failedAppends++;
      throw error;
    }
  }

  /** Sets the end of the admitted batches. */
  admit(size: number): void {
    this.#size = size;
  }

  /** Notes that this many bytes from the start are known to be on disk. */
  trust(bytes: number): void {
    this.#syncedSize = bytes;
  }

  /** Reads up to `length` bytes at `position`; fewer at the end of the file. */
  readonly read = (position: number, length: number, take?: TakeBuffer): Buffer => {
    return this.#fd === undefined
      ? this.files.read(this.path, position, length, take)
      : readAt(this.files.disk, this.#fd, position, length, take);
  };

  /**
   * Makes the file end after the admitted batches, and writes those from a position on once more, for the next sync.
   * Without the writing, it would succeed although the bytes may be in memory only: Linux takes pages that it failed to
   * write for clean.
   *
   * @param from everything before this position is known to be on disk.
   */
  restore(from: number): void {
    const { disk } = this.files;
    if (this.length === 0) return;
    this.#syncedSize = from;
    if (this.length > this.#size) {
      disk.truncate(this.#fd!, this.#size);
      this.#failedAppends++;
    }
    for (let position = from; position < this.#size; position += COPY_BYTES) {
      writeAt(disk, this.#fd!, this.read(position, Math.min(COPY_BYTES, this.#size - position)), position);
    }
  }

  /**
   * Cuts off what failed appends have left behind the end. Called before another segment follows: recovery would take it
   * for damage, and drop what follows.
   */
  cutRest(): void {
    if (this.#fd === undefined || this.#cutAppends === this.#failedAppends) return;
    this.files.disk.truncate(this.#fd, this.#size);
  }

  /**
   * Forces the batches to disk that were admitted before the call. After a failure the log is offline, and never syncs the
   * file again.
   */
  async syncLater(): Promise<void> {
    if (this.#fd === undefined) return;
    const size = this.#size;
    const failedAppends = this.#failedAppends;
    this.cutRest();
    this.#syncs++;
    try {
      await this.files.disk.syncLater(this.#fd);
      this.#syncedSize = Math.max(this.#syncedSize, size);
      this.#cutAppends = failedAppends;
    } finally {
      this.#syncs--;
      if (this.#isClosed) this.release();
    }
  }

  /** Closes the descriptor of its own: nothing more is written. It can still be read. */
  release(): void {
    if (this.#fd === undefined || this.#syncs > 0) return;
    this.files.disk.close(this.#fd);
    this.#fd = undefined;
  }

  /** Closes the file, once the sync under way has settled. */
  close(): void {
    this.#isClosed = true;
    this.release();
    this.files.forget(this.path);
  }

  /** Notes that the file was renamed. */
  renamed(path: string): void {
    this.files.forget(this.path);
    this.#path = path;
  }

  remove(): void {
    this.close();
    this.files.disk.remove(this.path);
  }
}
