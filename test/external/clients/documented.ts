import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { type ClientRow, withClientRows } from "./client-table.js";

const DOCUMENT = fileURLToPath(new URL("../../../docs/compatibility.md", import.meta.url));

/** Expects of the table of clients in docs/compatibility.md what a run has found; `--update` writes it there. */
export async function expectDocumented(rows: readonly ClientRow[]): Promise<void> {
  await expect(withClientRows(readFileSync(DOCUMENT, "utf8"), rows)).toMatchFileSnapshot(DOCUMENT);
}
