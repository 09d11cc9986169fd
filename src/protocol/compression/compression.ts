import { gunzipSync, gzipSync } from "node:zlib";
import { KafkaError } from "../kafka-error.js";
import { MalformedError } from "../malformed-error.js";
import { loadOptional } from "../optional-package.js";
import { assertLz4FrameBounds } from "./lz4-frame.js";
import { decompressSnappy } from "./snappy-reader.js";
import { compressSnappy } from "./snappy-writer.js";
import { compressZstd, decompressZstd, requireZstd } from "./zstd.js";

/** Codecs by their number in a batch's attributes, named as in `compression.type`. */
export const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
export type Codec = (typeof CODECS)[number];

/** The compression of record batches. */
export interface Compression {
  readonly codec: Codec;
  /** For gzip (-1, or 1 to 9) and zstd (-131072 to 22); the codec's default when absent. The others have one level. */
  readonly level?: number | undefined;
}

/** The most one batch may decompress to. Batches are about 1 MiB; more than this is an attack or a bug. */
const MAX_DECOMPRESSED_BYTES = 256 * 1024 * 1024;

interface Lz4 {
  compressFrameSync(data: Buffer): Buffer;
  decompressFrameSync(data: Buffer): Buffer;
}

const lz4 = loadOptional<Lz4>("lz4-napi");

/** The number of a codec in a batch's attributes. */
export function codecNumber(codec: Codec): number {
  return CODECS.indexOf(codec);
}

/** @throws KafkaError UNSUPPORTED_COMPRESSION_TYPE, naming the package to install, if `codec` cannot be used here. */
export function requireCodec(codec: Codec): void {
  if (codec === "lz4") lz4Package();
  if (codec === "zstd") requireZstd();
}

/**
 * Compresses the records of a batch.
 * @throws KafkaError UNSUPPORTED_COMPRESSION_TYPE when the codec's package is missing.
 */
export function compress({ codec, level }: Compression, records: Buffer): Buffer {
  switch (codec) {
    case "none":
      return records;
    case "gzip":
      return gzipSync(records, level === undefined ? {} : { level });
    case "snappy":
      return compressSnappy(records);
    case "lz4":
      return lz4Package().compressFrameSync(records);
    case "zstd":
      return compressZstd(records, level);
  }
}

/**
 * Decompresses the records of a batch.
 * @param codec the number in the batch's attributes.
 * @throws KafkaError UNSUPPORTED_COMPRESSION_TYPE for unknown codecs, and for lz4 and zstd without their packages.
 * @throws MalformedError for damaged bytes, and for a result of more than 256 MiB.
 */
export function decompress(codec: number, compressed: Buffer): Buffer {
  switch (CODECS[codec]) {
    case "none":
      return compressed;
    case "gzip":
      return orMalformed("gzip", () => gunzipSync(compressed, { maxOutputLength: MAX_DECOMPRESSED_BYTES }));
    case "snappy":
      return decompressSnappy(compressed, MAX_DECOMPRESSED_BYTES);
    case "lz4": {
      const { decompressFrameSync } = lz4Package();
      assertLz4FrameBounds(compressed, MAX_DECOMPRESSED_BYTES);
      return orMalformed("lz4", () => decompressFrameSync(compressed));
    }
    case "zstd":
      requireZstd();
      return orMalformed("zstd", () => decompressZstd(compressed, MAX_DECOMPRESSED_BYTES));
    default:
      throw new KafkaError("UNSUPPORTED_COMPRESSION_TYPE", "Decompressing a record batch", {
        detail: `codec ${codec} is not known; ${CODECS.join(", ")} can be read`,
      });
  }
}

function orMalformed(codec: Codec, run: () => Buffer): Buffer {
  try {
    return run();
  } catch (cause) {
    if (cause instanceof MalformedError) throw cause;
    throw new MalformedError(`it cannot be decompressed with ${codec}: ${(cause as Error).message}`, { cause });
  }
}

function lz4Package(): Lz4 {
  if (lz4.found) return lz4.found;
  throw new KafkaError("UNSUPPORTED_COMPRESSION_TYPE", "Using compression lz4", {
    detail:
      "the optional package lz4-napi is not installed: run npm install lz4-napi, or have producers use another compression.type",
    cause: lz4.missing,
  });
}
