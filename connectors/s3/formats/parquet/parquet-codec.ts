import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { CompressionCodec } from "hyparquet";
import { lz4Compressor, zstdCodec } from "../compression/optional-codecs.js";
import { compressSnappy } from "../compression/snappy-block.js";

/** The compression of a Parquet file's pages. */
export interface ParquetCodec {
  /** As the file names it. */
  readonly name: CompressionCodec;
  /** Of object names, with its dot. */
  readonly extension: string;
  /** Undefined: pages stay as they are. */
  readonly compress: ((page: Buffer) => Uint8Array) | undefined;
}

/** Brotli's own default is so slow that it would keep the task's thread busy for seconds. */
const BROTLI_QUALITY = 5;

/** @param name of parquet.codec. @throws UnsupportedError when an optional package is missing. */
export function parquetCodec(name: string): ParquetCodec {
  switch (name) {
    case "snappy":
      return { name: "SNAPPY", extension: ".snappy.parquet", compress: compressSnappy };
    case "gzip":
      return { name: "GZIP", extension: ".gz.parquet", compress: (page) => gzipSync(page) };
    case "brotli": {
      const params = { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY };
      return { name: "BROTLI", extension: ".br.parquet", compress: (page) => brotliCompressSync(page, { params }) };
    }
    case "zstd":
      return { name: "ZSTD", extension: ".zstd.parquet", compress: zstdCodec("parquet.codec=zstd").compress };
    case "lz4_raw":
      return { name: "LZ4_RAW", extension: ".lz4raw.parquet", compress: lz4Compressor("parquet.codec=lz4_raw") };
    case "lz4": {
      const compress = lz4Compressor("parquet.codec=lz4");
      return { name: "LZ4", extension: ".lz4hadoop.parquet", compress: (page) => inHadoopFrame(page, compress(page)) };
    }
    default:
      return { name: "UNCOMPRESSED", extension: ".parquet", compress: undefined };
  }
}

/** Hadoop's frame: the length of the page and of the block, big-endian. */
function inHadoopFrame(page: Buffer, block: Buffer): Buffer {
  const lengths = Buffer.allocUnsafe(8);
  lengths.writeUInt32BE(page.length, 0);
  lengths.writeUInt32BE(block.length, 4);
  return Buffer.concat([lengths, block]);
}
