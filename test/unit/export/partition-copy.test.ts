import { describe, expect, test } from "vitest";
import { judgeCopy } from "../../../src/export/judge-copy.js";
import { PartitionCopy } from "../../../src/export/partition-copy.js";
import type { FetchedRecords } from "../../../src/kafka/client/consumer.js";

const AT = { topic: "t", partition: 0 };

function fetched(nextOffset: number, ...offsets: number[]): FetchedRecords {
  const records = offsets.map((offset) => ({
    offset,
    timestampMs: 0,
    timestampType: "CreateTime" as const,
    key: null,
    value: null,
    headers: [],
  }));
  return { ...AT, records, nextOffset, end: 100, codec: "none" };
}

const copyOf = (start: number, end: number, committed: number[] = [], targetStart = 0) =>
  new PartitionCopy({ ...AT, start, end }, targetStart, committed);

describe("the copy of a partition", () => {
  test("ends where the position has passed the end, also over a gap; later records are not its own", () => {
    const copy = copyOf(3, 9);
    expect(copy.take(fetched(6, 3, 5)).map(({ offset }) => offset)).toEqual([3, 5]);
    expect(copy.isRead).toBe(false);
    expect(copy.take(fetched(12, 8, 9, 11)).map(({ offset }) => offset)).toEqual([8]);
    expect(copy.isRead).toBe(true);
    expect(copyOf(4, 4).isRead).toBe(true);
  });

  test("records share a token up to the next gap, and may be acknowledged in parts", () => {
    const copy = copyOf(0, 10, [1, 2, 5, 9]);
    const first = copy.runOf(0);
    expect([copy.runOf(1), copy.runOf(2)]).toEqual([first, first]);
    expect(copy.runOf(1 + 2)).toBe(first);
    const second = copy.runOf(6);
    expect(second).not.toBe(first);
    copy.acknowledged(first, 3, 0);
    copy.acknowledged(first, 1, 3);
    copy.acknowledged(second, 1, 4);
    copy.finish();
    expect([1, 2, 5, 9].map((offset) => copy.translation.translate(offset))).toEqual([1, 2, 4, 5]);
    expect([copy.records, copy.targetEnd]).toEqual([5, 5]);
    expect(copy.translation.firstShift).toEqual({ source: 6, target: 4 });
  });

  test("an answer without an offset, or with one that is taken, is refused", () => {
    for (const offset of [-1, 1]) {
      const copy = copyOf(0, 4);
      copy.acknowledged(copy.runOf(0), 1, 0);
      copy.acknowledged(copy.runOf(1), 1, 1);
      expect(() => copy.acknowledged(copy.runOf(2), 1, offset)).toThrow(
        `Copying t-0: the target answered offset ${offset}`,
      );
    }
  });

  test("the target must hold as many records as it has acknowledged, from where the copy began", () => {
    const copy = copyOf(0, 2, [], 5);
    const run = copy.runOf(0);
    copy.runOf(1);
    copy.acknowledged(run, 2, 5);
    expect(judgeCopy(copy, { start: 5, end: 7 })).toEqual([]);
    const texts = (start: number, end: number) =>
      judgeCopy(copy, { start, end }).map(({ kind, text }) => `${kind}: ${text}`);
    expect(texts(5, 8)).toEqual([
      expect.stringMatching(/^incomplete: partition t-0 holds 1 records more than the 2 that were acknowledged/),
    ]);
    expect(texts(5, 6)).toEqual([expect.stringMatching(/holds 1 records fewer than the 2/)]);
    expect(texts(4, 7)).toEqual([expect.stringMatching(/^incomplete: partition t-0 begins at 4 and not at 5/)]);
    expect(texts(6, 7)).toEqual([expect.stringMatching(/^incomplete: the target has deleted .* t-0 before offset 6/)]);
  });
});
