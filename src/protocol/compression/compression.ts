import { constants, gunzipSync, gzipSync } from "node:zlib";
import { KafkaError } from "../kafka-error.js";
import { MalformedError } from "../malformed-error.js";
import { loadOptional } from "../optional-package.js";
import { assertLz4FrameBounds } from "./lz4-frame.js";
import { decompressSnappy } from "./snappy.js";

/** Codecs by their number in a batch's attributes. */
const CODEC_NAMES = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
/** Codecs that can be written. */
export type WritableCodec = "none" | "gzip" | "lz4";

const CODEC_NUMBERS: Readonly<Record<WritableCodec, number>> = { none: 0, gzip: 1, lz4: 3 };
/** What one batch may decompress to. Batches are about 1 MiB; more than this is an attack or a bug. */
const MAX_DECOMPRESSED_BYTES = 256 * 1024 * 1024;

interface Lz4 {
  compressFrameSync(data: Buffer): Buffer;
  decompressFrameSync(data: Buffer): Buffer;
}

const lz4 = loadOptional<Lz4>("lz4-napi");

/** The number of a codec in a batch's attributes. */
export function codecNumber(codec: WritableCodec): number {
  return CODEC_NUMBERS[codec];
}

/** Throws now if `codec` cannot be used here. @throws KafkaError UNSUPPORTED_COMPRESSION_TYPE naming the package to install. */
export function requireCodec(codec: WritableCodec): void {
  if (codec === "lz4") lz4Package();
}

/** Compresses the records of a batch. @throws KafkaError UNSUPPORTED_COMPRESSION_TYPE when lz4's package is missing. */
export function compress(codec: WritableCodec, records: Buffer): Buffer {
  switch (codec) {
    case "none":
      return records;
    case "gzip":
      return gzipSync(records, { level: constants.Z_DEFAULT_COMPRESSION });
    case "lz4":
      return lz4Package().compressFrameSync(records);
  }
}

/**
 * Decompresses the records of a batch.
 * @param codec the number in its attributes.
 * @throws KafkaError UNSUPPORTED_COMPRESSION_TYPE for zstd and unknown codecs, and for lz4 without its package.
 * @throws MalformedError for damaged bytes, and for more than 256 MiB.
 */
export function decompress(codec: number, compressed: Buffer): Buffer {
  switch (codec) {
    case 0:
      return compressed;
    case 1:
      return orMalformed("gzip", () => gunzipSync(compressed, { maxOutputLength: MAX_DECOMPRESSED_BYTES }));
    case 2:
      return decompressSnappy(compressed, MAX_DECOMPRESSED_BYTES);
    case 3: {
      const { decompressFrameSync } = lz4Package();
      assertLz4FrameBounds(compressed, MAX_DECOMPRESSED_BYTES);
      return orMalformed("lz4", () => decompressFrameSync(compressed));
    }
    default:
      throw new KafkaError("UNSUPPORTED_COMPRESSION_TYPE", "Decompressing a record batch", {
        detail: `codec ${CODEC_NAMES[codec] ?? codec} is not supported; none, gzip, snappy and lz4 can be read`,
      });
  }
}

function orMalformed(codec: string, run: () => Buffer): Buffer {
  try {
    return run();
  } catch (cause) {
    throw new MalformedError(`A record batch cannot be decompressed with ${codec}`, { cause });
  }
}

function lz4Package(): Lz4 {
  if (lz4.found) return lz4.found;
  throw new KafkaError("UNSUPPORTED_COMPRESSION_TYPE", "Using compression lz4", {
    detail:
      "the optional package lz4-napi is not installed: run npm install lz4-napi, or use compression.type none or gzip",
    cause: lz4.missing,
  });
}
