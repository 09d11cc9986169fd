import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll } from "vitest";

/** The PATH for a document's commands, with a replacement for curl if there is none. Created once per test file. */
export function pathWithCurl(): string {
  const own = process.env["PATH"] ?? "";
  if (own.split(delimiter).some((folder) => existsSync(join(folder, "curl")))) return own;
  const folder = mkdtempSync(join(tmpdir(), "millrace-curl-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  symlinkSync(join(import.meta.dirname, "curl.mjs"), join(folder, "curl"));
  return `${folder}${delimiter}${own}`;
}
