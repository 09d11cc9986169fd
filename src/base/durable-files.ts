import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Replaces a small file so that a crash or power loss leaves the old content or the new one. */
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

/** Makes the names in a folder survive power loss. */
export function syncFolder(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Removes a file; one that is gone already is fine. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/** Makes a folder and its parents unless they exist. */
export function makeFolder(path: string): void {
  mkdirSync(path, { recursive: true });
}
