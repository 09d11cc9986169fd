import { Patience } from "../../support/patience.js";
import { ProgramProcess } from "../../support/program-process.js";
import type { Command } from "./client-cache.js";
import type { ClientRow } from "./client-table.js";

/** A program takes seconds. */
const PATIENCE_MS = 120_000;

/**
 * Runs a client's program to its end: it prints `version V`, and `ok STEP` for every step that has passed.
 *
 * @returns what there is to say of it, and the end of its output if it failed.
 */
export async function runClient(
  client: string,
  [file, ...first]: Command,
  args: readonly string[],
): Promise<{ readonly row: ClientRow; readonly failure: string | undefined }> {
  const steps: string[] = [];
  let version = "";
  const program = new ProgramProcess(client, file, [...first, ...args], {}, (line) => {
    const [, word, rest] = /^(version|ok) (.+)$/.exec(line) ?? [];
    if (word === "version") version = rest!;
    if (word === "ok") steps.push(rest!);
  });
  const patience = new Patience(PATIENCE_MS, () => void program.kill9());
  const ended = await program.exited;
  patience.end();
  const failed = ended !== "status 0";
  const result = failed ? `fails after “${steps.at(-1) ?? "its start"}”` : "passes";
  return { row: { client, version, steps, result }, failure: failed ? `${ended}:\n${program.log}` : undefined };
}
