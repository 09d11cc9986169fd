import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Creates a folder, and its parents, where they do not exist, for their owner only. Node's own recursive mode never ends
 * on a file system that takes no folders and says ENOENT, such as /proc.
 *
 * @returns the first that it created, if any.
 * @throws the system's error for a folder that cannot be created.
 */
export function makeFolders(path: string): string | undefined {
  try {
    return makeFolder(path) ? path : undefined;
  } catch (error) {
    const parent = dirname(path);
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || parent === path) throw error;
    // Another process may have created the parent meanwhile. If it was there before, the second attempt fails as the first.
    const first = existsSync(parent) ? undefined : makeFolders(parent);
    return makeFolder(path) ? (first ?? path) : first;
  }
}

/** @returns false for a folder that exists. */
function makeFolder(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return false;
    throw error;
  }
}
