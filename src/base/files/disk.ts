import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statfs,
  statSync,
  unlink,
  unlinkSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { makeFolders } from "./make-folders.js";

/** read: an existing file. write: for reading and writing, created if it does not exist. replace: the same, emptied. */
export type OpenMode = "read" | "write" | "replace";

export interface FolderEntry {
  readonly name: string;
  readonly isFolder: boolean;
}

/** Both are infinite where the file system does not report them. */
export interface DiskSpace {
  /** Bytes that can still be written. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/**
 * The file system's calls on which the durability of the broker's data depends. Tests replace it by a disk that loses
 * what was not forced to it, and that fails.
 *
 * Paths are absolute, sizes and positions in bytes. All calls throw Node's errors, with their `code`.
 */
export interface Disk {
  /** Returns a descriptor. A file that it creates can be read by its owner only if it `isPrivate`, or else by all. */
  open(path: string, mode: OpenMode, isPrivate?: boolean): number;
  close(fd: number): void;
  /** Reads up to `length` bytes at `position` into `target`; returns their number, 0 at the end of the file. */
  read(fd: number, target: Buffer, at: number, length: number, position: number): number;
  /** Returns the number of bytes written, which may be fewer than `length`. */
  write(fd: number, source: Buffer, at: number, length: number, position: number): number;
  truncate(fd: number, size: number): void;
  size(fd: number): number;
  /** Forces the content and size of a file to disk. */
  sync(fd: number): void;
  /** The same in the background. The descriptor must stay open until it settles. */
  syncLater(fd: number): Promise<void>;
  /** Forces the entries of a folder to disk: files created, renamed and removed in it. */
  syncFolder(path: string): void;
  syncFolderLater(path: string): Promise<void>;
  /** The content of a file; undefined when there is none. */
  readFile(path: string): Buffer | undefined;
  /** Replaces `to`, if it exists, in one step. */
  rename(from: string, to: string): void;
  /** Removes a file if it exists. */
  remove(path: string): void;
  /** The same in the background: a large file takes tens of milliseconds. */
  removeLater(path: string): Promise<void>;
  list(path: string): FolderEntry[];
  /**
   * Creates a folder, and its parents, where they do not exist, for their owner only. Returns the first that it created,
   * if any.
   */
  makeFolder(path: string): string | undefined;
  /** Removes a folder with all it holds, if it exists. */
  removeFolder(path: string): void;
  /** Time of the last write in ms since 1970. */
  modifiedMs(path: string): number;
  setModifiedMs(path: string, ms: number): void;
  /** The disk of a folder. */
  space(path: string): Promise<DiskSpace>;
}

const UNREPORTED: DiskSpace = { freeBytes: Number.POSITIVE_INFINITY, totalBytes: Number.POSITIVE_INFINITY };

const FLAGS: Readonly<Record<OpenMode, number>> = {
  read: constants.O_RDONLY,
  // Without O_APPEND, under which Linux ignores the position of a write.
  write: constants.O_RDWR | constants.O_CREAT,
  replace: constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC,
};

/** The disk of this machine. */
export const SYSTEM_DISK: Disk = {
  open: (path, mode, isPrivate = false) => openSync(path, FLAGS[mode], isPrivate ? 0o600 : 0o644),
  close: closeSync,
  read: readSync,
  write: writeSync,
  truncate: ftruncateSync,
  size: (fd) => fstatSync(fd).size,
  sync: fdatasyncSync,
  syncLater: (fd) => settled((done) => fdatasync(fd, done)),
  syncFolder(path) {
    const fd = openSync(path, "r");
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  },
  async syncFolderLater(path) {
    const fd = openSync(path, "r");
    try {
      await settled((done) => fsync(fd, done));
    } finally {
      closeSync(fd);
    }
  },
  readFile(path) {
    try {
      return readFileSync(path);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  },
  rename: renameSync,
  remove(path) {
    try {
      unlinkSync(path);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  },
  removeLater: (path) => settled((done) => unlink(path, (error) => done(isMissing(error) ? null : error))),
  list: (path) =>
    readdirSync(path, { withFileTypes: true }).map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() })),
  makeFolder: makeFolders,
  removeFolder: (path) => rmSync(path, { recursive: true, force: true }),
  modifiedMs: (path) => statSync(path).mtimeMs,
  setModifiedMs: (path, ms) => utimesSync(path, ms / 1000, ms / 1000),
  space: (path) =>
    new Promise((resolve) =>
      statfs(path, (error, stats) =>
        resolve(
          error || stats.blocks === 0
            ? UNREPORTED
            : { freeBytes: stats.bavail * stats.bsize, totalBytes: stats.blocks * stats.bsize },
        ),
      ),
    ),
};

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === "ENOENT";
}

function settled(call: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => call((error) => (error ? reject(error) : resolve())));
}
