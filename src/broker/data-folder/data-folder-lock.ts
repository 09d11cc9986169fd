import {
  type BigIntStats,
  closeSync,
  fstatSync,
  futimesSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { MessageChannel } from "node:worker_threads";
import type { Clock, Timer } from "../../base/clock.js";
import type { Logger } from "../../base/logger.js";
import { judgeLockHolder } from "./judge-lock-holder.js";
import { type LockHolder, lookForProcess, parseLockHolder, thisProcess } from "./lock-holder.js";

const LOCK_FILE = ".lock";
/** Interval of the holder's heartbeat. */
const BEAT_MS = 1000;
/** A lock without a heartbeat for this long is stale. */
export const WATCH_MS = 10_000;
/** A holder that has not checked its lock for this long checks it before it writes. */
const CONFIRM_MS = WATCH_MS / 2;

/** Another process has the data folder open. */
export class DataFolderLockedError extends Error {
  override readonly name = "DataFolderLockedError";
  constructor(
    readonly folder: string,
    holder: LockHolder | undefined,
  ) {
    const who = holder ? `process ${holder.pid} on ${holder.host}` : "a process that is starting";
    super(`Data folder ${folder} is in use by another broker (${who}). Stop that process, or use another folder.`);
  }
}

/** Another process took the data folder over while this one was suspended. This one must not write to it any more. */
export class DataFolderLostError extends Error {
  override readonly name = "DataFolderLostError";
  constructor(readonly folder: string) {
    super(
      `The lock of data folder ${folder} is gone or belongs to another broker: this broker was suspended for more than ${WATCH_MS / 1000} s, or the file was deleted. It stops without writing anything more.`,
    );
  }
}

export interface DataFolderLockOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called once, from a timer, when the lock turns out to be lost. */
  readonly onLost: (cause: DataFolderLostError) => void;
  /** For tests: the identity to write into the lock, as of another namespace or host. */
  readonly self?: LockHolder;
}

/** A lock file at one moment: its content names the holder, its modification time is the heartbeat. */
interface Sighting {
  readonly content: string;
  readonly stat: BigIntStats;
}

/**
 * Keeps two brokers from writing to one data folder. Node has no file locks, so the lock is a file that names its
 * process. In the same boot and PID namespace the process id is checked, and a lock whose process is gone is taken over
 * at once. From another namespace (a container with the same volume), another host, or after a reboot, process ids mean
 * nothing, so the heartbeat decides: the holder sets the file's modification time every second, through its descriptor,
 * and a contender watches it for ten seconds. Only changes count, by the contender's clock, so clocks need not agree.
 *
 * Interleavings, with A the holder, B, C and D contenders:
 * - A has created the file and not yet written its name. B cannot read a holder, and watches; the write shows life.
 * - A dies, and B and C both find the lock stale. Each renames it aside before deleting it, and reads the renamed file.
 *   The later one finds the lock that the first has created meanwhile, links it back and starts over: it is held.
 * - Between C's rename and its link, D creates a lock. Linking does not replace a file, so D keeps its lock, and the
 *   owner of the renamed one notices the loss as in the next case.
 * - A is suspended (SIGSTOP, a paused container, a sleeping laptop) and B takes over. A must not write when it resumes:
 *   `check` reads the file before any write if A has not seen it for five seconds, and each beat reads it. A then finds
 *   another file at its path, or none at two beats. Its own beats go to its descriptor and never touch B's file.
 * - A resumes after B's last look and before B renames the file. B finds a newer beat on the renamed file, links it
 *   back and gives up. A may have missed the file once, which does not count as a loss yet.
 * The gaps that remain: a write that had passed `check` when A was suspended is completed when A resumes, and so is the
 * next step of a running compaction; the offset checkpoints are written without a check.
 *
 * It uses `node:fs`, not the Disk: links, inodes and another process's times decide it, and no data depends on its file.
 */
export class DataFolderLock {
  readonly #path: string;
  readonly #inode: bigint;
  #timer: Timer | undefined;
  #confirmedMs: number;
  #beatenMs: number;
  #isMissing = false;
  #lost: DataFolderLostError | undefined;

  private constructor(
    private readonly options: DataFolderLockOptions,
    private readonly fd: number,
  ) {
    this.#path = pathIn(options.folder);
    this.#inode = fstatSync(fd, { bigint: true }).ino;
    this.#confirmedMs = options.clock.monotonicMs();
    this.#beatenMs = this.#confirmedMs;
    this.#scheduleBeat();
  }

  /**
   * Takes the lock. Waits up to WATCH_MS if only the heartbeat can show whether the holder lives.
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

  /** Reads the lock, and returns whether this process still holds it. */
  isHeld(): boolean {
    this.#confirm();
    return this.#lost === undefined;
  }

  /**
   * Called before each append, each write of the metadata, and each chore. Cheap: it reads the file only if that was
   * not done recently.
   * @throws DataFolderLostError
   */
  check(): void {
    if (this.options.clock.monotonicMs() - this.#confirmedMs > CONFIRM_MS) this.#confirm();
    if (this.#lost) throw this.#lost;
  }

  /** Called between the steps of a start, which keeps timers from firing. */
  beatIfDue(): void {
    if (this.options.clock.monotonicMs() - this.#beatenMs >= BEAT_MS) this.#beat();
  }

  #beat(): void {
    const { clock, logger, folder } = this.options;
    this.#beatenMs = clock.monotonicMs();
    const nowS = clock.nowMs() / 1000;
    try {
      futimesSync(this.fd, nowS, nowS);
      this.#confirm();
    } catch (cause) {
      logger.warn("The lock of the data folder could not be renewed", { folder }, cause);
    }
  }

  /** Releases the folder. */
  release(): void {
    this.#timer?.cancel();
    if (statIfThere(this.#path)?.ino === this.#inode) rmSync(this.#path, { force: true });
    closeSync(this.fd);
  }

  #scheduleBeat(): void {
    this.#timer = this.options.clock.schedule(BEAT_MS, () => {
      this.#beat();
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

/** Creates the lock file. Returns its descriptor, or undefined if the file exists. */
function createLock(path: string, self: LockHolder): number | undefined {
  let fd: number;
  try {
    fd = openSync(path, "wx");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return undefined;
    throw error;
  }
  try {
    writeSync(fd, JSON.stringify(self));
    return fd;
  } catch (error) {
    // Full disk: a lock without a holder would make the next start watch it for ten seconds.
    closeSync(fd);
    rmSync(path, { force: true });
    throw error;
  }
}

/**
 * Reads the lock through a descriptor: on a network file system, opening a file fetches its true state from the server.
 */
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

/**
 * Watches the heartbeat of a holder whose process cannot be checked. "replaced": the file is gone or another; start
 * over.
 */
async function watch(
  path: string,
  seen: Sighting,
  holder: LockHolder | undefined,
  { folder, clock, logger }: DataFolderLockOptions,
): Promise<"held" | "stale" | "replaced"> {
  const who = { folder, pid: holder?.pid, host: holder?.host };
  logger.info(
    `Watching the lock of the data folder for ${WATCH_MS / 1000} s: its process cannot be checked from here`,
    who,
  );
  // The clock's timers do not keep the process alive, and at this point of a start nothing else does.
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

/** Renames the stale file aside before deleting it: of several processes that found it stale, only one deletes it. */
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
  rmSync(aside, { force: true });
}

function putBack(aside: string, path: string): void {
  try {
    linkSync(aside, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // EEXIST: a lock was created meanwhile. The owner of this one finds out at its next beat.
    if (code === "EEXIST") return;
    // The file system has no hard links.
    renameSync(aside, path);
  }
}

function statIfThere(path: string): BigIntStats | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false });
}
