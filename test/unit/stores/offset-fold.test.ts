import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SourceMap } from "../../../src/api/index.js";
import { OffsetFold } from "../../../src/stores/offset-fold.js";

const text = (key: string, value: string | null, offset = 0) => ({
  key: Buffer.from(key),
  value: value === null ? null : Buffer.from(value),
  offset,
});

const records = (fold: OffsetFold, partition: SourceMap, offset: SourceMap | null) =>
  fold
    .records("c", { partition, offset })
    .map(({ key, value }) => [String(key), value === null ? null : String(value)] as const);

describe("the fold of the offsets topic", () => {
  test("writes keys and values as Kafka Connect does", () => {
    const [record] = new OffsetFold().records("shop", {
      partition: { server: "shop" },
      offset: { lsn: 2n ** 62n, txId: 5, snapshot: true, ts: null, note: "ä" },
    });
    const { key, value } = record!;
    expect(key.toString()).toBe('["shop",{"server":"shop"}]');
    expect(String(value)).toBe('{"lsn":4611686018427387904,"txId":5,"snapshot":true,"ts":null,"note":"ä"}');
  });

  test("reads 64-bit integers exactly", () => {
    const fold = new OffsetFold();
    fold.apply(text('["c",{"p":"1"}]', '{"lsn":9007199254740993,"small":7,"half":0.5}'));
    expect(fold.offset("c", { p: "1" })).toEqual({ lsn: 9007199254740993n, small: 7, half: 0.5 });
  });

  test("finds a partition with its members in any order, and writes it under the existing key", () => {
    const fold = new OffsetFold();
    fold.apply(text('["c",{"b":2,"a":1}]', '{"x":1}'));
    expect(fold.offset("c", { a: 1, b: 2 })).toEqual({ x: 1 });
    expect(fold.offset("c", { a: 1, b: 2n })).toEqual({ x: 1 });
    expect(records(fold, { a: 1, b: 2 }, null)).toEqual([['["c",{"b":2,"a":1}]', null]]);
  });

  test("keeps one key for a partition that writers of both orders have stored, and deletes both", () => {
    const [ab, ba] = ['["c",{"a":1,"b":2}]', '["c",{"b":2,"a":1}]'];
    const fold = new OffsetFold();
    fold.apply(text(ab, '{"x":1}'));
    fold.apply(text(ba, '{"x":2}'));
    const written = records(fold, { a: 1, b: 2 }, { x: 3 });
    expect(written).toEqual([
      [ba, '{"x":3}'],
      [ab, null],
    ]);
    expect(records(fold, { a: 1, b: 2 }, null)).toEqual([
      [ba, null],
      [ab, null],
    ]);
    for (const [key, value] of written) fold.apply(text(key, value));
    expect(fold.offset("c", { a: 1, b: 2 })).toEqual({ x: 3 });
    expect(records(fold, { a: 1, b: 2 }, null)).toEqual([[ba, null]]);
    fold.apply(text(ba, null));
    expect(fold.offsets("c")).toEqual([]);
  });

  test("forgets a partition on a tombstone", () => {
    const fold = new OffsetFold();
    fold.apply(text('["c",{"p":1}]', '{"x":1}'));
    fold.apply(text('["c",{"p":2}]', '{"x":2}'));
    fold.apply(text('["c",{"p":1}]', null));
    expect(fold.offset("c", { p: 1 })).toBeNull();
    expect(fold.offsets("c")).toEqual([{ partition: { p: 2 }, offset: { x: 2 } }]);
    expect(fold.offsets("other")).toEqual([]);
  });

  test.each([
    ['["c",{"p":1},1]', '{"x":1}'],
    ['{"c":1}', '{"x":1}'],
    ['["c",{"p":{"deep":1}}]', '{"x":1}'],
    ['["c",{"p":1}]', '{"x":[1]}'],
    ["not json", "{}"],
  ])("ignores %s, with the reason", (key, value) => {
    expect(new OffsetFold().apply(text(key, value))).toMatch(/^it/);
  });

  test("ignores a null partition silently", () => {
    expect(new OffsetFold().apply(text('["c",null]', "{}"))).toBeUndefined();
  });

  test("returns every stored offset, with partitions in any order", () => {
    const atom = fc.oneof(
      fc.string(),
      fc.boolean(),
      fc.constant(null),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    );
    const map = fc.dictionary(fc.string(), atom, { minKeys: 1, maxKeys: 4, noNullPrototype: true });
    const plain = (value: SourceMap) =>
      Object.fromEntries(
        Object.entries(value).map(([key, atom]) => [key, typeof atom === "number" ? BigInt(atom) : atom]),
      );
    fc.assert(
      fc.property(map, map, fc.boolean(), (partition, offset, reversed) => {
        const fold = new OffsetFold();
        for (const record of fold.records("c", { partition, offset })) fold.apply({ ...record, offset: 0 });
        const entries = Object.entries(partition);
        const asked = Object.fromEntries(reversed ? entries.reverse() : entries);
        expect(plain(fold.offset("c", asked)!)).toEqual(offset);
      }),
    );
  });
});
