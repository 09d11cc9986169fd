import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CODECS, type Codec, codecNumber, decompress } from "../../../../src/protocol/compression/compression.js";
import { KafkaError } from "../../../../src/protocol/kafka-error.js";
import { MalformedError } from "../../../../src/protocol/malformed-error.js";
import {
  BATCH_HEADER_BYTES,
  checkCrc,
  isControlBatch,
  isLogAppendTime,
  nextOffsetOf,
  patchBatch,
  readBatchHeader,
  stampLogAppendTime,
  walkBatches,
} from "../../../../src/protocol/records/record-batch.js";
import { type DecodedRecord, RecordCursor, readRecords } from "../../../../src/protocol/records/record-batch-reader.js";
import { RecordBatchWriter, recordSizeBound } from "../../../../src/protocol/records/record-batch-writer.js";

/** Two records, encoded by kafkajs 2.2.4. */
const GOLDEN = Buffer.from(
  "00000000000000000000004700000000020217af830000000000010000018bcfe568000000018bcfe56805ffffffffffffffffffffffffffff" +
    "000000021c000000046b3104763102026802780c000a02010100",
  "hex",
);
/** A COMMIT marker at offset 2 of producer 1000. */
const MARKER = Buffer.from(
  "0000000000000002000000420000000002a1ac499f0030000000000000018bcfe568000000018bcfe5680000000000000003e80000ffffffff" +
    "000000012000000008000000010c00000000000000",
  "hex",
);

const bytes = fc.option(fc.uint8Array({ maxLength: 60 }).map((each) => Buffer.from(each)));
const record = fc.record({
  timestampMs: fc.oneof(
    fc.integer({ min: 1_700_000_000_000, max: 1_700_000_000_900 }),
    fc.nat(2 ** 45),
    fc.constant(-1),
  ),
  key: bytes,
  value: bytes,
  headers: fc.array(fc.record({ key: fc.string({ unit: "grapheme", maxLength: 12 }), value: bytes }), { maxLength: 3 }),
});

/** Records, some of which share the header list of the one before. */
const records = fc
  .array(fc.record({ record, hasSameHeaders: fc.boolean() }), { minLength: 1, maxLength: 20 })
  .map((drawn) => {
    let { headers } = drawn[0]!.record;
    return drawn.map((each) => {
      if (!each.hasSameHeaders) headers = each.record.headers;
      return { ...each.record, headers };
    });
  });

function write(records: readonly Omit<DecodedRecord, "offset" | "timestampType">[], codec: Codec): Buffer {
  const writer = new RecordBatchWriter(Buffer.alloc(16));
  for (const { timestampMs, key, value, headers } of records) {
    const before = writer.sizeBytes;
    const took = writer.append(timestampMs, key, value, headers);
    expect(writer.sizeBytes).toBe(before + took);
    expect(took).toBeLessThanOrEqual(recordSizeBound(key, value, headers));
  }
  return writer.finish({ codec });
}

describe("a batch", () => {
  test.each(CODECS)("with codec %s reads back unchanged", (codec) => {
    fc.assert(
      fc.property(records, fc.nat(2 ** 50), (records, baseOffset) => {
        const batch = write(records, codec);
        patchBatch(batch, 0, baseOffset, 3);
        const header = readBatchHeader(batch);
        expect(header.sizeBytes).toBe(batch.length);
        expect(header.leaderEpoch).toBe(3);
        expect(header.recordCount).toBe(records.length);
        expect(header.maxTimestampMs).toBe(Math.max(...records.map((each) => each.timestampMs)));
        expect(nextOffsetOf(header)).toBe(baseOffset + records.length);
        expect(checkCrc(batch, header)).toBe(true);
        expect(readRecords(batch)).toEqual(
          records.map((each, at) => ({ ...each, timestampType: "CreateTime", offset: baseOffset + at })),
        );
      }),
      { numRuns: codec === "none" ? 200 : 40 },
    );
  });

  test("equals another client's batch byte for byte", () => {
    const writer = new RecordBatchWriter();
    writer.append(1_700_000_000_000, Buffer.from("k1"), Buffer.from("v1"), [{ key: "h", value: Buffer.from("x") }]);
    writer.append(1_700_000_000_005, null, null, []);
    const batch = writer.finish();
    patchBatch(batch, 0, 0, 0);
    expect(batch.toString("hex")).toBe(GOLDEN.toString("hex"));
  });

  test("with a transaction marker is recognised and takes one offset", () => {
    const header = readBatchHeader(MARKER);
    expect(isControlBatch(header)).toBe(true);
    expect(checkCrc(MARKER, header)).toBe(true);
    expect(nextOffsetOf(header)).toBe(3);
  });

  test("stamped with log append time has that time in every record, and a valid checksum", () => {
    const batch = Buffer.from(GOLDEN);
    stampLogAppendTime(batch, 0, 1_800_000_000_000);
    const header = readBatchHeader(batch);
    expect(isLogAppendTime(header)).toBe(true);
    expect(checkCrc(batch, header)).toBe(true);
    const stamps = readRecords(batch).map((each) => [each.timestampMs, each.timestampType]);
    expect(stamps).toEqual([
      [1_800_000_000_000, "LogAppendTime"],
      [1_800_000_000_000, "LogAppendTime"],
    ]);
  });

  test("fails its checksum when any byte after it changes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 21, max: GOLDEN.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const batch = Buffer.from(GOLDEN);
        batch[at] = batch[at]! ^ flip;
        expect(checkCrc(batch, readBatchHeader(batch))).toBe(false);
      }),
    );
  });

  test("with a damaged byte throws MalformedError or an unsupported codec, nothing else", () => {
    fc.assert(
      fc.property(fc.nat(GOLDEN.length - 1), fc.uint8Array({ minLength: 1, maxLength: 8 }), (at, noise) => {
        const batch = Buffer.concat([GOLDEN.subarray(0, at), noise, GOLDEN.subarray(at + noise.length)]);
        try {
          for (const each of walkBatches(batch)) readRecords(each.bytes);
        } catch (error) {
          if (!(error instanceof MalformedError) && !KafkaError.is(error, "UNSUPPORTED_COMPRESSION_TYPE")) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("a cursor sees keys and raw records without reading the rest", () => {
    const cursor = new RecordCursor(GOLDEN);
    expect(cursor.next()).toBe(true);
    expect(cursor.key?.toString()).toBe("k1");
    expect(cursor.isTombstone()).toBe(false);
    expect(cursor.next()).toBe(true);
    expect([cursor.offset, cursor.key, cursor.isTombstone()]).toEqual([1, null, true]);
    expect(cursor.raw.toString("hex")).toBe("0c000a02010100");
    expect(cursor.next()).toBe(false);
  });
});

describe("a walk over batches", () => {
  test("ends without an error at a batch that is cut off", () => {
    const both = Buffer.concat([GOLDEN, MARKER]);
    expect([...walkBatches(both)].map((each) => each.header.baseOffset)).toEqual([0, 2]);
    expect([...walkBatches(both.subarray(0, both.length - 1))]).toHaveLength(1);
    expect([...walkBatches(both.subarray(0, 7))]).toHaveLength(0);
  });

  test("refuses a length that no batch can have", () => {
    const batch = Buffer.from(GOLDEN);
    batch.writeInt32BE(-1, 8);
    expect(() => [...walkBatches(batch)]).toThrow(MalformedError);
  });
});

describe("decompression", () => {
  test("reads snappy in one raw block and in Java's framing", () => {
    // "Wikipedia is a free, web-based, ..." style: a literal of 4 and an overlapping copy of 8 at distance 4.
    const block = Buffer.from([12, (4 - 1) << 2, 0x61, 0x62, 0x63, 0x64, ((8 - 4) << 2) | 1, 4]);
    expect(decompress(2, block).toString()).toBe("abcdabcdabcd");
    const size = Buffer.alloc(4);
    size.writeInt32BE(block.length);
    const framed = Buffer.concat([Buffer.from("82534e41505059000000000100000001", "hex"), size, block, size, block]);
    expect(decompress(2, framed).toString()).toBe("abcdabcdabcdabcdabcdabcd");
  });

  test("throws MalformedError for damaged input of every codec", () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 3, 4), fc.uint8Array({ maxLength: 80 }), (codec, noise) => {
        try {
          decompress(codec, Buffer.from(noise));
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("names the readable codecs when a codec is unknown", () => {
    expect(() => decompress(5, Buffer.alloc(0))).toThrow(/codec 5 is not known; none, gzip, snappy, lz4, zstd/);
    expect(codecNumber("zstd")).toBe(4);
  });

  test("filled to its limit holds no more memory than that", () => {
    const limitBytes = 262_144;
    const writer = new RecordBatchWriter(undefined, limitBytes);
    const value = Buffer.alloc(600);
    while (writer.sizeBytes + recordSizeBound(null, value, []) <= limitBytes) writer.append(0, null, value, []);
    expect(writer.storage.length).toBeLessThanOrEqual(limitBytes);
    writer.append(0, null, Buffer.alloc(limitBytes), []);
    expect(readRecords(writer.finish())).toHaveLength(writer.count);
  });

  test("an LZ4 frame has independent blocks, the only ones that Java reads", () => {
    const writer = new RecordBatchWriter();
    for (let at = 0; at < 5000; at++) writer.append(at, null, Buffer.from(`value ${at}`.repeat(5)), []);
    const flags = writer.finish({ codec: "lz4" })[BATCH_HEADER_BYTES + 4]!;
    expect(flags & 0x20).toBe(0x20);
  });
});
