import { ForeignObjectError, type PackedRows } from "../format.js";
import type { ExistingRows } from "../row-digest.js";

/** The key of the footer's metadata that tells which records the file holds: its rows cannot be read back as they were. */
export const FACTS_KEY = "millrace.rows";
/** The metadata stands at the end of the footer, behind its row groups. */
const TAIL_BYTES = 64 * 1024;
const MAGIC = "PAR1";

/** What a file tells about its records. */
export function factsText({ facts, all, first }: PackedRows): string {
  const { startOffset, endOffset, count } = facts;
  return JSON.stringify({
    startOffset,
    endOffset,
    count,
    length: all.length,
    crc32: all.crc32,
    firstLength: first.length,
    firstCrc32: first.crc32,
  });
}

/**
 * The digest of a file's rows, by its footer.
 *
 * @param beginning the length of its beginning: only the first row's and the whole one are known.
 * @throws ForeignObjectError when it is no Parquet file of ours; otherwise as `object`.
 */
export async function digestParquetFile(object: AsyncIterable<Buffer>, beginning: number): Promise<ExistingRows> {
  let tail = Buffer.alloc(0);
  for await (const piece of object) tail = Buffer.concat([tail, piece]).subarray(-TAIL_BYTES);
  const at = tail.lastIndexOf(FACTS_KEY);
  const [text] = at < 0 ? [] : (/\{[^{}]*\}/.exec(tail.toString("latin1", at)) ?? []);
  if (text === undefined || tail.toString("latin1", tail.length - MAGIC.length) !== MAGIC)
    throw new ForeignObjectError("complete Parquet file");
  const { length, crc32, firstLength, firstCrc32 } = JSON.parse(text) as Record<string, number>;
  const all = { length: length!, crc32: crc32! };
  const first = { length: firstLength!, crc32: firstCrc32! };
  return { ...all, beginning: beginning >= all.length ? all : first };
}
