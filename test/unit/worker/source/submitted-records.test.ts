import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SourceMap } from "../../../../src/api/index.js";
import { SubmittedRecords } from "../../../../src/worker/source/submitted-records.js";

const A = { file: "a" };
const B = { file: "b" };
const at = (sourcePartition: SourceMap, position: number) => ({ sourcePartition, sourceOffset: { position } });

describe("the ledger of submitted records", () => {
  test("an offset becomes committable once its whole range is settled, and is returned once", () => {
    const ledger = new SubmittedRecords();
    const range = ledger.submit([at(A, 1), at(A, 2), at(A, 3)]).rangeOf(A);
    ledger.settle(range, 2);
    expect(ledger.takeCommittable()).toEqual([]);
    ledger.settle(range, 1);
    expect(ledger.takeCommittable()).toEqual([{ partition: A, offset: { position: 3 } }]);
    expect(ledger.takeCommittable()).toEqual([]);
    expect(ledger.unsettled).toBe(0);
  });

  test("a later range waits for an earlier one of its partition, but not for another partition's", () => {
    const ledger = new SubmittedRecords();
    const first = ledger.submit([at(A, 1), at(B, 1)]);
    const second = ledger.submit([at(A, 2), at(B, 2)]);
    ledger.settle(second.rangeOf(A), 1);
    ledger.settle(first.rangeOf(B), 1);
    expect(ledger.takeCommittable()).toEqual([{ partition: B, offset: { position: 1 } }]);
    ledger.settle(first.rangeOf(A), 1);
    expect(ledger.takeCommittable()).toEqual([{ partition: A, offset: { position: 2 } }]);
  });

  test("partitions interleaved in a batch have one range each, and equal partitions share one", () => {
    const ledger = new SubmittedRecords();
    const submission = ledger.submit([at(A, 1), at(B, 1), at({ file: "a" }, 2), at(B, 2), at(A, 3)]);
    expect(submission.rangeOf(A)).toBe(submission.rangeOf({ file: "a" }));
    expect(submission.rangeOf(A).unsettled).toBe(3);
    ledger.settle(submission.rangeOf(A), 3);
    expect(ledger.takeCommittable()).toEqual([{ partition: A, offset: { position: 3 } }]);
  });

  test("offsets put back are returned again, unless newer ones have replaced them", () => {
    const ledger = new SubmittedRecords();
    ledger.settle(ledger.submit([at(A, 1)]).rangeOf(A), 1);
    ledger.settle(ledger.submit([at(B, 1)]).rangeOf(B), 1);
    const taken = ledger.takeCommittable();
    ledger.settle(ledger.submit([at(A, 2)]).rangeOf(A), 1);
    ledger.putBack(taken);
    expect(ledger.takeCommittable()).toEqual([
      { partition: A, offset: { position: 2 } },
      { partition: B, offset: { position: 1 } },
    ]);
  });

  test("withdrawn records leave only the offset before them", () => {
    const ledger = new SubmittedRecords();
    const submission = ledger.submit([at(A, 1), at(A, 2), at(B, 1)]);
    ledger.withdraw(submission.rangeOf(A), 1, { position: 1 });
    ledger.withdraw(submission.rangeOf(B), 1, undefined);
    expect(ledger.takeCommittable()).toEqual([]);
    ledger.settle(submission.rangeOf(A), 1);
    expect(ledger.takeCommittable()).toEqual([{ partition: A, offset: { position: 1 } }]);
  });

  test("a barrier waits for records submitted before it and for none after", () => {
    const ledger = new SubmittedRecords();
    const first = ledger.submit([at(A, 1)]).rangeOf(A);
    const other = ledger.submit([at(B, 1)]).rangeOf(B);
    let reached = 0;
    ledger.afterSettled(() => reached++);
    const later = ledger.submit([at(A, 2)]).rangeOf(A);
    ledger.settle(later, 1);
    ledger.settle(first, 1);
    expect(reached).toBe(0);
    ledger.settle(other, 1);
    expect(reached).toBe(1);
    ledger.afterSettled(() => reached++);
    expect(reached).toBe(2);
  });

  test("settling more records than were submitted is refused", () => {
    const ledger = new SubmittedRecords();
    const range = ledger.submit([at(A, 1)]).rangeOf(A);
    expect(() => ledger.settle(range, 2)).toThrow("1 more records settled");
  });

  test("any batches, order of settling and failed flushes: never beyond an unsettled record, nothing twice, everything at last (I1)", () => {
    const step = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant("submit" as const),
          partitions: fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 8 }),
        }),
      },
      {
        weight: 4,
        arbitrary: fc.record({
          kind: fc.constant("settle" as const),
          pick: fc.nat(),
          count: fc.integer({ min: 1, max: 4 }),
        }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("flush" as const), fails: fc.boolean() }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const ledger = new SubmittedRecords();
        const partitions = [0, 1, 2].map((p) => ({ p }));
        const next = [0, 0, 0];
        const settledUpTo: boolean[][] = [[], [], []];
        const stored = [-1, -1, -1];
        const open: {
          range: ReturnType<ReturnType<SubmittedRecords["submit"]>["rangeOf"]>;
          p: number;
          positions: number[];
        }[] = [];
        const settle = (at: number, count: number) => {
          const entry = open[at]!;
          const taken = entry.positions.splice(0, count);
          for (const position of taken) settledUpTo[entry.p]![position] = true;
          ledger.settle(entry.range, taken.length);
          if (entry.positions.length === 0) open.splice(at, 1);
        };
        const flush = (fails: boolean) => {
          const taken = ledger.takeCommittable();
          for (const { partition, offset } of taken) {
            const p = partition["p"] as number;
            const position = offset["position"] as number;
            for (let before = 0; before <= position; before++) expect(settledUpTo[p]![before]).toBe(true);
            expect(position).toBeGreaterThan(stored[p]!);
            if (!fails) stored[p] = position;
          }
          if (fails) ledger.putBack(taken);
        };
        for (const action of steps) {
          if (action.kind === "submit") {
            const batch = action.partitions.map((p) => ({ p, ...at(partitions[p]!, next[p]!++) }));
            const submission = ledger.submit(batch);
            for (const p of new Set(action.partitions)) {
              const positions = batch.filter((entry) => entry.p === p).map((entry) => entry.sourceOffset.position);
              open.push({ range: submission.rangeOf(partitions[p]!), p, positions });
            }
          } else if (action.kind === "settle") {
            if (open.length > 0) settle(action.pick % open.length, action.count);
          } else {
            flush(action.fails);
          }
        }
        while (open.length > 0) settle(open.length - 1, 100);
        flush(false);
        for (const p of [0, 1, 2]) expect(stored[p]).toBe(next[p]! - 1);
        expect(ledger.unsettled).toBe(0);
      }),
      { numRuns: 500 },
    );
  });
});
