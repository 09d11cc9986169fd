import { Readable } from "node:stream";
import { crc32, createGunzip } from "node:zlib";
import { ConflictError } from "../../../src/api/index.js";
import type { ObjectStoreClient } from "../store/object-store-client.js";
import { ExpectedFailure, type StoreCalls } from "../store/store-calls.js";

/** Rows as bytes, uncompressed: their number and CRC-32. Two runs of rows with the same digest count as the same. */
export interface RowDigest {
  readonly length: number;
  readonly crc32: number;
}

export function sameRows(a: RowDigest, b: RowDigest): boolean {
  return a.length === b.length && a.crc32 === b.crc32;
}

export const NO_ROWS: RowDigest = { length: 0, crc32: 0 };

/** The digest after one more row. */
export function withRow(digest: RowDigest, row: Buffer): RowDigest {
  return { length: digest.length + row.length, crc32: crc32(row, digest.crc32) };
}

/** Unlike `pipe` alone, hands an error of the source to the reader: without a listener it ends the process. */
export function gunzipped(source: Readable): Readable {
  const gunzip = createGunzip();
  source.once("error", (error) => gunzip.destroy(error));
  return source.pipe(gunzip);
}

const READ_TIMEOUT_MS = 300_000;

/** An object's rows, and its first ones up to a length that was asked for (all of them if it is shorter). */
export interface ExistingRows extends RowDigest {
  readonly beginning: RowDigest;
}

/** Digests rows that arrive in pieces, and their first `length` bytes. */
export class RowsSoFar {
  all: RowDigest = NO_ROWS;
  beginning: RowDigest = NO_ROWS;

  constructor(private readonly length: number) {}

  add(piece: Buffer): void {
    const left = this.length - this.all.length;
    if (left > 0) this.beginning = withRow(this.beginning, left < piece.length ? piece.subarray(0, left) : piece);
    this.all = withRow(this.all, piece);
  }
}

/**
 * Reads an object once to find out which rows it holds; undefined when there is none of that key.
 *
 * @param gzip whether objects of this sink are compressed.
 * @param beginning the length of its beginning to digest, too.
 * @param abandoned ends the request.
 * @throws ConflictError when it is not in the form this sink writes; otherwise as StoreCalls.run.
 */
export async function digestObject(
  calls: StoreCalls,
  client: ObjectStoreClient,
  key: string,
  gzip: boolean,
  beginning: number,
  abandoned: AbortSignal,
): Promise<ExistingRows | undefined> {
  const digest = await calls.run({
    doing: `reading object ${key}`,
    timeoutMs: READ_TIMEOUT_MS,
    abandoned,
    run: async (signal) => {
      const bytes = await client.getObject(key, signal);
      return bytes && digestBytes(bytes, gzip, key, beginning, signal);
    },
  });
  if (digest instanceof ExpectedFailure) throw digest.cause;
  if (digest instanceof ConflictError) throw digest;
  return digest;
}

async function digestBytes(
  bytes: AsyncIterable<Buffer>,
  gzip: boolean,
  key: string,
  beginning: number,
  signal: AbortSignal,
): Promise<ExistingRows | ConflictError> {
  const rows = new RowsSoFar(beginning);
  const source = Readable.from(bytes, { objectMode: false, signal });
  try {
    if (!gzip) {
      for await (const piece of source) rows.add(piece as Buffer);
      return { ...rows.all, beginning: rows.beginning };
    }
    for await (const piece of gunzipped(source)) rows.add(piece as Buffer);
    return { ...rows.all, beginning: rows.beginning };
  } catch (cause) {
    if (!String((cause as { code?: unknown }).code).startsWith("Z_")) throw cause;
    // Not retriable: the object will not change.
    return new ConflictError(
      "S3_OBJECT_CONFLICT",
      `Object ${key} exists and is not a gzip file that this sink wrote. Move or delete it, or choose another topics.dir.`,
      { cause },
    );
  } finally {
    source.destroy();
  }
}
