import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The path of a file of this package, from source and from dist alike. */
export function packagePath(...parts: string[]): string {
  return join(dirname(createRequire(import.meta.url).resolve("millrace/package.json")), ...parts);
}
