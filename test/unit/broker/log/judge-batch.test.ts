import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BrokerProperties } from "../../../../src/broker/broker-properties.js";
import { judgeBatch } from "../../../../src/broker/log/judge-batch.js";
import { logConfigOf } from "../../../../src/broker/topics/topic-config.js";
import { CODECS } from "../../../../src/protocol/compression/compression.js";
import { crc32c } from "../../../../src/protocol/crc32c.js";
import { patchBatch } from "../../../../src/protocol/records/record-batch.js";
import { batchOf } from "../../../support/broker-log.js";

const NOW = 1_700_000_000_000;

function judge(records: Buffer | null, configs: Record<string, string> = {}, apiVersion = 9) {
  const config = logConfigOf(configs, new BrokerProperties({}));
  return judgeBatch(records, config, { nowMs: NOW, apiVersion }, "t-0");
}

/** A batch with some bytes changed and its checksum put right again. */
function forged(change: (batch: Buffer) => void, records = [{ key: "k", value: "v" }]): Buffer {
  const batch = batchOf(records);
  change(batch);
  batch.writeUInt32BE(crc32c(batch, 21), 17);
  return batch;
}

function ofAMillionRecords(batch: Buffer): void {
  batch.writeInt32BE(999_999, 23);
  batch.writeInt32BE(1_000_000, 57);
}

function asProducer5(batch: Buffer): void {
  batch.writeInt32BE(0, 43);
  batch.writeInt32BE(5, 47);
}

describe("a produced batch", () => {
  test("is accepted when it is whole and as the topic wants it", () => {
    expect(judge(batchOf([{ value: "v" }]))).toMatchObject({ kind: "accepted", header: { recordCount: 1 } });
  });

  test.each([
    ["null", null, "INVALID_RECORD"],
    ["empty", Buffer.alloc(0), "INVALID_RECORD"],
    ["cut off", batchOf([{ value: "v".repeat(50) }]).subarray(0, 80), "INVALID_RECORD"],
    ["two batches", Buffer.concat([batchOf([{ value: "a" }]), batchOf([{ value: "b" }])]), "INVALID_RECORD"],
    ["magic 1", forged((batch) => batch.writeInt8(1, 16)), "INVALID_RECORD"],
    ["magic 3", forged((batch) => batch.writeInt8(3, 16)), "CORRUPT_MESSAGE"],
    ["an unknown codec", forged((batch) => batch.writeInt16BE(7, 21)), "UNKNOWN_SERVER_ERROR"],
    ["a control batch", forged((batch) => batch.writeInt16BE(0x20, 21)), "INVALID_RECORD"],
    ["a transactional batch without a producer", forged((batch) => batch.writeInt16BE(0x10, 21)), "INVALID_RECORD"],
    ["more records than offsets", forged((batch) => batch.writeInt32BE(2, 57)), "INVALID_RECORD"],
    ["more records than bytes", forged(ofAMillionRecords), "INVALID_RECORD"],
    ["no records", forged((batch) => batch.writeInt32BE(0, 57)), "INVALID_RECORD"],
    ["a log append time", forged((batch) => batch.writeInt16BE(0x08, 21)), "INVALID_TIMESTAMP"],
    ["a producer without sequence", forged(asProducer5), "INVALID_RECORD"],
  ])("of %s is refused", (_, records, error) => {
    expect(judge(records)).toMatchObject({ kind: "refused", error });
  });

  test("of any bytes gets an answer", () => {
    const compacted = { "cleanup.policy": "compact", "message.timestamp.before.max.ms": "1000" };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, looksRight) => {
        const records = Buffer.from(bytes);
        if (looksRight && records.length >= 61) {
          // Whole, of magic 2 and with a right checksum: only what it holds is nonsense.
          records.fill(0, 0, 8);
          records.writeInt32BE(records.length - 12, 8);
          records.writeInt8(2, 16);
          records.writeUInt32BE(crc32c(records, 21), 17);
        }
        expect(["accepted", "refused"]).toContain(judge(records, compacted).kind);
      }),
      { numRuns: 500 },
    );
  });

  test("with a wrong checksum is refused", () => {
    const batch = batchOf([{ value: "v" }]);
    batch[batch.length - 1]! ^= 1;
    expect(judge(batch)).toMatchObject({ error: "CORRUPT_MESSAGE", byLog: false });
  });

  test("with a base offset is refused by the log", () => {
    const batch = batchOf([{ value: "v" }]);
    patchBatch(batch, 0, 5, 0);
    expect(judge(batch)).toMatchObject({ error: "INVALID_RECORD", byLog: true });
  });

  test("is refused when it is larger than max.message.bytes or segment.bytes", () => {
    const batch = batchOf([{ value: "v".repeat(1000) }]);
    expect(judge(batch, { "max.message.bytes": "999" })).toMatchObject({ error: "MESSAGE_TOO_LARGE" });
    expect(judge(batch, { "segment.bytes": "999" })).toMatchObject({ error: "RECORD_LIST_TOO_LARGE" });
  });

  test("needs a key for every record of a compacted topic, compressed or not, and names those without", () => {
    const records = [
      { key: "k", value: "v" },
      { key: null, value: "v" },
    ];
    for (const codec of CODECS) {
      const verdict = judge(batchOf(records, undefined, codec), { "cleanup.policy": "compact" });
      expect(verdict).toMatchObject({ error: "INVALID_RECORD", recordErrors: [{ batchIndex: 1 }] });
      const withKeys = batchOf([{ key: "k", value: "v" }], undefined, codec);
      expect(judge(withKeys, { "cleanup.policy": "compact" })).toMatchObject({ kind: "accepted" });
    }
    expect(judge(batchOf(records))).toMatchObject({ kind: "accepted" });
  });

  test("is refused by a compacted topic when a record ends right after its key, or goes on after its headers", () => {
    const whole = batchOf([{ key: "key", value: "v" }]);
    const resized = (bytes: Buffer): Buffer => {
      bytes.writeInt32BE(bytes.length - 12, 8);
      // The length of the only record, a zigzag varint of one byte.
      bytes.writeInt8((bytes.length - 62) << 1, 61);
      bytes.writeUInt32BE(crc32c(bytes, 21), 17);
      return bytes;
    };
    // After the record's length: attributes, two deltas, the key's length and the key.
    const cut = resized(Buffer.from(whole.subarray(0, 62 + 7)));
    const longer = resized(Buffer.concat([whole, Buffer.of(0)]));
    for (const records of [cut, longer]) {
      expect(judge(records).kind).toBe("accepted");
      expect(judge(records, { "cleanup.policy": "compact" })).toMatchObject({ error: "INVALID_RECORD", byLog: true });
    }
  });

  test("is refused when a record lies too far in the future or the past; -1 is no time", () => {
    const at = (timestampMs: number) =>
      batchOf([
        { value: "v", timestampMs: NOW },
        { value: "v", timestampMs },
      ]);
    const late = judge(at(NOW + 3_600_001));
    expect(late).toMatchObject({ error: "INVALID_TIMESTAMP", recordErrors: [{ batchIndex: 1 }] });
    expect(judge(at(NOW + 3_600_000)).kind).toBe("accepted");
    expect(judge(at(0)).kind).toBe("accepted");
    const bounded = { "message.timestamp.before.max.ms": "1000" };
    expect(judge(at(NOW - 1001), bounded)).toMatchObject({ error: "INVALID_TIMESTAMP" });
    expect(judge(batchOf([{ value: "v", timestampMs: -1 }]), bounded).kind).toBe("accepted");
  });

  test("in zstd needs Produce v7", () => {
    const zstd = forged((batch) => batch.writeInt16BE(4, 21));
    expect(judge(zstd, {}, 6)).toMatchObject({ error: "UNSUPPORTED_COMPRESSION_TYPE" });
    expect(judge(zstd, {}, 7)).toMatchObject({ kind: "accepted" });
  });

  test("is refused by a compacted topic when it cannot be decompressed", () => {
    for (const codec of [1, 2, 3, 4]) {
      const batch = forged((bytes) => bytes.writeInt16BE(codec, 21));
      expect(judge(batch, { "cleanup.policy": "compact" }, 7)).toMatchObject({ error: "INVALID_RECORD", byLog: true });
    }
  });
});
