import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** The process named in a lock file. */
export interface LockHolder {
  readonly pid: number;
  /** Start time of the process, if the system shows it: another process with the same id has another one. */
  readonly started: string | null;
  /**
   * The scope of its process id: the boot of the machine and the PID namespace; without /proc, the host. Null: not
   * known.
   */
  readonly place: string | null;
  /** Name of the machine or container, for people. */
  readonly host: string;
}

/** The state of a process id on this machine. */
export type ProcessSight = { readonly kind: "gone" } | { readonly kind: "alive"; readonly started: string | null };

/** This process, for its lock file. */
export function thisProcess(): LockHolder {
  const { pid } = process;
  const stat = parseStat(readIfThere("/proc/self/stat"));
  return { pid, started: stat?.started ?? null, place: placeOf(), host: hostname() };
}

/** Checks a process id of this place. */
export function lookForProcess(pid: number): ProcessSight {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, under another user.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return { kind: "gone" };
  }
  // The /proc of another PID namespace (unshare without mounting it) shows another process under this id.
  const stat = procIsOurs() ? parseStat(readIfThere(`/proc/${pid}/stat`)) : undefined;
  // Z: a zombie, ended and not yet reaped.
  return stat?.state === "Z" ? { kind: "gone" } : { kind: "alive", started: stat?.started ?? null };
}

/**
 * The inverse of `JSON.stringify(holder)`; undefined for any other text, such as a file that is still being written.
 */
export function parseLockHolder(text: string): LockHolder | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null) return undefined;
  const { pid, started = null, place = null, host } = parsed as Record<string, unknown>;
  const isText = (value: unknown) => value === null || typeof value === "string";
  if (!Number.isSafeInteger(pid) || (pid as number) <= 0 || typeof host !== "string") return undefined;
  return isText(started) && isText(place) ? (parsed as LockHolder) : undefined;
}

function placeOf(): string | null {
  if (process.platform !== "linux") return `host ${hostname()}`;
  const boot = readIfThere("/proc/sys/kernel/random/boot_id").trim();
  const namespace = linkIfThere("/proc/self/ns/pid");
  return boot === "" || namespace === "" ? null : `${boot} ${namespace}`;
}

function procIsOurs(): boolean {
  return linkIfThere("/proc/self") === String(process.pid);
}

function parseStat(stat: string): { state: string; started: string } | undefined {
  // The second field, a name in parentheses, may contain blanks. State is the third field, start time the 22nd.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, started] = [fields[0], fields[19]];
  return state && started ? { state, started } : undefined;
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Not Linux, no /proc, hidden from this user, or a process that ended during the read: unknown in each case.
    return "";
  }
}

function linkIfThere(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
