import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decompressSnappy } from "../../../../src/protocol/compression/snappy-reader.js";
import { compressSnappy } from "../../../../src/protocol/compression/snappy-writer.js";

const MAX_BYTES = 1024 * 1024;

/** Repetitions of near and far bytes, and noise: literals and copies of every width, over several blocks. */
const input = fc
  .array(
    fc.record({
      bytes: fc.uint8Array({ maxLength: 90 }),
      times: fc.oneof(fc.constant(1), fc.nat(40), fc.nat(2000)),
    }),
    { maxLength: 8 },
  )
  .map((runs) => Buffer.concat(runs.flatMap(({ bytes, times }) => new Array<Uint8Array>(times).fill(bytes))));

test("compressed bytes read back", () => {
  fc.assert(
    fc.property(input, (bytes) => {
      expect(decompressSnappy(compressSnappy(bytes), MAX_BYTES).equals(bytes)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test("a repeating text shrinks, noise hardly grows", () => {
  const text = Buffer.from("a line of a log that repeats itself\n".repeat(5000));
  expect(compressSnappy(text).length).toBeLessThan(text.length / 15);
  const digests = Array.from({ length: 3000 }, (_, at) => createHash("sha256").update(String(at)).digest());
  const noise = Buffer.concat(digests);
  const compressed = compressSnappy(noise);
  expect(compressed.length).toBeLessThan(noise.length + 100);
  expect(decompressSnappy(compressed, MAX_BYTES).equals(noise)).toBe(true);
});

test("blocks of 32 KiB have Java's framing", () => {
  const compressed = compressSnappy(Buffer.alloc(40_000, "ab"));
  expect(compressed.subarray(0, 16).toString("hex")).toBe("82534e41505059000000000100000001");
  const first = compressed.readInt32BE(16);
  expect(compressed.readInt32BE(20 + first)).toBe(compressed.length - 24 - first);
});
