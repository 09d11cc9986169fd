import { MalformedError } from "../malformed-error.js";

const MAGIC = 0xfd2fb528;
/** The upper 28 bits of the sixteen magics of frames without content. */
const SKIPPABLE_MAGIC = 0x184d2a5;
const MAX_BLOCK_BYTES = 128 * 1024;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
const BLOCK_TYPES = ["raw", "rle", "compressed"] as const;

/** One frame of zstd: its bytes, and the most it can decompress to. */
export interface ZstdFrame {
  readonly bytes: Buffer;
  readonly maxContentBytes: number;
}

/**
 * Splits zstd data into its frames (RFC 8878, 3.1) by walking their blocks without decompressing them; frames without
 * content are left out. This keeps a small hostile frame from causing a large buffer, and refuses a frame that is cut
 * off: Node's zlib would return the part it has read, and ignore a second frame.
 *
 * A compressed block counts as the most it may hold, at most 128 KiB. Producers fill their blocks, so real batches stay
 * far below the limit.
 *
 * @throws MalformedError when a frame is cut off or not zstd, or when all together may hold more than `maxBytes`.
 */
export function zstdFrames(compressed: Buffer, maxBytes: number): ZstdFrame[] {
  const frames: ZstdFrame[] = [];
  let leftBytes = maxBytes;
  for (let at = 0; at < compressed.length; ) {
    const magic = new Walk(compressed, at).uint(4);
    const isSkippable = magic >>> 4 === SKIPPABLE_MAGIC;
    if (!isSkippable && magic !== MAGIC) throw new MalformedError("Not a zstd frame");
    const walk = new Walk(compressed, at + 4);
    if (isSkippable) walk.skip(walk.uint(4));
    else {
      const maxContentBytes = walkFrame(walk, leftBytes);
      leftBytes -= maxContentBytes;
      frames.push({ bytes: compressed.subarray(at, walk.at), maxContentBytes });
    }
    at = walk.at;
  }
  if (frames.length === 0) throw new MalformedError("No zstd frame");
  return frames;
}

/** Walks one frame from after its magic to its end; returns the most bytes it can decompress to. */
function walkFrame(walk: Walk, maxBytes: number): number {
  const descriptor = walk.uint(1);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const windowBytes = isSingleSegment ? MAX_BLOCK_BYTES : windowSize(walk.uint(1));
  const blockMaxBytes = Math.min(windowBytes, MAX_BLOCK_BYTES);
  walk.skip(DICTIONARY_ID_BYTES[descriptor & 0x03]!);
  walk.skip(CONTENT_SIZE_BYTES[descriptor >> 6]! || (isSingleSegment ? 1 : 0));
  let contentBytes = 0;
  for (let isLast = false; !isLast; ) {
    const header = walk.uint(3);
    isLast = (header & 1) === 1;
    const type = BLOCK_TYPES[(header >> 1) & 3];
    const size = header >> 3;
    if (type === undefined) throw new MalformedError("A zstd block is of no known type");
    walk.skip(type === "rle" ? 1 : size);
    contentBytes += type === "compressed" ? blockMaxBytes : size;
    if (contentBytes > maxBytes) throw new MalformedError("A zstd frame may hold more than a record batch can");
  }
  if (descriptor & 0x04) walk.skip(4); // checksum
  return contentBytes;
}

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

class Walk {
  constructor(
    private readonly bytes: Buffer,
    public at: number,
  ) {}

  uint(width: number): number {
    this.skip(width);
    return this.bytes.readUIntLE(this.at - width, width);
  }

  skip(count: number): void {
    this.at += count;
    if (this.at > this.bytes.length) {
      throw new MalformedError(`A zstd frame is cut off at byte ${this.bytes.length}`);
    }
  }
}
