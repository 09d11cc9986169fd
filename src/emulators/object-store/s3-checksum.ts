import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

/** The additional checksums of S3, as they appear in `x-amz-checksum-…` header names. */
export const CHECKSUM_ALGORITHMS = ["crc32", "crc32c", "crc64nvme", "sha1", "sha256"] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];

/** Takes a body piece by piece. */
export interface Digester {
  update(chunk: Uint8Array): void;
  digest(): Buffer;
}

/** A digester of that algorithm; CRCs come out in big-endian order, as S3 encodes them in Base64. */
export function digester(algorithm: ChecksumAlgorithm | "md5"): Digester {
  switch (algorithm) {
    case "crc32":
      return new Crc32();
    case "crc32c":
      return new Crc32c();
    case "crc64nvme":
      return new Crc64Nvme();
    default:
      return createHash(algorithm);
  }
}

/** The digest of one piece. */
export function digestOf(algorithm: ChecksumAlgorithm | "md5", bytes: Uint8Array): Buffer {
  const one = digester(algorithm);
  one.update(bytes);
  return one.digest();
}

/** The algorithm of that name (`CRC32`, `sha256` …), if S3 has it. */
export function checksumAlgorithm(name: string | undefined): ChecksumAlgorithm | undefined {
  const lower = name?.toLowerCase();
  return CHECKSUM_ALGORITHMS.find((algorithm) => algorithm === lower);
}

/** A checksum of checksums, as a multipart upload with type COMPOSITE has: `base64-parts`. */
export function compositeChecksum(algorithm: ChecksumAlgorithm, partDigests: readonly string[]): string {
  const joined = Buffer.concat(partDigests.map((digest) => Buffer.from(digest, "base64")));
  return `${digestOf(algorithm, joined).toString("base64")}-${partDigests.length}`;
}

class Crc32 implements Digester {
  #value = 0;

  update(chunk: Uint8Array): void {
    this.#value = crc32(chunk, this.#value);
  }

  digest(): Buffer {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(this.#value);
    return bytes;
  }
}

const CASTAGNOLI = table32(0x82f63b78);

function table32(polynomial: number): Uint32Array {
  const table = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    table[byte] = value;
  }
  return table;
}

class Crc32c implements Digester {
  #value = 0xffffffff;

  update(chunk: Uint8Array): void {
    let value = this.#value;
    for (let i = 0; i < chunk.length; i++) value = (value >>> 8) ^ CASTAGNOLI[(value ^ chunk[i]!) & 0xff]!;
    this.#value = value;
  }

  digest(): Buffer {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(~this.#value >>> 0);
    return bytes;
  }
}

/** The NVMe polynomial, reflected, in two halves: 64-bit integers are too slow one byte at a time. */
const NVME_HIGH = 0x9a6c9329;
const NVME_LOW = 0xac4bc9b5;
const [NVME_TABLE_HIGH, NVME_TABLE_LOW] = table64();

function table64(): [Uint32Array, Uint32Array] {
  const highs = new Uint32Array(256);
  const lows = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let high = 0;
    let low = byte;
    for (let bit = 0; bit < 8; bit++) {
      const odd = low & 1;
      low = (low >>> 1) | ((high & 1) << 31);
      high >>>= 1;
      if (odd) {
        high ^= NVME_HIGH;
        low ^= NVME_LOW;
      }
    }
    highs[byte] = high;
    lows[byte] = low;
  }
  return [highs, lows];
}

class Crc64Nvme implements Digester {
  #high = 0xffffffff;
  #low = 0xffffffff;

  update(chunk: Uint8Array): void {
    let high = this.#high;
    let low = this.#low;
    for (let i = 0; i < chunk.length; i++) {
      const index = (low ^ chunk[i]!) & 0xff;
      low = ((low >>> 8) | (high << 24)) ^ NVME_TABLE_LOW[index]!;
      high = (high >>> 8) ^ NVME_TABLE_HIGH[index]!;
    }
    this.#high = high;
    this.#low = low;
  }

  digest(): Buffer {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32BE(~this.#high >>> 0, 0);
    bytes.writeUInt32BE(~this.#low >>> 0, 4);
    return bytes;
  }
}
