import { expect, test } from "vitest";
import { BufferPool } from "../../../../src/kafka/producer/buffer-pool.js";
import { ProducerBatch } from "../../../../src/kafka/producer/producer-batch.js";
import { readRecords } from "../../../../src/protocol/records/record-batch-reader.js";
import { RecordBatchWriter } from "../../../../src/protocol/records/record-batch-writer.js";

function batchOf(tokens: readonly string[], storage = Buffer.alloc(4000)): ProducerBatch<string> {
  const batch = new ProducerBatch<string>(new RecordBatchWriter(storage), 0, 0);
  tokens.forEach((token, at) => {
    batch.append(at, Buffer.from(`k${at}`), Buffer.from(`v${at}`), [], token);
  });
  return batch;
}

test("a buffer is reused after one attempt, and never after a second: an old connection may still hold it", () => {
  const storage = Buffer.alloc(4000);
  const batch = batchOf(["a"], storage);
  batch.seal({ codec: "none" });
  batch.attempts = 1;
  expect(batch.release()).toBe(storage);
  batch.attempts = 2;
  expect(batch.release()).toBeUndefined();
});

test("the two halves have the records, tokens and buffered bytes of the whole, in order", () => {
  const batch = batchOf(["a", "a", "b", "b", "b"]);
  batch.seal({ codec: "gzip" });
  const halves = batch.split({ codec: "gzip" });
  expect(halves.map((half) => half.runs)).toEqual([
    [
      { token: "a", count: 2 },
      { token: "b", count: 1 },
    ],
    [{ token: "b", count: 2 }],
  ]);
  const values = halves.map((half) => readRecords(half.seal({ codec: "gzip" })).map((each) => each.value?.toString()));
  expect(values).toEqual([
    ["v0", "v1", "v2"],
    ["v3", "v4"],
  ]);
  expect(halves[0].bufferedBytes + halves[1].bufferedBytes).toBe(batch.bufferedBytes);
});

test("a pool keeps large buffers up to its limit of bytes, no small ones and no giants", () => {
  const pool = new BufferPool(300_000, 1_000_000);
  for (const bytes of [1_000, 100_000, 2_000_000, 200_000, 300_000]) pool.give(Buffer.alloc(bytes));
  expect([pool.take()?.length, pool.take()?.length, pool.take()]).toEqual([200_000, 100_000, undefined]);
  const many = Array.from({ length: 4 }, () => Buffer.alloc(70_000));
  for (const buffer of many) pool.give(buffer);
  expect(many.map(() => pool.take()?.length)).toEqual([70_000, 70_000, 70_000, 70_000]);
});
