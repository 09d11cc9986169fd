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
