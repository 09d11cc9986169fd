import fc from "fast-check";
import { expect, test } from "vitest";
import { crc32c, crc32cPortable } from "../../../src/protocol/crc32c.js";
import { murmur2, partitionForKey } from "../../../src/protocol/murmur2.js";

// RFC 3720, appendix B.4.
const CRC_VECTORS: readonly (readonly [string, Buffer, number])[] = [
  ["the digits 1 to 9", Buffer.from("123456789"), 0xe3069283],
  ["32 zeros", Buffer.alloc(32), 0x8a9136aa],
  ["32 times ff", Buffer.alloc(32, 0xff), 0x62a8ab43],
  ["0 to 31", Buffer.from(Array.from({ length: 32 }, (_, at) => at)), 0x46dd794e],
  ["31 to 0", Buffer.from(Array.from({ length: 32 }, (_, at) => 31 - at)), 0x113fdb5c],
];

test.each(CRC_VECTORS)("CRC-32C of %s is the published one", (_, bytes, expected) => {
  expect(crc32c(bytes)).toBe(expected);
  expect(crc32cPortable(bytes)).toBe(expected);
});

test("native and portable CRC-32C agree on any range of any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), fc.nat(20), fc.nat(20), (bytes, head, tail) => {
      const buffer = Buffer.from(bytes);
      const start = Math.min(head, buffer.length);
      const end = Math.max(start, buffer.length - tail);
      expect(crc32c(buffer, start, end)).toBe(crc32cPortable(buffer, start, end));
    }),
  );
});

// The vectors of Kafka's own UtilsTest.
test.each([
  ["21", -973932308],
  ["foobar", -790332482],
  ["a-little-bit-long-string", -985981536],
  ["a-little-bit-longer-string", -1486304829],
  ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
  ["abc", 479470107],
])("murmur2 of %s is Kafka's", (key, hash) => {
  expect(murmur2(Buffer.from(key))).toBe(hash);
});

test("a negative hash still chooses a partition of the topic", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), fc.integer({ min: 1, max: 1000 }), (key, count) => {
      const partition = partitionForKey(key, count);
      expect(partition).toBeGreaterThanOrEqual(0);
      expect(partition).toBeLessThan(count);
    }),
  );
});
