import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isPlausibleIndex, SegmentIndex } from "../../../../../src/broker/log/segments/segment-index.js";

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
    index.addTime(-5, 3);
    index.addTime(2 ** 40 + 1, 9);
    const times = index.timeBytes;
    expect(isPlausibleIndex(bytes, times, 501)).toBe(true);
    expect(isPlausibleIndex(bytes, times.subarray(0, 23), 501)).toBe(false);
    expect(isPlausibleIndex(bytes, Buffer.concat([times.subarray(12), times]), 501)).toBe(false);
    expect(isPlausibleIndex(bytes, Buffer.concat([times, times.subarray(12)]), 501)).toBe(false);
  });
});
