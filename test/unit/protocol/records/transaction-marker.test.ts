import { describe, expect, test } from "vitest";
import { patchBatch, readBatchHeader } from "../../../../src/protocol/records/record-batch.js";
import { RecordBatchWriter } from "../../../../src/protocol/records/record-batch-writer.js";
import { encodeMarker, readMarker } from "../../../../src/protocol/records/transaction-marker.js";

const COMMIT = { producerId: 1000, producerEpoch: 0, kind: "COMMIT", coordinatorEpoch: 0 } as const;
/** As Kafka writes it. */
const BYTES =
  "0000000000000002000000420000000002a1ac499f0030000000000000018bcfe568000000018bcfe5680000000000000003e80000ffffffff000000012000000008000000010c00000000000000";

describe("a transaction marker", () => {
  test("has Kafka's bytes", () => {
    const batch = encodeMarker(COMMIT, 1_700_000_000_000);
    patchBatch(batch, 0, 2, 0);
    expect(batch.toString("hex")).toBe(BYTES);
  });

  test("is read back", () => {
    const marker = { producerId: 2 ** 40, producerEpoch: 32_766, kind: "ABORT", coordinatorEpoch: 77 } as const;
    const batch = encodeMarker(marker, 5);
    expect(readMarker(batch)).toEqual(marker);
    expect(readBatchHeader(batch)).toMatchObject({ recordCount: 1, lastOffsetDelta: 0, maxTimestampMs: 5 });
  });

  test("of another type, or without its record, ends no transaction", () => {
    const batch = encodeMarker(COMMIT, 0);
    batch.writeInt16BE(2, 68);
    expect(readMarker(batch)).toBeUndefined();
    expect(readMarker(new RecordBatchWriter().finish())).toBeUndefined();
  });
});
