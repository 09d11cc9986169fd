import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeProducers, encodeProducers } from "../../../../src/broker/log/producer-snapshot.js";
import { judgeSequence, ProducerState } from "../../../../src/broker/log/producer-state.js";
import { sequenceAfter } from "../../../../src/protocol/records/sequence.js";

const MAX = 2 ** 31 - 1;

function batch(baseSequence: number, count = 1, producerEpoch = 0) {
  return { producerId: 9, producerEpoch, baseSequence, lastOffsetDelta: count - 1, maxTimestampMs: 5 };
}

/** A partition that has taken these batches, one record each unless said otherwise. */
function having(...batches: ReturnType<typeof batch>[]): ProducerState {
  const state = new ProducerState();
  let offset = 0;
  for (const each of batches) {
    state.note(each, offset, 0);
    offset += each.lastOffsetDelta + 1;
  }
  return state;
}

describe("the sequence of an idempotent producer", () => {
  test("may start anywhere when the producer is not known", () => {
    expect(judgeSequence(undefined, batch(77))).toEqual({ kind: "append" });
  });

  test("must go on without a gap", () => {
    const entry = having(batch(0, 3)).entry(9);
    expect(judgeSequence(entry, batch(3)).kind).toBe("append");
    expect(judgeSequence(entry, batch(4)).kind).toBe("out-of-order");
    expect(judgeSequence(entry, batch(1)).kind).toBe("out-of-order");
  });

  test("recognises a retry of each of the last five batches, with the offset it was given, and of no older one", () => {
    const entry = having(batch(0, 2), batch(2), batch(3), batch(4), batch(5), batch(6)).entry(9);
    expect(judgeSequence(entry, batch(0, 2)).kind).toBe("out-of-order");
    for (let sequence = 2; sequence <= 6; sequence++) {
      expect(judgeSequence(entry, batch(sequence))).toMatchObject({
        kind: "duplicate",
        batch: { lastOffset: sequence },
      });
    }
    expect(judgeSequence(entry, batch(2, 2)).kind).toBe("out-of-order");
  });

  test("wraps to 0 after its largest value", () => {
    const entry = having(batch(MAX - 1, 2)).entry(9);
    expect(judgeSequence(entry, batch(0)).kind).toBe("append");
    expect(sequenceAfter(MAX, 1)).toBe(0);
  });

  test("starts at 0 in a new epoch, and an old epoch is fenced", () => {
    const entry = having(batch(0), batch(1)).entry(9);
    expect(judgeSequence(entry, batch(0, 1, 1)).kind).toBe("append");
    expect(judgeSequence(entry, batch(2, 1, 1)).kind).toBe("out-of-order");
    const newer = having(batch(0, 1, 1)).entry(9);
    expect(judgeSequence(newer, batch(1, 1, 0)).kind).toBe("stale-epoch");
    expect(judgeSequence(newer, batch(0, 1, 0)).kind).toBe("stale-epoch");
  });

  test("is forgotten when the producer was idle for too long", () => {
    const state = having(batch(0));
    state.expire(1000, 1000);
    expect(state.size).toBe(1);
    state.expire(1001, 1000);
    expect(state.size).toBe(0);
  });

  test("stores each batch once and in order, however batches are retried and reordered on the way", () => {
    const send = fc.record({ next: fc.nat({ max: 4 }), count: fc.integer({ min: 1, max: 3 }) });
    fc.assert(
      fc.property(fc.array(send, { minLength: 1, maxLength: 60 }), (sends) => {
        const state = new ProducerState();
        const stored: number[] = [];
        let sequence = MAX - 20;
        const sizes = new Map<number, number>();
        for (const { next, count } of sends) {
          // One of the last batches again, or the next one, or one too far ahead.
          const back = next === 0 ? 0 : next === 4 ? -1 : next;
          let start = sequence;
          if (back < 0) start = sequenceAfter(sequence, 5);
          const known = [...sizes.keys()];
          if (back > 0 && known.length >= back) start = known[known.length - back]!;
          const size = sizes.get(start) ?? count;
          const verdict = judgeSequence(state.entry(9), batch(start, size));
          if (verdict.kind !== "append") continue;
          state.note(batch(start, size), stored.length, 0);
          for (let at = 0; at < size; at++) stored.push(sequenceAfter(start, at));
          sizes.set(start, size);
          sequence = sequenceAfter(start, size);
        }
        expect(stored).toEqual(stored.map((_, at) => sequenceAfter(stored[0]!, at)));
      }),
    );
  });

  test("outlives a snapshot: the last batch is still recognised, also across the wrap", () => {
    for (const base of [0, 41, MAX - 1, MAX]) {
      const snapshot = encodeProducers(having(batch(base, 3)).entries());
      const [entry] = decodeProducers(snapshot, 0);
      expect(judgeSequence(entry, batch(base, 3)).kind).toBe("duplicate");
      expect(judgeSequence(entry, batch(sequenceAfter(base, 3))).kind).toBe("append");
    }
  });

  test("the marker of a transaction has no sequence number, and a newer epoch in it begins at 0", () => {
    const state = having(batch(0, 3));
    state.noteMarker(batch(0), 0);
    expect(judgeSequence(state.entry(9), batch(3)).kind).toBe("append");
    state.noteMarker({ ...batch(0), producerEpoch: 1 }, 0);
    expect(judgeSequence(state.entry(9), batch(3)).kind).toBe("stale-epoch");
    expect(judgeSequence(state.entry(9), { ...batch(0), producerEpoch: 1 }).kind).toBe("append");
    expect(judgeSequence(state.entry(9), { ...batch(3), producerEpoch: 1 }).kind).toBe("out-of-order");
  });

  test("a damaged snapshot is refused", () => {
    const snapshot = encodeProducers(having(batch(0)).entries());
    snapshot[10]! ^= 1;
    expect(() => decodeProducers(snapshot, 0)).toThrow(/checksum/);
  });
});
