import { describe, expect, test } from "vitest";
import {
  decodeTransactionIndex,
  encodeTransactionIndex,
} from "../../../../../src/broker/log/segments/transaction-index.js";

const FIRST = { producerId: 1000, firstOffset: 3, lastOffset: 12, lastStableOffset: 11 };
const SECOND = { producerId: 2 ** 40, firstOffset: 11, lastOffset: 14, lastStableOffset: 15 };

describe("the transaction index of a segment", () => {
  test("has Kafka's bytes, and is read back", () => {
    const bytes = encodeTransactionIndex([FIRST, SECOND]);
    expect(bytes.subarray(0, 34).toString("hex")).toBe(
      "000000000000000003e80000000000000003000000000000000c000000000000000b",
    );
    expect(decodeTransactionIndex(bytes, 10, 15)).toEqual([FIRST, SECOND]);
    expect(decodeTransactionIndex(encodeTransactionIndex([]), 0, 0)).toEqual([]);
  });

  test("is refused if it is cut, out of order, or another segment's", () => {
    const bytes = encodeTransactionIndex([FIRST, SECOND]);
    expect(decodeTransactionIndex(bytes.subarray(0, 40), 10, 15)).toBeUndefined();
    expect(decodeTransactionIndex(encodeTransactionIndex([SECOND, FIRST]), 10, 15)).toBeUndefined();
    expect(decodeTransactionIndex(bytes, 13, 15)).toBeUndefined();
    expect(decodeTransactionIndex(bytes, 10, 14)).toBeUndefined();
    const version1 = Buffer.from(bytes);
    version1.writeInt16BE(1, 0);
    expect(decodeTransactionIndex(version1, 10, 15)).toBeUndefined();
  });
});
