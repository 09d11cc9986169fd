/** The header Java's producer writes before its blocks: magic, version 1, oldest compatible version 1. */
const XERIAL_HEADER = Buffer.from("82534e41505059000000000100000001", "hex");
/** Bytes in one block, as in Java's producer. Positions inside a block fit 16 bits. */
const BLOCK_BYTES = 32 * 1024;
const TABLE_BITS = 14;
const MIN_MATCH_BYTES = 4;
const MAX_COPY_BYTES = 64;

/** The last position in the block of four bytes with this hash. */
const table = new Uint16Array(1 << TABLE_BITS);

/** Compresses into Java's framing of snappy blocks, which every Kafka client reads. */
export function compressSnappy(input: Buffer): Buffer {
  const blocks = Math.ceil(input.length / BLOCK_BYTES);
  const output = Buffer.allocUnsafe(XERIAL_HEADER.length + blocks * (4 + compressedBound(BLOCK_BYTES)));
  let at = XERIAL_HEADER.copy(output);
  for (let from = 0; from < input.length; from += BLOCK_BYTES) {
    const end = writeBlock(input.subarray(from, from + BLOCK_BYTES), output, at + 4);
    output.writeInt32BE(end - at - 4, at);
    at = end;
  }
  return output.subarray(0, at);
}

/** The most bytes a block can take. Incompressible bytes grow by one in 60 at worst, and their length precedes them. */
function compressedBound(bytes: number): number {
  return 32 + bytes + Math.ceil(bytes / 6);
}

/** Writes one raw block; returns the position after it. */
function writeBlock(input: Buffer, output: Buffer, start: number): number {
  const view = new DataView(input.buffer, input.byteOffset, input.length);
  const last = input.length - MIN_MATCH_BYTES;
  table.fill(0);
  let at = writeLength(output, start, input.length);
  let literal = 0;
  // The longer nothing has matched, the larger the steps: incompressible data is skipped quickly.
  let misses = 32;
  for (let position = 1; position <= last; ) {
    const word = view.getUint32(position, true);
    const slot = Math.imul(word, 0x1e35a7bd) >>> (32 - TABLE_BITS);
    const candidate = table[slot]!;
    table[slot] = position;
    if (view.getUint32(candidate, true) !== word) {
      position += misses++ >>> 5;
      continue;
    }
    let end = position + MIN_MATCH_BYTES;
    const distance = position - candidate;
    while (end < input.length && input[end] === input[end - distance]) end++;
    at = writeLiteral(input, literal, position, output, at);
    at = writeCopy(output, at, distance, end - position);
    position = end;
    literal = end;
    misses = 32;
  }
  return writeLiteral(input, literal, input.length, output, at);
}

function writeLength(output: Buffer, start: number, length: number): number {
  let at = start;
  let rest = length;
  for (; rest >= 0x80; rest >>>= 7) output[at++] = (rest & 0x7f) | 0x80;
  output[at++] = rest;
  return at;
}

function writeLiteral(input: Buffer, from: number, to: number, output: Buffer, start: number): number {
  const length = to - from;
  if (length === 0) return start;
  let at = start;
  const field = length - 1;
  if (field < 60) output[at++] = field << 2;
  else if (field < 0x100) {
    output[at++] = 60 << 2;
    output[at++] = field;
  } else {
    output[at++] = 61 << 2;
    at = output.writeUInt16LE(field, at);
  }
  return at + input.copy(output, at, from, to);
}

function writeCopy(output: Buffer, start: number, distance: number, length: number): number {
  let at = start;
  for (let left = length; left > 0; ) {
    const part = Math.min(left, MAX_COPY_BYTES);
    if (part >= 4 && part < 12 && distance < 0x800) {
      output[at++] = ((distance >> 8) << 5) | ((part - 4) << 2) | 1;
      output[at++] = distance & 0xff;
    } else {
      output[at++] = ((part - 1) << 2) | 2;
      at = output.writeUInt16LE(distance, at);
    }
    left -= part;
  }
  return at;
}
