import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { appendProduced } from "../../../../src/broker/log/append-produced.js";
import { CODECS } from "../../../../src/protocol/compression/compression.js";
import { ErrorCodes } from "../../../../src/protocol/error-codes.js";
import { checkCrc, codecOf, walkBatches } from "../../../../src/protocol/records/record-batch.js";
import { RecordBatchWriter } from "../../../../src/protocol/records/record-batch-writer.js";
import { batchOf, openTestLog, readAll } from "../../../support/broker-log.js";

const ARRIVAL = { nowMs: 1_700_000_000_000, apiVersion: 9 };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-log-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("a batch that the broker recompresses for the topic's compression.type", () => {
  const value = "v".repeat(10_000);
  const gzip = () => batchOf([{ value }], undefined, "gzip");

  test.each([
    ["max.message.bytes", "MESSAGE_TOO_LARGE"],
    ["segment.bytes", "RECORD_LIST_TOO_LARGE"],
  ] as const)("is refused if it is then larger than %s", async (setting, error) => {
    const log = openTestLog(folder, { configs: { "compression.type": "uncompressed", [setting]: "9999" } });
    expect(appendProduced(log, gzip(), ARRIVAL, "t-0")).toMatchObject({
      errorCode: ErrorCodes[error],
      baseOffset: -1,
      errorMessage: expect.stringContaining(`${setting} (9999)`),
    });
    expect(log.logEndOffset).toBe(0);
    await log.close();
  });

  const types = ["uncompressed", "gzip", "snappy", "lz4", "zstd"] as const;
  const pairs = types.flatMap((type, number) => CODECS.map((codec) => ({ type, number, codec })));

  test.each(pairs)("is stored in $type if it was sent in $codec", async ({ type, number, codec }) => {
    const log = openTestLog(folder, { configs: { "compression.type": type } });
    const records = [
      { key: "k", value },
      { key: null, value: null },
    ];
    const answer = appendProduced(log, batchOf(records, undefined, codec), ARRIVAL, "t-0");
    expect(answer).toMatchObject({ errorCode: ErrorCodes.NONE, baseOffset: 0 });
    const [batch] = [...walkBatches(log.reader.read(0, 100_000, true))];
    expect(codecOf(batch!.header)).toBe(number);
    expect(readAll(log).map((each) => each.value?.toString() ?? null)).toEqual([value, null]);
    await log.close();
  });

  test.each(["CreateTime", "LogAppendTime"])(
    "keeps producer, sequence, offsets and times: %s",
    async (timestampType) => {
      const log = openTestLog(folder, {
        configs: { "compression.type": "zstd", "message.timestamp.type": timestampType },
      });
      const writer = (at: number) => {
        const batch = new RecordBatchWriter();
        for (const each of [at, at + 1, at + 2]) batch.append(1_000_000 - each, null, Buffer.from(`value ${each}`), []);
        return batch.finish({ codec: "gzip" }, { producerId: 77, producerEpoch: 3, baseSequence: at });
      };
      const answers = [0, 3, 0, 6].map((at) => appendProduced(log, writer(at), ARRIVAL, "t-0").baseOffset);
      expect(answers).toEqual([0, 3, 0, 6]);
      const stamped = timestampType === "LogAppendTime";
      const headers = [...walkBatches(log.reader.read(0, 100_000, true))].map(({ header, bytes }) => {
        expect(checkCrc(bytes, header)).toBe(true);
        return header;
      });
      expect(headers).toMatchObject(
        [0, 3, 6].map((at) => ({
          baseOffset: at,
          producerId: 77,
          producerEpoch: 3,
          baseSequence: at,
          recordCount: 3,
          lastOffsetDelta: 2,
          baseTimestampMs: 1_000_000 - at,
          maxTimestampMs: stamped ? ARRIVAL.nowMs : 1_000_000 - at,
        })),
      );
      const read = readAll(log).map(({ offset, timestampMs }) => [offset, timestampMs]);
      expect(read).toEqual(Array.from({ length: 9 }, (_, at) => [at, stamped ? ARRIVAL.nowMs : 1_000_000 - at]));
      await log.close();
    },
  );

  test.each([
    ["gzip", "1", "9"],
    ["zstd", "-50", "19"],
  ] as const)("has the topic's compression.%s.level", (codec, fast, small) => {
    const words = Array.from(
      { length: 3000 },
      (_, at) => `{"id":${at},"name":"customer ${(at * at * 7919) % 100_003}"}`,
    );
    const sizes = [fast, small].map((level, at) => {
      const configs = { "compression.type": codec, [`compression.${codec}.level`]: level };
      const log = openTestLog(join(folder, String(at)), { configs });
      appendProduced(log, batchOf([{ value: words.join() }]), ARRIVAL, "t-0");
      const bytes = log.reader.read(0, 1_000_000, true).length;
      log.abandon();
      return bytes;
    });
    expect(sizes[1]).toBeLessThan(sizes[0]!);
  });

  test("is accepted if it still fits", async () => {
    const log = openTestLog(folder, {
      configs: { "compression.type": "uncompressed", "max.message.bytes": "11000", "segment.bytes": "11000" },
    });
    expect(appendProduced(log, gzip(), ARRIVAL, "t-0")).toMatchObject({ errorCode: ErrorCodes.NONE, baseOffset: 0 });
    expect(readAll(log).map((record) => record.value!.toString())).toEqual([value]);
    await log.close();
  });
});
