import type { BigIntStats } from "node:fs";
import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type FileIdentity, hasFingerprint, readHead } from "./file-identity.js";

interface Sibling {
  readonly name: string;
  readonly stats: BigIntStats;
}

/** Told of what is not read, as a clause after the file's path. */
type Warn = (event: string) => void;

/**
 * Finds the file that was read under `path` until it was rotated: renamed, or copied and cut short. A copy must have a
 * name that begins with the path's own, because other files may begin with the same line.
 *
 * @param position bytes that the file has at least.
 * @returns an open file, or undefined.
 */
export async function openRotated(
  path: string,
  identity: FileIdentity,
  position: number,
  warn: Warn,
): Promise<FileHandle | undefined> {
  const isRenamed = ({ stats }: Sibling) => String(stats.ino) === identity.inode;
  const candidates = (await siblingsOf(path, warn)).filter(
    (file) => file.stats.size >= position && (isRenamed(file) || file.name.startsWith(basename(path))),
  );
  candidates.sort(
    (a, b) => Number(isRenamed(b)) - Number(isRenamed(a)) || Number(b.stats.mtimeMs) - Number(a.stats.mtimeMs),
  );
  for (const { name } of candidates) {
    const handle = await open(join(dirname(path), name), "r").catch(unreadable);
    if (!handle) continue;
    if (hasFingerprint(await readHead(handle), identity.fingerprint)) return handle;
    await handle.close();
  }
  return undefined;
}

/** Behind the path's name: a number or a date, as of `app.log.1` and `app.log-20261130`. */
const ROTATION = /^[-._]?\d[\dTZ:_.+-]*$/;
const COMPRESSED = /\.(gz|bz2|xz|zst|lz4|lzma|zip|Z)$/;

/**
 * Finds the file to read after another when several were rotated meanwhile: the oldest that was written after it.
 * Compressed ones are passed over with a warning.
 *
 * @param read the file that is read to its end. It is not under `path` any more.
 * @returns an open file; undefined when the next is the one under `path`; "moving" when it was renamed just now.
 */
export async function openNextRotated(
  path: string,
  read: BigIntStats,
  warn: Warn,
): Promise<{ readonly name: string; readonly handle: FileHandle } | "moving" | undefined> {
  const rotated = await rotationsOf(path, warn);
  const ours = rotated.find(({ stats }) => isSame(stats, read));
  const later = rotated.filter((file) =>
    ours ? file !== ours && byAge(file, ours) > 0 : file.stats.mtimeNs > read.mtimeNs,
  );
  const skipped: string[] = [];
  let found: { readonly name: string; readonly handle: FileHandle } | undefined;
  for (const { name, stats } of later) {
    if (COMPRESSED.test(name)) {
      // One that is as old as the file that was read is its copy.
      if (stats.mtimeNs > read.mtimeNs) skipped.push(`${name}, which is compressed`);
      continue;
    }
    const handle = await open(join(dirname(path), name), "r").catch(unreadable);
    if (handle && isSame(await handle.stat({ bigint: true }), stats)) {
      found = { name, handle };
      break;
    }
    await handle?.close();
    skipped.push(`${name}, which may not be read`);
  }
  // A file that is renamed while they are listed may be missing in the list.
  const again = await rotationsOf(path, () => undefined);
  if (placesOf(again) !== placesOf(rotated)) {
    await found?.handle.close();
    return "moving";
  }
  for (const file of skipped) warn(`was rotated to ${file}: its lines are skipped`);
  return found;
}

/** The files that bear the path's name with a number or a date, the oldest first. */
async function rotationsOf(path: string, warn: Warn): Promise<Sibling[]> {
  const own = basename(path);
  const siblings = await siblingsOf(path, warn);
  return siblings
    .filter(({ name }) => name.startsWith(own) && ROTATION.test(name.slice(own.length).replace(COMPRESSED, "")))
    .sort(byAge);
}

function placesOf(files: readonly Sibling[]): string {
  const places = files.map(({ name, stats }) => `${name} ${stats.dev} ${stats.ino}`);
  return places.sort().join("\n");
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.ino === b.ino && a.dev === b.dev;
}

/** The oldest first. A clock may be too coarse to tell: then `app.log.2` is older than `app.log.1`, dates go by name. */
function byAge(a: Sibling, b: Sibling): number {
  if (a.stats.mtimeNs !== b.stats.mtimeNs) return a.stats.mtimeNs < b.stats.mtimeNs ? -1 : 1;
  const [numberA, numberB] = [numberOf(a.name), numberOf(b.name)];
  if (numberA !== undefined && numberB !== undefined) return numberB - numberA;
  return a.name < b.name ? -1 : 1;
}

function numberOf(name: string): number | undefined {
  const digits = /\.(\d{1,4})$/.exec(name.replace(COMPRESSED, ""))?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The regular files in the folder of `path`, but not its own. */
async function siblingsOf(path: string, warn: Warn): Promise<Sibling[]> {
  const folder = dirname(path);
  let names: readonly string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EACCES" && code !== "EPERM") throw error;
    warn(
      `was rotated, but folder ${folder} cannot be listed without the permission to read it: what was written before is not found`,
    );
    return [];
  }
  const siblings: Sibling[] = [];
  for (const name of names) {
    if (name === basename(path)) continue;
    const stats = await stat(join(folder, name), { bigint: true }).catch(unreadable);
    if (stats?.isFile()) siblings.push({ name, stats });
  }
  return siblings;
}

/** A file that is rotated on, or that we may not read, is no candidate. */
export function unreadable(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT" || error.code === "EACCES" || error.code === "EPERM" || error.code === "ELOOP") return;
  throw error;
}
