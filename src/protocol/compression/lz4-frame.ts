import { MalformedError } from "../malformed-error.js";

const MAGIC = 0x184d2204;
const UNCOMPRESSED_BIT = 0x80000000;
/** The most bytes LZ4 can expand one byte to. */
const MAX_RATIO = 255;

/**
 * Walks the blocks of an LZ4 frame without decompressing them, so that a small hostile frame cannot cause a large
 * buffer.
 * @throws MalformedError when the frame is cut off, is not LZ4, or may hold more than `maxBytes`.
 */
export function assertLz4FrameBounds(frame: Buffer, maxBytes: number): void {
  if (frame.length < 7 || frame.readUInt32LE(0) !== MAGIC) throw new MalformedError("Not an LZ4 frame");
  const flags = frame[4]!;
  const blockMaxBytes = 2 ** (8 + 2 * ((frame[5]! >> 4) & 0x07));
  const blockTail = flags & 0x10 ? 4 : 0;
  let at = 7 + (flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0);
  let boundBytes = 0;
  for (;;) {
    if (at + 4 > frame.length) throw new MalformedError(`An LZ4 frame is cut off at byte ${frame.length}`);
    const word = frame.readUInt32LE(at);
    if (word === 0) return;
    const blockBytes = word & ~UNCOMPRESSED_BIT;
    at += 4 + blockBytes + blockTail;
    if (at > frame.length) throw new MalformedError(`An LZ4 frame is cut off at byte ${frame.length}`);
    boundBytes += Math.min(blockMaxBytes, blockBytes * MAX_RATIO);
    if (boundBytes > maxBytes) throw new MalformedError(`An LZ4 frame may hold more than ${maxBytes} bytes`);
  }
}
