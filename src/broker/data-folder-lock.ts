import { closeSync, existsSync, openSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const LOCK_FILE = ".lock";

/** Another process has the data folder open. */
export class DataFolderLockedError extends Error {
  override readonly name = "DataFolderLockedError";
  constructor(
    readonly folder: string,
    readonly pid: number,
  ) {
    super(
      `Data folder ${folder} is in use by another broker (process ${pid}). Stop that process, or give another folder.`,
    );
  }
}

/**
 * Keeps two brokers from writing to one data folder. Node has no file locks, so the lock is a file that names its
 * process; one whose process is gone (killed, or the machine restarted) is taken over. On Linux the process's start
 * time is part of the name, so that a process id given out again does not keep the folder locked.
 */
export class DataFolderLock {
  private constructor(private readonly path: string) {}

  /** @throws DataFolderLockedError when a living process holds it. */
  static take(folder: string): DataFolderLock {
    const path = join(folder, LOCK_FILE);
    for (let attempt = 0; ; attempt++) {
      try {
        const fd = openSync(path, "wx");
        writeFileSync(fd, ownerOf(process.pid));
        closeSync(fd);
        return new DataFolderLock(path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const owner = readIfThere(path);
      const pid = Number.parseInt(owner, 10);
      if (attempt > 2 || (owner !== "" && pid > 0 && isOwnerAlive(pid, owner)))
        throw new DataFolderLockedError(folder, pid);
      dropStale(path, owner);
    }
  }

  /** Gives the folder free. */
  release(): void {
    if (existsSync(this.path)) unlinkSync(this.path);
  }
}

/** Moves the stale file aside before deleting it: of two processes that found it, only one then makes the new one. */
function dropStale(path: string, owner: string): void {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
    if (readFileSync(aside, "utf8") !== owner) renameSync(aside, path);
    else unlinkSync(aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    // ESRCH: a process's file whose process ended while it was read.
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return "";
    throw error;
  }
}

function isOwnerAlive(pid: number, owner: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, under another user.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  const now = ownerOf(pid);
  // Without a start time on either side only the process id speaks.
  return !now.includes(" ") || !owner.includes(" ") || now === owner;
}

/** `<pid> <start time>`, the latter where the system tells it; a process that has ended and waits to be reaped has none. */
function ownerOf(pid: number): string {
  const stat = readIfThere(`/proc/${pid}/stat`);
  if (stat === "") return String(pid);
  // The second field, a name in parentheses, may hold blanks itself; state is the third, start time the 22nd.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return `${pid} ${fields[0] === "Z" ? "ended" : fields[19]}`;
}
