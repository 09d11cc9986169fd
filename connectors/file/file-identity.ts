import type { FileHandle } from "node:fs/promises";
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
