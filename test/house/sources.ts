import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const root = new URL("../../", import.meta.url).pathname;

/** Every TypeScript file of these folders, by its path from the root. */
export function sources(...folders: readonly string[]): Map<string, string> {
  const files = new Map<string, string>();
  for (const top of folders) {
    for (const entry of readdirSync(join(root, top), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith(".ts")) continue;
      const path = join(entry.parentPath, entry.name);
      files.set(path.slice(root.length), readFileSync(path, "utf8"));
    }
  }
  return files;
}
