import { type FileHandle, open, rm } from "node:fs/promises";
import { type ChecksumAlgorithm, type Digester, digester } from "./s3-checksum.js";

/** The attributes kept beside the bytes of an object or part. */
export interface StoredAttributes {
  readonly key: string;
  readonly size: number;
  /** Without its quotes. */
  readonly etag: string;
  readonly lastModifiedMs: number;
  /** Standard headers to give back on GET, names in lower case: content-type and so on. */
  readonly headers: Readonly<Record<string, string>>;
  /** User metadata, names without `x-amz-meta-`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Base64, or `base64-parts` for a checksum of checksums. */
  readonly checksums: Readonly<Partial<Record<ChecksumAlgorithm, string>>>;
}

/** A body in a temporary file; the operation that received it renames it into place or discards it. */
export interface ReceivedBody {
  readonly path: string;
  readonly size: number;
  /** Raw digests of the body: MD5, and the requested ones. */
  readonly digests: ReadonlyMap<ChecksumAlgorithm | "md5", Buffer>;
}

/*
 * A file holds the bytes, the attributes as JSON, the length of that JSON, and a mark. One file means one rename: a
 * store that is killed at any moment has either the old object with its attributes or the new one with its own.
 */
const MARK = Buffer.from("S3FILE01");
const FOOTER_BYTES = 4 + MARK.length;

/** Writes a body to `path`, digesting it on the way; a body that fails half-way leaves no file. */
export async function receiveBody(
  path: string,
  chunks: AsyncIterable<Buffer>,
  algorithms: Iterable<ChecksumAlgorithm>,
): Promise<ReceivedBody> {
  const digesters = new Map<ChecksumAlgorithm | "md5", Digester>([["md5", digester("md5")]]);
  for (const algorithm of algorithms) digesters.set(algorithm, digester(algorithm));
  const file = await open(path, "wx");
  let size = 0;
  try {
    for await (const chunk of chunks) {
      for (const one of digesters.values()) one.update(chunk);
      await file.writev([chunk]);
      size += chunk.length;
    }
  } catch (error) {
    await file.close();
    await rm(path, { force: true });
    throw error;
  }
  await file.close();
  return { path, size, digests: new Map([...digesters].map(([name, one]) => [name, one.digest()])) };
}

/** Adds the attributes after the body. */
export async function sealFile(path: string, attributes: StoredAttributes): Promise<void> {
  const json = Buffer.from(JSON.stringify(attributes));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(json.length);
  const file = await open(path, "a");
  try {
    await file.writev([json, length, MARK]);
  } finally {
    await file.close();
  }
}

/** The attributes of a sealed file; undefined for any other, such as one half written when the store ended. */
export async function readAttributes(file: FileHandle): Promise<StoredAttributes | undefined> {
  const { size } = await file.stat();
  if (size < FOOTER_BYTES) return undefined;
  const footer = Buffer.alloc(FOOTER_BYTES);
  await file.read(footer, 0, FOOTER_BYTES, size - FOOTER_BYTES);
  if (!footer.subarray(4).equals(MARK)) return undefined;
  const json = Buffer.alloc(footer.readUInt32BE(0));
  await file.read(json, 0, json.length, size - FOOTER_BYTES - json.length);
  return JSON.parse(json.toString()) as StoredAttributes;
}

/** The body's bytes from `start` up to, not including, `end`, in chunks. Closes the file at the end. */
export async function* readBody(file: FileHandle, start: number, end: number): AsyncGenerator<Buffer> {
  try {
    for (let at = start; at < end; ) {
      const chunk = Buffer.allocUnsafe(Math.min(256 * 1024, end - at));
      const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
      if (bytesRead === 0) throw new Error("A stored object's file is shorter than its attributes say");
      yield chunk.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    await file.close();
  }
}
