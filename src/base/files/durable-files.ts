import { dirname } from "node:path";
import type { Disk } from "./disk.js";

/** Replaces a small file atomically: a crash or power loss leaves the old content or the new. */
export function replaceFile(disk: Disk, path: string, content: string | Buffer): void {
  const next = `${path}.tmp`;
  writeFileDurably(disk, next, content);
  disk.rename(next, path);
  disk.syncFolder(dirname(path));
}

/** The same with a file that only its owner can read. */
export function replacePrivateFile(disk: Disk, path: string, content: Buffer): void {
  const next = `${path}.tmp`;
  // One that an earlier process has left may be for all to read.
  disk.remove(next);
  const fd = disk.open(next, "replace", true);
  try {
    writeAt(disk, fd, content, 0);
    disk.sync(fd);
  } finally {
    disk.close(fd);
  }
  disk.rename(next, path);
  disk.syncFolder(dirname(path));
}

/**
 * Creates a folder, and its parents, where they do not exist; a power loss does not take them. Returns the first
 * that it created, if any.
 */
export function makeFolderDurably(disk: Disk, path: string): string | undefined {
  const first = disk.makeFolder(path);
  if (first === undefined) return undefined;
  for (let parent = dirname(path); ; parent = dirname(parent)) {
    disk.syncFolder(parent);
    if (parent.length <= dirname(first).length) return first;
  }
}

/** Writes a small file, and forces its content to disk, but not its name. */
export function writeFileDurably(disk: Disk, path: string, content: string | Buffer): void {
  writeFile(disk, path, content, true);
}

/** The same, forced in the background. Rejects with the disk's error. */
export async function writeFileDurablyLater(disk: Disk, path: string, content: string | Buffer): Promise<void> {
  const fd = disk.open(path, "replace");
  try {
    writeAt(disk, fd, Buffer.from(content), 0);
    await disk.syncLater(fd);
  } finally {
    disk.close(fd);
  }
}

/** Writes a small file. A power loss may leave any part of it, unless it is forced to disk. */
export function writeFile(disk: Disk, path: string, content: string | Buffer, isForced = false): void {
  const fd = disk.open(path, "replace");
  try {
    writeAt(disk, fd, Buffer.from(content), 0);
    if (isForced) disk.sync(fd);
  } finally {
    disk.close(fd);
  }
}

/** Writes all of `bytes` at `position`, in several writes if the operating system takes only a part. */
export function writeAt(disk: Disk, fd: number, bytes: Buffer, position: number): void {
  let written = 0;
  while (written < bytes.length) {
    written += disk.write(fd, bytes, written, bytes.length - written, position + written);
  }
}

/** Makes a buffer of so many bytes, with arbitrary content. */
export type TakeBuffer = (length: number) => Buffer;

/** Reads up to `length` bytes at `position` into a buffer, by default a new one; fewer at the end of the file. */
export function readAt(
  disk: Disk,
  fd: number,
  position: number,
  length: number,
  take: TakeBuffer = Buffer.allocUnsafeSlow,
): Buffer {
  const buffer = take(length);
  let read = 0;
  while (read < length) {
    const count = disk.read(fd, buffer, read, length - read, position + read);
    if (count === 0) return buffer.subarray(0, read);
    read += count;
  }
  return buffer;
}
