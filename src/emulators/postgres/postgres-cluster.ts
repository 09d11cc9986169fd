import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { PostgresBinaries } from "./postgres-binaries.js";
import { giveTo, type RunAs } from "./run-as.js";

/** Role that `initdb` makes, a superuser. */
export const POSTGRES_USER = "postgres";

/** Options of a new data folder. */
export interface ClusterOptions {
  readonly binaries: PostgresBinaries;
  readonly runAs: RunAs | undefined;
  /** The data folder. One that already holds data is left as it is. */
  readonly dataDir: string;
  /** Of the role `postgres`; connections over TCP must present it (scram-sha-256). */
  readonly password: string;
}

/**
 * Runs `initdb`. It works beside `dataDir` and is renamed into place at the end, so that an interrupted run
 * leaves nothing that a later start would take for data.
 */
export async function initializeCluster({ binaries, runAs, dataDir, password }: ClusterOptions): Promise<void> {
  if (existsSync(join(dataDir, "PG_VERSION"))) return;
  const fresh = `${dataDir}.initializing`;
  const passwordFile = `${dataDir}.password`;
  mkdirSync(dirname(dataDir), { recursive: true });
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { mode: 0o700 });
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  chmodSync(passwordFile, 0o600);
  if (runAs) {
    giveTo(fresh, runAs);
    giveTo(passwordFile, runAs);
  }
  try {
    await runInitdb(binaries, runAs, [
      ...["-D", fresh, "-U", POSTGRES_USER, `--pwfile=${passwordFile}`],
      ...["-E", "UTF8", "--locale=C", "--auth=scram-sha-256", "--no-sync", "--no-instructions"],
      ...(sharedMemoryIsTiny() ? ["--set", "dynamic_shared_memory_type=mmap"] : []),
    ]);
    renameSync(fresh, dataDir);
  } finally {
    rmSync(passwordFile, { force: true });
    rmSync(fresh, { recursive: true, force: true });
  }
}

function runInitdb(binaries: PostgresBinaries, runAs: RunAs | undefined, args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const initdb = spawn(binaries.initdb, args, {
      ...runAs,
      cwd: "/",
      env: { PATH: process.env["PATH"] ?? "", LC_ALL: "C", TZ: "UTC" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    const note = (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4000);
    };
    initdb.stdout.on("data", note);
    initdb.stderr.on("data", note);
    initdb.once("error", (cause) => reject(new Error(`${binaries.initdb} cannot be started`, { cause })));
    initdb.once("close", (status, signal) => {
      if (status === 0) resolve();
      else reject(new Error(`initdb ended with ${signal ?? `status ${status}`}: ${said.trim()}`));
    });
  });
}

/** The /dev/shm of a container is often too small for parallel queries; Postgres can use files of its own instead. */
function sharedMemoryIsTiny(): boolean {
  if (process.platform !== "linux" || !existsSync("/dev/shm")) return false;
  const { blocks, bsize } = statfsSync("/dev/shm");
  return blocks * bsize < 64 * 2 ** 20;
}
