import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { groupSegments, planCleaning } from "../../../../src/broker/log/cleaning/plan-cleaning.js";
import { decodeEpochs, encodeEpochs, LeaderEpochs } from "../../../../src/broker/log/leader-epochs.js";
import { planRetention } from "../../../../src/broker/log/retention.js";
import { isPlausibleIndex, SegmentIndex } from "../../../../src/broker/log/segments/segment-index.js";

describe("the sparse index of a segment", () => {
  const entries = fc.array(
    fc.record({
      offsets: fc.integer({ min: 1, max: 50 }),
      bytes: fc.integer({ min: 61, max: 900 }),
      time: fc.nat({ max: 1000 }),
    }),
    { minLength: 1, maxLength: 60 },
  );

  test("points at or before the batch of any offset and any time", () => {
    fc.assert(
      fc.property(entries, fc.nat({ max: 400 }), (batches, interval) => {
        const index = new SegmentIndex();
        const placed: { last: number; position: number; time: number }[] = [];
        let last = -1;
        let position = 0;
        let maxTime = -1;
        let maxTimeOffset = -1;
        for (const { offsets, bytes, time } of batches) {
          last += offsets;
          if (time > maxTime) {
            maxTime = time;
            maxTimeOffset = last;
          }
          if (index.lastPosition < 0 || position - index.lastPosition >= interval) {
            index.addOffset(last, position);
            index.addTime(maxTime, maxTimeOffset);
          }
          placed.push({ last, position, time });
          position += bytes;
        }
        for (let offset = 0; offset <= last; offset++) {
          const holder = placed.find((each) => each.last >= offset)!;
          expect(index.positionBefore(offset)).toBeLessThanOrEqual(holder.position);
        }
        for (let time = 0; time <= maxTime; time++) {
          const holder = placed.find((each) => each.time >= time)!;
          expect(index.offsetBeforeTime(time)).toBeLessThanOrEqual(holder.last);
        }
        expect(isPlausibleIndex(index.offsetBytes, index.timeBytes, position)).toBe(true);
        const again = new SegmentIndex(index.offsetBytes, index.timeBytes);
        expect(again.positionBefore(last)).toBe(index.positionBefore(last));
        expect(again.lastTime).toEqual(index.lastTime);
      }),
    );
  });

  test("is not taken for plausible when it is cut, beyond the segment or not rising", () => {
    const index = new SegmentIndex();
    index.addOffset(3, 0);
    index.addOffset(9, 500);
    const bytes = index.offsetBytes;
    const none = Buffer.alloc(0);
    expect(isPlausibleIndex(bytes, none, 501)).toBe(true);
    expect(isPlausibleIndex(bytes, none, 500)).toBe(false);
    expect(isPlausibleIndex(bytes.subarray(0, 15), none, 501)).toBe(false);
    expect(isPlausibleIndex(Buffer.concat([bytes, bytes]), none, 501)).toBe(false);
  });
});

describe("leader epochs", () => {
  test("tell where each epoch ended", () => {
    const epochs = new LeaderEpochs();
    epochs.note(2, 0);
    expect(epochs.note(2, 5)).toBe(false);
    epochs.note(5, 10);
    expect(epochs.endOf(1, 7, 30)).toEqual({ leaderEpoch: 1, endOffset: 0 });
    expect(epochs.endOf(2, 7, 30)).toEqual({ leaderEpoch: 2, endOffset: 10 });
    expect(epochs.endOf(4, 7, 30)).toEqual({ leaderEpoch: 2, endOffset: 10 });
    expect(epochs.endOf(6, 7, 30)).toEqual({ leaderEpoch: 5, endOffset: 30 });
    expect(epochs.endOf(7, 7, 30)).toEqual({ leaderEpoch: 7, endOffset: 30 });
    expect(epochs.endOf(8, 7, 30)).toEqual({ leaderEpoch: -1, endOffset: -1 });
  });

  test("forget what was cut away, and an epoch that wrote nothing", () => {
    const epochs = new LeaderEpochs([
      { epoch: 1, startOffset: 0 },
      { epoch: 2, startOffset: 10 },
    ]);
    expect(epochs.truncate(10)).toBe(true);
    expect(epochs.starts).toEqual([{ epoch: 1, startOffset: 0 }]);
    epochs.note(3, 8);
    epochs.note(4, 8);
    expect(epochs.starts).toEqual([
      { epoch: 1, startOffset: 0 },
      { epoch: 4, startOffset: 8 },
    ]);
    expect(decodeEpochs(encodeEpochs(epochs.starts))).toEqual(epochs.starts);
    expect(decodeEpochs("0\n5\n1 0\n")).toBeUndefined();
  });
});

describe("retention", () => {
  const segments = [100, 200, 300].map((timestampMs, at) => ({ nextOffset: (at + 1) * 10, size: 50, timestampMs }));
  const config = (changes: object) => ({
    cleanupPolicy: new Set(["delete"] as const),
    retentionBytes: -1,
    retentionMs: -1,
    ...changes,
  });

  test.each([
    ["nothing is limited", {}, 0, 0],
    ["only time is, and the oldest is over it", { retentionMs: 100 }, 0, 1],
    ["all are over it, the active one too", { retentionMs: 0 }, 0, 2],
    ["size is: what remains must still reach it", { retentionBytes: 100 }, 0, 1],
    ["size is just not passed", { retentionBytes: 101 }, 0, 0],
    ["the start was raised over two of them", {}, 25, 2],
    ["the start was raised and the topic is compacted", { cleanupPolicy: new Set(["compact"]), retentionMs: 0 }, 10, 1],
  ])("when %s", (_, changes, start, count) => {
    expect(planRetention(segments, config(changes) as never, start, 300)).toBe(count);
  });

  test("takes a segment that compaction has emptied like any other", () => {
    const emptied = [{ nextOffset: 5, size: 0, timestampMs: 50 }, ...segments];
    expect(planRetention(emptied, config({ retentionMs: 100 }) as never, 0, 300)).toBe(2);
  });

  test("takes the active segment too, but never an empty one", () => {
    const old = config({ retentionMs: 0 });
    expect(planRetention(segments, old, 0, 301)).toBe(3);
    expect(planRetention([...segments, { nextOffset: 30, size: 0, timestampMs: 0 }], old, 0, 301)).toBe(3);
  });
});

describe("cleaning", () => {
  const segments = [0, 10, 20, 30].map((baseOffset) => ({
    baseOffset,
    nextOffset: baseOffset + 10,
    size: 100,
    timestampMs: 1000 + baseOffset,
  }));
  const config = {
    cleanupPolicy: new Set(["compact"] as const),
    minCleanableDirtyRatio: 0.5,
    minCompactionLagMs: 0,
    maxCompactionLagMs: 2 ** 50,
  };

  test("covers all but the active segment, from where the last one ended", () => {
    expect(planCleaning(segments, config, 0, 40, 2000)).toEqual({ firstDirtyOffset: 0, endOffset: 30, dirtyRatio: 1 });
    expect(planCleaning(segments, config, 10, 40, 2000)).toMatchObject({ firstDirtyOffset: 10, endOffset: 30 });
    expect(planCleaning(segments, config, 20, 40, 2000)).toBeUndefined();
    expect(planCleaning(segments, config, 30, 40, 2000)).toBeUndefined();
    expect(planCleaning(segments.slice(0, 1), config, 0, 40, 2000)).toBeUndefined();
  });

  test("keeps its hands off what is too young, and hurries for what is too old", () => {
    expect(planCleaning(segments, { ...config, minCompactionLagMs: 985 }, 0, 40, 2000)).toMatchObject({
      endOffset: 20,
    });
    expect(planCleaning(segments, { ...config, maxCompactionLagMs: 500 }, 20, 40, 2000)).toMatchObject({
      firstDirtyOffset: 20,
    });
    expect(
      planCleaning(segments, { ...config, cleanupPolicy: new Set(["delete"]) } as never, 0, 40, 2000),
    ).toBeUndefined();
  });

  test("groups neighbours that fit into one segment", () => {
    const bases = (groups: { baseOffset: number }[][]) =>
      groups.map((group) => group.map(({ baseOffset }) => baseOffset));
    expect(bases(groupSegments(segments, 200))).toEqual([
      [0, 10],
      [20, 30],
    ]);
    expect(bases(groupSegments(segments, 99))).toEqual([[0], [10], [20], [30]]);
  });
});
