import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Replaces a small file atomically: a crash or power loss leaves the old content or the new. */
export function replaceFile(path: string, content: string | Buffer): void {
  const next = `${path}.tmp`;
  const fd = openSync(next, "w");
  try {
    writeFileSync(fd, content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(next, path);
  syncFolder(dirname(path));
}

/** Makes the folder's entries (created, renamed and removed files) survive a power loss. */
export function syncFolder(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Removes a file if it exists. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/** Creates a folder and its parents where they do not exist. */
export function makeFolder(path: string): void {
  mkdirSync(path, { recursive: true });
}
