import { Readable } from "node:stream";
import { ConflictError } from "../../../src/api/index.js";
import { ForeignObjectError, type Format } from "../formats/format.js";
import type { ExistingRows } from "../formats/row-digest.js";
import type { ObjectStoreClient } from "../store/object-store-client.js";
import { ExpectedFailure, type StoreCalls } from "../store/store-calls.js";

const READ_TIMEOUT_MS = 300_000;

/**
 * Reads an object once to find out which rows it holds; undefined when there is none of that key.
 *
 * @param beginning the length of its beginning to digest, too.
 * @param abandoned ends the request.
 * @throws ConflictError when it is not in the form this sink writes; otherwise as StoreCalls.run.
 */
export async function digestObject(
  calls: StoreCalls,
  client: ObjectStoreClient,
  key: string,
  format: Format,
  beginning: number,
  abandoned: AbortSignal,
): Promise<ExistingRows | undefined> {
  const digest = await calls.run({
    doing: `reading object ${key}`,
    timeoutMs: READ_TIMEOUT_MS,
    abandoned,
    run: async (signal) => {
      const bytes = await client.getObject(key, signal);
      return bytes && digestBytes(bytes, format, key, beginning, signal);
    },
  });
  if (digest instanceof ExpectedFailure) throw digest.cause;
  if (digest instanceof ConflictError) throw digest;
  return digest;
}

async function digestBytes(
  bytes: AsyncIterable<Buffer>,
  format: Format,
  key: string,
  beginning: number,
  signal: AbortSignal,
): Promise<ExistingRows | ConflictError> {
  const source = Readable.from(bytes, { objectMode: false, signal });
  try {
    return await format.digest(source, beginning);
  } catch (cause) {
    if (!(cause instanceof ForeignObjectError)) throw cause;
    // Not retriable: the object will not change.
    return new ConflictError(
      "S3_OBJECT_CONFLICT",
      `Object ${key} exists and is not a ${cause.form} that this sink wrote. Move or delete it, or choose another topics.dir.`,
      { cause },
    );
  } finally {
    source.destroy();
  }
}
