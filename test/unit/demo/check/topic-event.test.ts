import { expect, test } from "vitest";
import { lineDigest, readObjectKey, readTopicEvent, rowDigest } from "../../../../src/demo/check/topic-event.js";
import { grouped, layOut, percentile } from "../../../../src/demo/demo-table.js";

const source = { lsn: 24023128, txId: 555 };
const value = { before: null, after: { id: 1, name: "x", version: 3 }, source, op: "u", ts_ms: 1 };

function read(key: unknown, change: unknown) {
  return readTopicEvent(
    "t",
    2,
    7,
    Buffer.from(JSON.stringify(key)),
    change === null ? null : Buffer.from(JSON.stringify(change)),
  );
}

test("a change event is read into what is judged", () => {
  const { event, txId } = read({ b: 2, a: 1 }, value);
  expect(txId).toBe(555);
  expect(event).toMatchObject({ topic: "t", partition: 2, offset: 7, kind: "update", position: 24023128, version: 3 });
  expect(event.key).toBe(read({ a: 1, b: 2 }, value).event.key);
  expect(event.row).toBe(rowDigest({ version: 3, name: "x", id: 1 }));
});

test("an object's line is recognised whatever the order of its fields, and not if a value differs", () => {
  const { digest } = read({ id: 1 }, value).event;
  const line = { op: "u", source: { txId: 555, lsn: 24023128 }, after: { version: 3, name: "x", id: 1 }, before: null };
  expect(lineDigest(JSON.stringify(line))).toBe(digest);
  expect(lineDigest(JSON.stringify({ ...line, after: { ...line.after, name: "y" } }))).not.toBe(digest);
  expect(lineDigest(JSON.stringify({ ...line, source: { txId: 555, lsn: 1 } }))).not.toBe(digest);
});

test("deletes and tombstones have no row; snapshot events no transaction", () => {
  expect(read({ id: 1 }, { ...value, op: "d", after: null, before: { id: 1 } }).event).toMatchObject({
    kind: "delete",
    row: null,
  });
  expect(read({ id: 1 }, null).event).toMatchObject({ kind: "tombstone", row: null, digest: "" });
  expect(read({ id: 1 }, { ...value, op: "r" }).txId).toBeNull();
  expect(() => read({ id: 1 }, { ...value, op: "?" })).toThrow("t-2@7 is no change event");
});

test("an object's key says which records it holds", () => {
  const key = "topics/demo.shop.orders/partition=1/demo.shop.orders+1+0000005000.json.gz";
  expect(readObjectKey(key)).toEqual({ object: key, topic: "demo.shop.orders", partition: 1, startOffset: 5000 });
  expect(readObjectKey("other/file.json")).toBeUndefined();
});

test("tables align numbers to the right", () => {
  expect(grouped(1234567)).toBe("1,234,567");
  expect(
    layOut(
      ["table", "rows"],
      [
        ["orders", 30000],
        ["x", 7],
      ],
    ),
  ).toEqual(["table      rows", "───────────────", "orders   30,000", "x             7"]);
});

test("a percentile is a value that occurred", () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect(percentile(values, 50)).toBe(50);
  expect(percentile(values, 99)).toBe(99);
  expect(percentile([7], 99)).toBe(7);
  expect(percentile([], 50)).toBeUndefined();
});
