import zlib from "node:zlib";
import { KafkaError } from "../kafka-error.js";
import { loadOptional } from "../optional-package.js";
import { zstdFrames } from "./zstd-frames.js";

const PACKAGE = "@toondepauw/node-zstd";
/** Kafka's default, and zstd's own. */
const DEFAULT_LEVEL = 3;

/** An implementation of zstd; works on one frame at a time. */
interface ZstdEngine {
  compress(input: Buffer, level: number): Buffer;
  /** @param maxBytes the most bytes the frame can decompress to. */
  decompress(frame: Buffer, maxBytes: number): Buffer;
}

/** Node's own zstd, from 22.15 and 23.8. */
interface NodeZstd {
  zstdCompressSync(input: Buffer, options: { params: Record<number, number>; chunkSize: number }): Buffer;
  zstdDecompressSync(input: Buffer, options: { maxOutputLength: number }): Buffer;
  readonly constants: { readonly ZSTD_c_compressionLevel: number };
}

interface ZstdPackage {
  readonly Encoder: new (level: number) => { encodeSync(input: Buffer): Buffer };
  readonly Decoder: new () => { decodeSync(input: Buffer): Buffer };
}

let engine: ZstdEngine | undefined;

/** @throws KafkaError UNSUPPORTED_COMPRESSION_TYPE when neither Node nor the optional package has zstd. */
export function requireZstd(): void {
  zstd();
}

/** Compresses into one frame. @param level -131072 (fastest) to 22. @throws KafkaError as `requireZstd`. */
export function compressZstd(input: Buffer, level = DEFAULT_LEVEL): Buffer {
  return zstd().compress(input, level);
}

/**
 * Decompresses all frames.
 * @throws KafkaError as `requireZstd`; MalformedError when frames are cut off or may hold more than `maxBytes` in all;
 *   the engine's own error for damage inside a block.
 */
export function decompressZstd(compressed: Buffer, maxBytes: number): Buffer {
  const { decompress } = zstd();
  const contents = zstdFrames(compressed, maxBytes).map((frame) => decompress(frame.bytes, frame.maxContentBytes));
  return contents.length === 1 ? contents[0]! : Buffer.concat(contents);
}

function zstd(): ZstdEngine {
  engine ??= nodeEngine(zlib as unknown as Partial<NodeZstd>) ?? packageEngine();
  return engine;
}

function nodeEngine(node: Partial<NodeZstd>): ZstdEngine | undefined {
  const { zstdCompressSync, zstdDecompressSync, constants } = node;
  if (!zstdCompressSync || !zstdDecompressSync || !constants) return undefined;
  return {
    compress: (input, level) =>
      zstdCompressSync(input, {
        params: { [constants.ZSTD_c_compressionLevel]: level },
        // One chunk for the whole result: the default of 16 KiB halves the speed.
        chunkSize: input.length + (input.length >> 8) + 64,
      }),
    decompress: (frame, maxBytes) => zstdDecompressSync(frame, { maxOutputLength: Math.max(1, maxBytes) }),
  };
}

function packageEngine(): ZstdEngine {
  const { found, missing } = loadOptional<ZstdPackage>(PACKAGE);
  if (!found) {
    throw new KafkaError("UNSUPPORTED_COMPRESSION_TYPE", "Using compression zstd", {
      detail: `Node has zstd from 22.15, this is ${process.version}, and the optional package ${PACKAGE} is not installed: run npm install ${PACKAGE}, or have producers use another compression.type`,
      cause: missing,
    });
  }
  return {
    compress: (input, level) => new found.Encoder(level).encodeSync(input),
    decompress: (frame) => new found.Decoder().decodeSync(frame),
  };
}
