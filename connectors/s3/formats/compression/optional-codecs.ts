import { createRequire } from "node:module";
import zlib from "node:zlib";
import { UnsupportedError } from "../../../../src/api/index.js";

const require = createRequire(import.meta.url);

/** A codec of one piece of bytes at a time. */
export interface BlockCodec {
  compress(bytes: Buffer): Buffer;
  decompress(bytes: Buffer): Buffer;
}

interface NodeZstd {
  zstdCompressSync(bytes: Buffer): Buffer;
  zstdDecompressSync(bytes: Buffer): Buffer;
}

interface ZstdPackage {
  readonly Encoder: new (level: number) => { encodeSync(bytes: Buffer): Buffer };
  readonly Decoder: new () => { decodeSync(bytes: Buffer): Buffer };
}

interface Lz4Package {
  /** A raw block, behind its length as 4 bytes, little-endian. */
  compressSync(bytes: Buffer): Buffer;
}

const ZSTD_LEVEL = 3;

/** @throws UnsupportedError when neither Node nor the optional package has zstd. */
export function zstdCodec(key: string): BlockCodec {
  const { zstdCompressSync, zstdDecompressSync } = zlib as unknown as Partial<NodeZstd>;
  if (zstdCompressSync && zstdDecompressSync)
    return { compress: (bytes) => zstdCompressSync(bytes), decompress: (bytes) => zstdDecompressSync(bytes) };
  const found = optional<ZstdPackage>(key, "zstd", "@toondepauw/node-zstd");
  return {
    compress: (bytes) => new found.Encoder(ZSTD_LEVEL).encodeSync(bytes),
    decompress: (bytes) => new found.Decoder().decodeSync(bytes),
  };
}

/** Raw lz4 blocks. @throws UnsupportedError when the optional package is missing. */
export function lz4Compressor(key: string): (bytes: Buffer) => Buffer {
  const { compressSync } = optional<Lz4Package>(key, "lz4", "lz4-napi");
  return (bytes) => compressSync(bytes).subarray(4);
}

function optional<T>(key: string, codec: string, name: string): T {
  try {
    return require(name) as T;
  } catch (cause) {
    throw new UnsupportedError(
      "S3_CODEC_MISSING",
      `${key}: ${codec} needs the optional package ${name}, which is not installed: run npm install ${name}, or set another codec.`,
      { cause },
    );
  }
}
