import { MalformedError } from "../malformed-error.js";

/** Start of the framing that Java's producer puts around snappy blocks. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;

/**
 * Decompresses snappy: either Java's framed blocks, or a single raw block as librdkafka writes it.
 * @throws MalformedError for damaged bytes, and for more than `maxBytes`.
 */
export function decompressSnappy(compressed: Buffer, maxBytes: number): Buffer {
  if (!compressed.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return decompressBlock(compressed, maxBytes);
  const blocks: Buffer[] = [];
  let total = 0;
  for (let at = XERIAL_HEADER_BYTES; at < compressed.length; ) {
    const size = at + 4 <= compressed.length ? compressed.readInt32BE(at) : -1;
    if (size < 0 || size > compressed.length - at - 4) throw new MalformedError("A snappy block is cut off");
    const block = decompressBlock(compressed.subarray(at + 4, at + 4 + size), maxBytes - total);
    total += block.length;
    blocks.push(block);
    at += 4 + size;
  }
  return blocks.length === 1 ? blocks[0]! : Buffer.concat(blocks, total);
}

function decompressBlock(input: Buffer, maxBytes: number): Buffer {
  let at = 0;
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = input[at++];
    if (byte === undefined || shift > 28) throw new MalformedError("A snappy block has no length");
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  // A snappy element yields at most 64 bytes from 2.
  if (length > maxBytes || length > input.length * 64)
    throw new MalformedError(`A snappy block claims ${length} bytes`);
  const output = Buffer.allocUnsafe(length);
  const written = expand(input, at, output);
  if (written !== length) throw new MalformedError(`A snappy block holds ${written} of ${length} bytes`);
  return output;
}

/** Runs the elements of a block; returns the bytes written. */
function expand(input: Buffer, start: number, output: Buffer): number {
  let at = start;
  let to = 0;
  while (at < input.length) {
    const tag = input[at++]!;
    if ((tag & 3) === 0) {
      const extra = Math.max(0, (tag >> 2) - 59);
      if (extra > input.length - at) throw new MalformedError("A snappy literal is cut off");
      const length = (extra === 0 ? tag >> 2 : input.readUIntLE(at, extra)) + 1;
      at += extra;
      if (length > input.length - at || length > output.length - to)
        throw new MalformedError("A snappy literal is too long");
      input.copy(output, to, at, at + length);
      at += length;
      to += length;
      continue;
    }
    const copy = readCopy(input, at, tag);
    at = copy.next;
    if (copy.distance === 0 || copy.distance > to || copy.length > output.length - to) {
      throw new MalformedError("A snappy copy points outside its block");
    }
    // Byte by byte: where source and target overlap, the copied bytes repeat.
    for (let left = copy.length; left > 0; left--, to++) output[to] = output[to - copy.distance]!;
  }
  return to;
}

function readCopy(input: Buffer, at: number, tag: number): { length: number; distance: number; next: number } {
  const kind = tag & 3;
  const size = kind === 3 ? 4 : kind;
  if (size > input.length - at) throw new MalformedError("A snappy copy is cut off");
  if (kind === 1) return { length: ((tag >> 2) & 7) + 4, distance: ((tag >> 5) << 8) | input[at]!, next: at + 1 };
  return { length: (tag >> 2) + 1, distance: input.readUIntLE(at, size), next: at + size };
}
