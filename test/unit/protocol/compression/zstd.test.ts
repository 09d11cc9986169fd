import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decompress } from "../../../../src/protocol/compression/compression.js";
import { compressZstd, decompressZstd } from "../../../../src/protocol/compression/zstd.js";
import { MalformedError } from "../../../../src/protocol/malformed-error.js";

const MAX_BYTES = 1024 * 1024;
const ZSTD = 4;

/** "abcdabcd…" (80 bytes) as the zstd program writes it: with a checksum, without a content size. */
const GOLDEN = Buffer.from("28b52ffd04585500002061626364010039ea88bd3b1c8f", "hex");
/** A frame without content: three bytes of another application. */
const SKIPPABLE = Buffer.from("502a4d1803000000616263", "hex");

/** A frame of one block that repeats a byte `size` times (at most 16 MiB in 12 bytes). */
function repeating(size: number, blocks = 1): Buffer {
  const parts = [Buffer.from("28b52ffd0058", "hex")];
  for (let block = 1; block <= blocks; block++) {
    const header = Buffer.alloc(4);
    header.writeUIntLE((size << 3) | (1 << 1) | (block === blocks ? 1 : 0), 0, 3);
    parts.push(header);
  }
  return Buffer.concat(parts);
}

describe("zstd", () => {
  test("compressed bytes read back at every level", () => {
    const text = fc
      .array(fc.string({ maxLength: 30 }), { maxLength: 200 })
      .map((lines) => Buffer.from(lines.join("\n")));
    fc.assert(
      fc.property(text, fc.constantFrom(undefined, -5, 1, 3, 9), (bytes, level) => {
        expect(decompressZstd(compressZstd(bytes, level), MAX_BYTES).equals(bytes)).toBe(true);
      }),
    );
  });

  test("a higher level compresses more", () => {
    const text = Buffer.from(
      Array.from({ length: 5000 }, (_, at) => `{"id":${at},"customer":"c${(at * 7919) % 997}"}`).join(),
    );
    expect(compressZstd(text, 15).length).toBeLessThan(compressZstd(text, -20).length);
  });

  test("reads what the zstd program writes", () => {
    expect(decompressZstd(GOLDEN, MAX_BYTES).toString()).toBe("abcd".repeat(20));
  });

  test("reads all frames and skips those without content", () => {
    const two = Buffer.concat([
      SKIPPABLE,
      compressZstd(Buffer.from("one ")),
      SKIPPABLE,
      compressZstd(Buffer.from("two")),
    ]);
    expect(decompressZstd(two, MAX_BYTES).toString()).toBe("one two");
  });

  test("refuses a frame that is cut off anywhere, unlike Node's own zstd", () => {
    for (let end = 0; end < GOLDEN.length; end++) {
      expect(() => decompressZstd(GOLDEN.subarray(0, end), MAX_BYTES), `cut at ${end}`).toThrow(MalformedError);
    }
  });

  test("refuses bytes after its last frame", () => {
    expect(() => decompressZstd(Buffer.concat([GOLDEN, Buffer.of(1, 2, 3, 4, 5)]), MAX_BYTES)).toThrow(
      /Not a zstd frame/,
    );
  });

  test("a damaged byte either throws MalformedError or leaves readable data", () => {
    const whole = compressZstd(Buffer.from("some text, some more text, some other text".repeat(20)));
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = Buffer.from(whole);
        damaged[at] = damaged[at]! ^ flip;
        try {
          decompress(ZSTD, damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("a bomb", () => {
  test("of repeated bytes is refused before it is decompressed", () => {
    expect(decompressZstd(repeating(100_000, 8), MAX_BYTES).length).toBe(800_000);
    expect(() => decompressZstd(repeating(100_000, 11), MAX_BYTES)).toThrow(/may hold more/);
  });

  test("of compressed blocks is refused by the most that each block can hold", () => {
    const zeros = compressZstd(Buffer.alloc(4 * 1024 * 1024));
    expect(zeros.length).toBeLessThan(1000);
    expect(() => decompressZstd(zeros, MAX_BYTES)).toThrow(/may hold more/);
  });

  test("of many frames counts them together", () => {
    const frames = Buffer.concat(new Array<Buffer>(11).fill(repeating(100_000)));
    expect(() => decompressZstd(frames, MAX_BYTES)).toThrow(/may hold more/);
  });

  test("of 300 MiB does not fit a record batch", () => {
    expect(() => decompress(ZSTD, repeating(128 * 1024, 2400))).toThrow(MalformedError);
  });
});
