import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { crc32 } from "node:zlib";

/** How a file is recognised whose name may have become another's. Stored with the position of every line. */
export interface FileIdentity {
  readonly inode: string;
  /** The number of first bytes that it covers, and their CRC-32: `1024:1c291ca3`. */
  readonly fingerprint: string;
}

const HEAD_BYTES = 1024;

/** The first bytes of a file. */
export async function readHead(handle: FileHandle): Promise<Buffer> {
  const head = Buffer.alloc(HEAD_BYTES);
  const { bytesRead } = await handle.read(head, 0, HEAD_BYTES, 0);
  return head.subarray(0, bytesRead);
}

/** Covers only bytes before `position`: later ones may not be written yet. */
export function fingerprintOf(head: Buffer, position: number): string {
  const covered = head.subarray(0, Math.min(position, HEAD_BYTES));
  return `${covered.length}:${crc32(covered).toString(16).padStart(8, "0")}`;
}

/** Whether a file that begins with `head` is the one with that fingerprint. */
export function hasFingerprint(head: Buffer, fingerprint: string): boolean {
  const covered = Number(fingerprint.split(":", 1)[0]);
  return covered <= head.length && fingerprintOf(head, covered) === fingerprint;
}

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
): Promise<FileHandle | undefined> {
  const folder = dirname(path);
  const candidates: { readonly path: string; readonly isRenamed: boolean; readonly changedMs: number }[] = [];
  for (const name of await readdir(folder)) {
    if (name === basename(path)) continue;
    const candidate = join(folder, name);
    const stats = await stat(candidate, { bigint: true }).catch(gone);
    if (!stats?.isFile() || stats.size < position) continue;
    const isRenamed = String(stats.ino) === identity.inode;
    if (isRenamed || name.startsWith(basename(path)))
      candidates.push({ path: candidate, isRenamed, changedMs: Number(stats.mtimeMs) });
  }
  candidates.sort((a, b) => Number(b.isRenamed) - Number(a.isRenamed) || b.changedMs - a.changedMs);
  for (const candidate of candidates) {
    const handle = await open(candidate.path, "r").catch(gone);
    if (!handle) continue;
    if (hasFingerprint(await readHead(handle), identity.fingerprint)) return handle;
    await handle.close();
  }
  return undefined;
}

/** A file that is rotated on, or that we may not read, is no candidate. */
function gone(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT" || error.code === "EACCES" || error.code === "EPERM" || error.code === "ELOOP") return;
  throw error;
}
