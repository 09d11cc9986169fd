import { Readable } from "node:stream";
import { promisify } from "node:util";
import { createGunzip, deflateRaw, constants as zlib } from "node:zlib";
import { ForeignObjectError, type PackedRows, type Packer } from "./format.js";
import { type ExistingRows, RowsSoFar } from "./row-digest.js";

const deflate = promisify(deflateRaw) as (
  bytes: Buffer,
  options: { readonly level: number; readonly finishFlush: number },
) => Promise<Buffer>;

// ID, deflate, no flags, no time, no extra flags, unknown system: equal rows always compress to equal bytes.
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
/** An empty final block. */
const LAST_BLOCK = Buffer.from([3, 0]);

/**
 * Turns rows into one gzip member. Blocks of 64 KiB are deflated beside the task's thread and do not refer back to each
 * other, so there is no compressor per open file.
 */
export class GzipPacker implements Packer {
  readonly blockBytes = 64 * 1024;
  readonly hasWholeRows = false;

  /** @param level zlib's. */
  constructor(private readonly level: number) {}

  begin(): Buffer {
    return HEADER;
  }

  async block(read: () => Promise<Buffer>): Promise<Buffer> {
    return deflate(await read(), { level: this.level, finishFlush: zlib.Z_SYNC_FLUSH });
  }

  end({ all }: PackedRows): Buffer {
    const trailer = Buffer.allocUnsafe(8);
    trailer.writeUInt32LE(all.crc32, 0);
    trailer.writeUInt32LE(all.length % 2 ** 32, 4);
    return Buffer.concat([LAST_BLOCK, trailer]);
  }
}

/**
 * Digests rows that are an object's bytes, or their gzip.
 *
 * @throws ForeignObjectError when it is no gzip; otherwise as `object`.
 */
export async function digestRows(
  object: AsyncIterable<Buffer>,
  beginning: number,
  isGzip: boolean,
): Promise<ExistingRows> {
  const rows = new RowsSoFar(beginning);
  if (!isGzip) {
    for await (const piece of object) rows.add(piece);
    return rows;
  }
  const source = Readable.from(object, { objectMode: false });
  try {
    for await (const piece of gunzipped(source)) rows.add(piece as Buffer);
    return rows;
  } catch (cause) {
    if (!String((cause as { code?: unknown }).code).startsWith("Z_")) throw cause;
    throw new ForeignObjectError("gzip file", { cause });
  } finally {
    source.destroy();
  }
}

/** Unlike `pipe` alone, hands an error of the source to the reader: without a listener it ends the process. */
function gunzipped(source: Readable): Readable {
  const gunzip = createGunzip();
  source.once("error", (error) => gunzip.destroy(error));
  return source.pipe(gunzip);
}
