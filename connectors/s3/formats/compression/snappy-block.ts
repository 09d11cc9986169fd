import { snappyCompress } from "hyparquet-writer/src/snappy.js";

/** One raw snappy block, without a frame. */
export function compressSnappy(bytes: Buffer): Buffer {
  const packed = snappyCompress(bytes);
  return Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
}

/** @throws RangeError when it is no snappy block. */
export function decompressSnappy(packed: Buffer): Buffer {
  let at = 0;
  const next = () => {
    if (at >= packed.length) throw new RangeError("a snappy block is cut off");
    return packed[at++]!;
  };
  const littleEndian = (count: number) => {
    let value = 0;
    for (let i = 0; i < count; i++) value += next() * 2 ** (8 * i);
    return value;
  };
  let length = 0;
  for (let shift = 0, more = true; more; shift += 7) {
    const byte = next();
    length += (byte & 0x7f) * 2 ** shift;
    more = byte >= 0x80;
  }
  // A copy of three bytes makes at most 64: more than that is no snappy block.
  if (length > packed.length * 64) throw new RangeError("a snappy block is too short for its length");
  const out = Buffer.allocUnsafe(length);
  let filled = 0;
  while (at < packed.length) {
    const tag = next();
    const kind = tag & 3;
    if (kind === 0) {
      const short = tag >> 2;
      const count = (short < 60 ? short : littleEndian(short - 59)) + 1;
      if (at + count > packed.length || filled + count > length) throw new RangeError("a snappy literal is too long");
      packed.copy(out, filled, at, at + count);
      at += count;
      filled += count;
      continue;
    }
    const count = kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
    const offset = kind === 1 ? (tag >> 5) * 256 + next() : littleEndian(kind === 2 ? 2 : 4);
    if (offset === 0 || offset > filled || filled + count > length)
      throw new RangeError("a snappy copy is out of range");
    // It may overlap its own output.
    for (let i = 0; i < count; i++, filled++) out[filled] = out[filled - offset]!;
  }
  if (filled !== length) throw new RangeError("a snappy block is cut off");
  return out;
}
