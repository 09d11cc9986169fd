import { spawnSync } from "node:child_process";
import { lchownSync, readdirSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The uid and gid of a child process. */
export interface RunAs {
  readonly uid: number;
  readonly gid: number;
}

/** `nobody` on Linux and, as a bare number, on macOS: it needs no entry in the user database. */
const UNPRIVILEGED: RunAs = { uid: 65534, gid: 65534 };

/** The user that Postgres runs as: it refuses root, so root starts it as an unprivileged user. */
export function runAsForPostgres(): RunAs | undefined {
  return process.getuid?.() === 0 ? UNPRIVILEGED : undefined;
}

/**
 * True if that user can enter `folder`. A process of that user tries, because mode bits alone do not show parent
 * folders, access lists and read-only mounts.
 */
export function canEnter(folder: string, runAs: RunAs | undefined): boolean {
  return spawnSync("/bin/sh", ["-c", 'cd -- "$1"', "sh", folder], { ...runAs, cwd: "/", stdio: "ignore" }).status === 0;
}

/** True if that user can start `program` with `--version`, its libraries included. */
export function canRun(program: string, runAs: RunAs | undefined): boolean {
  return spawnSync(program, ["--version"], { ...runAs, cwd: "/", stdio: "ignore" }).status === 0;
}

/** A temporary folder that user can enter: the system's, unless `TMPDIR` points to one that is closed to it. */
export function enterableTemporaryFolder(runAs: RunAs | undefined): string {
  for (const folder of [tmpdir(), "/tmp", "/var/tmp"]) {
    if (canEnter(folder, runAs)) return folder;
  }
  throw new Error(
    `None of ${tmpdir()}, /tmp and /var/tmp can be entered by uid ${runAs?.uid ?? process.getuid?.()}, which Postgres runs as: set TMPDIR to a folder that can`,
  );
}

/** Hands a file, or a folder and all in it, to a user. */
export function giveTo(path: string, runAs: RunAs): void {
  lchownSync(path, runAs.uid, runAs.gid);
  if (!statSync(path).isDirectory()) return;
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
    lchownSync(join(entry.parentPath, entry.name), runAs.uid, runAs.gid);
  }
}
