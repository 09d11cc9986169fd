import { expect, test } from "vitest";
import { mustRoll } from "../../../../src/broker/log/must-roll.js";
import { type BatchHeader, readBatchHeader } from "../../../../src/protocol/records/record-batch.js";
import { batchOf } from "../../../support/broker-log.js";

const HEADER = readBatchHeader(batchOf([{ value: "v" }]));
const LIMITS = { segmentBytes: 1000, segmentMs: 50 };
const ACTIVE = { baseOffset: 7, size: 900, firstTimestamp: 100 };

const rolls = (bytes: number, changes: Partial<BatchHeader>, active = {}) =>
  mustRoll({ ...ACTIVE, ...active }, bytes, { ...HEADER, baseOffset: 10, maxTimestampMs: 150, ...changes }, LIMITS);

test("a batch begins a new segment when the active one is full, too old, or too far behind its offset", () => {
  expect(rolls(100, {})).toBe(false);
  expect(rolls(101, {})).toBe(true);
  expect(rolls(100, { maxTimestampMs: 151 })).toBe(true);
  expect(rolls(100, { baseOffset: 7 + 2 ** 31 - 1 })).toBe(false);
  expect(rolls(100, { baseOffset: 7 + 2 ** 31 })).toBe(true);
});

test("an empty segment takes any batch, and one whose first timestamp is unknown any time", () => {
  expect(rolls(1001, { maxTimestampMs: 1000 }, { size: 0 })).toBe(false);
  expect(rolls(100, { maxTimestampMs: 1000 }, { firstTimestamp: -1 })).toBe(false);
});
