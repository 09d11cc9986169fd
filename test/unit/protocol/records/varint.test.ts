import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteReader } from "../../../../src/protocol/byte-reader.js";
import { varintSize, varlongSize, writeVarint, writeVarlong } from "../../../../src/protocol/records/varint.js";

test("a varint is as long as its size says, and reads back", () => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 31 - 1 }), (value) => {
      const buffer = Buffer.alloc(5);
      const end = writeVarint(buffer, 0, value);
      expect(end).toBe(varintSize(value));
      expect(new ByteReader(buffer.subarray(0, end)).varint()).toBe(value);
    }),
  );
});

test("a varlong is as long as its size says, and reads back, also where it is negative or beyond 32 bits", () => {
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 52), max: 2 ** 52 }), (value) => {
      const buffer = Buffer.alloc(10);
      const end = writeVarlong(buffer, 0, value);
      expect(end).toBe(varlongSize(value));
      expect(new ByteReader(buffer.subarray(0, end)).varlong()).toBe(value);
    }),
  );
});
