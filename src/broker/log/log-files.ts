import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";

/** Sealed segment files that may be open at a time, over all partitions. */
const OPEN_SEALED_FILES = 256;

/**
 * Open descriptors of sealed segment files, least recently used first. All reads are synchronous, so none is under way
 * when a descriptor is closed here.
 */
export class SealedFiles {
  readonly #open = new Map<string, number>();

  /** Reads up to `length` bytes of the file at `position`; fewer at its end. */
  read(path: string, position: number, length: number): Buffer {
    let fd = this.#open.get(path);
    if (fd === undefined) {
      fd = openSync(path, "r");
      if (this.#open.size >= OPEN_SEALED_FILES) {
        const [oldest, oldestFd] = this.#open.entries().next().value!;
        this.#open.delete(oldest);
        closeSync(oldestFd);
      }
    } else {
      this.#open.delete(path);
    }
    this.#open.set(path, fd);
    return readAt(fd, position, length);
  }

  /** Closes the descriptor of a file that is about to be renamed, replaced or deleted. */
  forget(path: string): void {
    const fd = this.#open.get(path);
    if (fd === undefined) return;
    this.#open.delete(path);
    closeSync(fd);
  }

  close(): void {
    for (const fd of this.#open.values()) closeSync(fd);
    this.#open.clear();
  }
}

/** Reads up to `length` bytes at `position` into a fresh buffer; fewer at the end of the file. */
export function readAt(fd: number, position: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafeSlow(length);
  let read = 0;
  while (read < length) {
    const count = readSync(fd, buffer, read, length - read, position + read);
    if (count === 0) return buffer.subarray(0, read);
    read += count;
  }
  return buffer;
}

/** Writes all of `bytes` at `position`, in several writes if the operating system takes only a part. */
export function writeAt(fd: number, bytes: Buffer, position: number): void {
  let written = 0;
  while (written < bytes.length) {
    written += writeSync(fd, bytes, written, bytes.length - written, position + written);
  }
}

/** Size of an open file in bytes. */
export function sizeOf(fd: number): number {
  return fstatSync(fd).size;
}
