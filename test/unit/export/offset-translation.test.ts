import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OffsetTranslation } from "../../../src/export/offset-translation.js";
import { seedOf } from "../../support/seed.js";

describe("the translation of committed offsets", () => {
  test("agrees with a table of all records, whatever is missing, repeated and acknowledged together", () => {
    const log = fc.record({
      start: fc.nat(20),
      /** Offsets missing before each record, and records at the target that are not of the copy. */
      steps: fc.array(
        fc.record({ gap: fc.oneof(fc.constant(0), fc.nat(5)), surplus: fc.oneof(fc.constant(0), fc.nat(2)) }),
      ),
      targetStart: fc.nat(10),
      chunks: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1 }),
      committed: fc.array(fc.nat(80)),
    });
    fc.assert(
      fc.property(log, ({ start, steps, targetStart, chunks, committed }) => {
        const table: { source: number; target: number }[] = [];
        let [source, target] = [start, targetStart];
        for (const { gap, surplus } of steps) {
          source += gap;
          target += surplus;
          table.push({ source: source++, target: target++ });
        }
        const end = table.length === 0 ? targetStart : table.at(-1)!.target + 1;
        const translation = new OffsetTranslation(committed);
        for (let at = 0, chunk = 0; at < table.length; chunk++) {
          const first = table[at]!;
          let count = 1;
          // As the target acknowledges: consecutive offsets here and there, of which one answer may hold only a part.
          while (
            count < chunks[chunk % chunks.length]! &&
            table[at + count]?.source === first.source + count &&
            table[at + count]?.target === first.target + count
          )
            count++;
          translation.copied(first.source, count, first.target);
          at += count;
        }
        translation.finish(end);
        for (const offset of committed) {
          const next = table.find((each) => each.source >= offset);
          expect(translation.translate(offset)).toBe(next?.target ?? end);
        }
        expect(translation.firstShift).toEqual(table.find((each) => each.source !== each.target));
      }),
      { seed: seedOf("offset translation"), numRuns: 2_000 },
    );
  });

  test("an offset that was not asked for, or whose record is not copied yet, has none", () => {
    const translation = new OffsetTranslation([5, 7]);
    translation.copied(0, 6, 0);
    expect([4, 5, 7].map((offset) => translation.translate(offset))).toEqual([undefined, 5, undefined]);
  });
});
