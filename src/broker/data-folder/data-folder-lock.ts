import {
  type BigIntStats,
  closeSync,
  fstatSync,
  futimesSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { MessageChannel } from "node:worker_threads";
import type { Clock, Timer } from "../../base/clock.js";
import { removeFile } from "../../base/durable-files.js";
import type { Logger } from "../../base/logger.js";
import { judgeLockHolder } from "./judge-lock-holder.js";
import { type LockHolder, lookForProcess, parseLockHolder, thisProcess } from "./lock-holder.js";

const LOCK_FILE = ".lock";
/** How often the holder shows that it lives. */
const BEAT_MS = 1000;
/** How long a lock must show no beat before its holder is taken for dead. */
export const WATCH_MS = 10_000;
/** A holder that has not seen its lock for so long looks before it writes. */
const CONFIRM_MS = WATCH_MS / 2;

/** Another process has the data folder open. */
export class DataFolderLockedError extends Error {
  override readonly name = "DataFolderLockedError";
  constructor(
    readonly folder: string,
    holder: LockHolder | undefined,
  ) {
    const who = holder ? `process ${holder.pid} on ${holder.host}` : "a process that is just starting";
    super(`Data folder ${folder} is in use by another broker (${who}). Stop that process, or give another folder.`);
  }
}

/** Another process has taken the data folder over while this one stood still. Nothing may be written to it any more. */
export class DataFolderLostError extends Error {
  override readonly name = "DataFolderLostError";
  constructor(readonly folder: string) {
    super(
      `The lock of data folder ${folder} is gone or belongs to another broker: this one stood still for more than ${WATCH_MS / 1000} s, or the file was deleted. It stops without writing anything more.`,
    );
  }
}

export interface DataFolderLockOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called once, from a timer, when the lock turns out to be lost. */
  readonly onLost: (cause: DataFolderLostError) => void;
  /** For tests: who takes the lock, as if from another namespace or host. */
  readonly self?: LockHolder;
}

/** A lock file as it was seen: its content names the holder, its modification time is the heartbeat. */
interface Sighting {
  readonly content: string;
  readonly stat: BigIntStats;
}

/**
 * Keeps two brokers from writing to one data folder. Node has no file locks, so the lock is a file that names its
 * process. In the same boot and PID namespace, the process itself is looked for, and a lock whose process is gone is
 * taken over at once. From another namespace (a container with the same volume) or another host (or after a restart of
 * the machine, which looks the same) process ids say nothing: there the heartbeat decides. The holder sets the file's
 * modification time every second, by its descriptor; who wants the lock watches it for ten. Only changes count, by the
 * watcher's own clock, so clocks need not agree.
 *
 * Interleavings, A the holder, B and C others:
 * - A has made the file and not written its name yet: B cannot read a holder, and watches. Writing is a sign of life.
 * - A dies, B and C both find the lock stale. Each moves it aside before deleting it and looks at what it has moved. The
 *   later one finds the lock that the first has made meanwhile, puts it back, and starts over: it is held.
 * - In between those two steps D makes a lock of its own. C's putting back is a link, which does not replace: the first
 *   one's lock is lost, and it finds out as the next case says.
 * - A stands still (SIGSTOP, a paused container, a laptop asleep) and B takes over. A must not write when it goes on:
 *   `check` looks at the file before any write once A has not seen it for five seconds, and each beat looks. A then has
 *   another file at its path, or none for two beats. Its beats go to its own descriptor and never touch B's file.
 * - A goes on after B's last look and before B moves the file: B finds a newer beat on what it has moved, puts it back
 *   and gives up. A may have missed the file once, which is no loss yet.
 * What is left: a write that A had begun when it was stopped, and had passed `check`, is finished when it goes on.
 */
export class DataFolderLock {
  readonly #path: string;
  readonly #inode: bigint;
  #timer: Timer | undefined;
  #confirmedMs: number;
  #isMissing = false;
  #lost: DataFolderLostError | undefined;

  private constructor(
    private readonly options: DataFolderLockOptions,
    private readonly fd: number,
  ) {
    this.#path = pathIn(options.folder);
    this.#inode = fstatSync(fd, { bigint: true }).ino;
    this.#confirmedMs = options.clock.monotonicMs();
    this.#scheduleBeat();
  }

  /**
   * Takes the lock; waits up to WATCH_MS where only the heartbeat can tell whether its holder lives.
   * @throws DataFolderLockedError when a living process holds it.
   */
  static async take(options: DataFolderLockOptions): Promise<DataFolderLock> {
    const { folder, self = thisProcess() } = options;
    const path = pathIn(folder);
    for (;;) {
      const fd = createLock(path, self);
      if (fd !== undefined) return new DataFolderLock(options, fd);
      const seen = look(path);
      if (!seen) continue;
      const holder = parseLockHolder(seen.content);
      const verdict = judgeLockHolder(holder, self.place, holder ? lookForProcess(holder.pid) : { kind: "gone" });
      const fate = verdict === "watch" ? await watch(path, seen, holder, options) : verdict;
      if (fate === "held") throw new DataFolderLockedError(folder, holder);
      if (fate === "stale") dropStale(path, seen);
    }
  }

  /** Looks whether the folder is still this process's. */
  isHeld(): boolean {
    this.#confirm();
    return this.#lost === undefined;
  }

  /**
   * Called before every write into the folder: cheap while the lock was seen a moment ago.
   * @throws DataFolderLostError
   */
  check(): void {
    if (this.options.clock.monotonicMs() - this.#confirmedMs > CONFIRM_MS) this.#confirm();
    if (this.#lost) throw this.#lost;
  }

  /** Shows that the holder lives. Called by a timer, and between the steps of a start that holds the timers up. */
  beat(): void {
    const { clock, logger, folder } = this.options;
    const nowS = clock.nowMs() / 1000;
    try {
      futimesSync(this.fd, nowS, nowS);
      this.#confirm();
    } catch (cause) {
      logger.warn("The lock of the data folder could not be renewed", { folder }, cause);
    }
  }

  /** Gives the folder free. */
  release(): void {
    this.#timer?.cancel();
    if (statIfThere(this.#path)?.ino === this.#inode) removeFile(this.#path);
    closeSync(this.fd);
  }

  #scheduleBeat(): void {
    this.#timer = this.options.clock.schedule(BEAT_MS, () => {
      this.beat();
      if (this.#lost) this.options.onLost(this.#lost);
      else this.#scheduleBeat();
    });
  }

  #confirm(): void {
    const inode = statIfThere(this.#path)?.ino;
    if (inode === this.#inode) {
      this.#confirmedMs = this.options.clock.monotonicMs();
      this.#isMissing = false;
    } else if (inode !== undefined || this.#isMissing) {
      this.#lost ??= new DataFolderLostError(this.options.folder);
    } else {
      this.#isMissing = true;
    }
  }
}

function pathIn(folder: string): string {
  return join(folder, LOCK_FILE);
}

/** Makes the lock file; returns its descriptor, or undefined if there is one. */
function createLock(path: string, self: LockHolder): number | undefined {
  try {
    const fd = openSync(path, "wx");
    writeSync(fd, JSON.stringify(self));
    return fd;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return undefined;
    throw error;
  }
}

/** Reads the lock through a descriptor: opening a file on a network file system asks the server for its true state. */
function look(path: string): Sighting | undefined {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return { content: readFileSync(fd, "utf8"), stat: fstatSync(fd, { bigint: true }) };
  } finally {
    closeSync(fd);
  }
}

function isSame(left: Sighting, right: Sighting): boolean {
  return left.content === right.content && left.stat.ino === right.stat.ino && left.stat.mtimeNs === right.stat.mtimeNs;
}

/** Watches a lock whose holder cannot be looked for. "replaced": it is gone, or another one; whoever wants it starts over. */
async function watch(
  path: string,
  seen: Sighting,
  holder: LockHolder | undefined,
  { folder, clock, logger }: DataFolderLockOptions,
): Promise<"held" | "stale" | "replaced"> {
  const who = { folder, pid: holder?.pid, host: holder?.host };
  logger.info(`Watching the lock of the data folder for ${WATCH_MS / 1000} s: it was made elsewhere`, who);
  // The clock's timers keep no process alive, and at this point of a start nothing else does.
  const { port1: awake } = new MessageChannel();
  awake.ref();
  try {
    for (let waitedMs = 0; waitedMs < WATCH_MS; waitedMs += BEAT_MS) {
      await clock.delay(BEAT_MS);
      const now = look(path);
      if (now?.stat.ino !== seen.stat.ino) return "replaced";
      if (!isSame(seen, now)) return "held";
    }
  } finally {
    awake.close();
  }
  logger.warn("Taking over the data folder: its lock has shown no sign of life", who);
  return "stale";
}

/** Moves the stale file aside before deleting it: of several processes that found it, only one then deletes it. */
function dropStale(path: string, seen: Sighting): void {
  const aside = `${path}.${process.pid}.${seen.stat.ino}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  const moved = look(aside);
  if (moved && !isSame(moved, seen)) putBack(aside, path);
  removeFile(aside);
}

function putBack(aside: string, path: string): void {
  try {
    linkSync(aside, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // EEXIST: a lock was made meanwhile; the one that is not put back finds out at its next beat.
    if (code === "EEXIST") return;
    // A file system without links.
    renameSync(aside, path);
  }
}

function statIfThere(path: string): BigIntStats | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false });
}
