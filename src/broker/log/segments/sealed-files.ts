import type { Disk } from "../../../base/files/disk.js";
import { readAt, type TakeBuffer } from "../../../base/files/durable-files.js";

/** Sealed segment files that may be open at a time, over all partitions. */
const OPEN_SEALED_FILES = 256;

/**
 * Open descriptors of sealed segment files, least recently used first, and the disk that they are on. All reads are
 * synchronous, so none is under way when a descriptor is closed here.
 */
export class SealedFiles {
  readonly #open = new Map<string, number>();

  constructor(readonly disk: Disk) {}

  /** Reads up to `length` bytes of the file at `position`; fewer at its end. */
  read(path: string, position: number, length: number, take?: TakeBuffer): Buffer {
    let fd = this.#open.get(path);
    if (fd === undefined) {
      fd = this.disk.open(path, "read");
      if (this.#open.size >= OPEN_SEALED_FILES) {
        const [oldest, oldestFd] = this.#open.entries().next().value!;
        this.#open.delete(oldest);
        this.disk.close(oldestFd);
      }
    } else {
      this.#open.delete(path);
    }
    this.#open.set(path, fd);
    return readAt(this.disk, fd, position, length, take);
  }

  /** Closes the descriptor of a file that is about to be renamed, replaced or deleted. */
  forget(path: string): void {
    const fd = this.#open.get(path);
    if (fd === undefined) return;
    this.#open.delete(path);
    this.disk.close(fd);
  }

  close(): void {
    for (const fd of this.#open.values()) this.disk.close(fd);
    this.#open.clear();
  }
}
