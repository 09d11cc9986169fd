import type { SealedFiles } from "./sealed-files.js";

/**
 * Renames the file of a segment that is over, so that it counts no more; the next start removes what has this name.
 * @returns the new path, for the caller to remove. @throws the disk's error.
 */
export function retireFile(files: SealedFiles, path: string): string {
  files.forget(path);
  const retired = `${path}.deleted`;
  files.disk.rename(path, retired);
  return retired;
}
