import { promisify } from "node:util";
import { crc32, deflateRaw, inflateRaw } from "node:zlib";
import { zstdCodec } from "../compression/optional-codecs.js";
import { compressSnappy, decompressSnappy } from "../compression/snappy-block.js";

/** The compression of an Avro file's blocks. */
export interface AvroCodec {
  /** As the file's metadata names it. */
  readonly name: string;
  compress(block: Buffer): Promise<Buffer>;
  /** Rejects when it is no such block. */
  decompress(block: Buffer): Promise<Buffer>;
}

const deflate = promisify(deflateRaw) as (bytes: Buffer) => Promise<Buffer>;
const inflate = promisify(inflateRaw) as (bytes: Buffer) => Promise<Buffer>;

/** @param name of avro.codec. @throws UnsupportedError when an optional package is missing. */
export function avroCodec(name: string): AvroCodec {
  switch (name) {
    case "deflate":
      return { name, compress: deflate, decompress: inflate };
    case "snappy":
      return { name, compress: async (block) => withCrc(block), decompress: async (block) => withoutCrc(block) };
    case "zstandard": {
      const { compress, decompress } = zstdCodec("avro.codec=zstandard");
      return { name, compress: async (block) => compress(block), decompress: async (block) => decompress(block) };
    }
    default:
      // The block's memory is used again.
      return { name: "null", compress: async (block) => Buffer.from(block), decompress: async (block) => block };
  }
}

/** Avro's snappy: the block, and the CRC-32 of its content. */
function withCrc(block: Buffer): Buffer {
  const crc = Buffer.allocUnsafe(4);
  crc.writeUInt32BE(crc32(block));
  return Buffer.concat([compressSnappy(block), crc]);
}

function withoutCrc(packed: Buffer): Buffer {
  const block = decompressSnappy(packed.subarray(0, -4));
  if (crc32(block) !== packed.readUInt32BE(packed.length - 4))
    throw new RangeError("a snappy block's checksum is wrong");
  return block;
}
