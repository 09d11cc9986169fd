import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { judgeMarker } from "../../../../../src/broker/log/producers/judge-marker.js";
import { judgeSequence } from "../../../../../src/broker/log/producers/judge-sequence.js";
import { decodeProducers, encodeProducers } from "../../../../../src/broker/log/producers/producer-snapshot.js";
import { ProducerState } from "../../../../../src/broker/log/producers/producer-state.js";
import { crc32c } from "../../../../../src/protocol/crc32c.js";
import { sequenceAfter } from "../../../../../src/protocol/records/sequence.js";

const MAX = 2 ** 31 - 1;

function batch(baseSequence: number, count = 1, producerEpoch = 0) {
  return {
    attributes: 0,
    producerId: 9,
    producerEpoch,
    baseSequence,
    lastOffsetDelta: count - 1,
    maxTimestampMs: 5 + baseSequence,
  };
}

const transactional = (each: ReturnType<typeof batch>) => ({ ...each, attributes: 0x10 });
const COMMIT = { producerId: 9, producerEpoch: 0, kind: "COMMIT", coordinatorEpoch: 1 } as const;
const ABORT = { ...COMMIT, kind: "ABORT" } as const;
const FENCED = { kind: "refused", error: "INVALID_PRODUCER_EPOCH" };
const OUT_OF_ORDER = { kind: "refused", error: "OUT_OF_ORDER_SEQUENCE_NUMBER" };

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
    expect(judgeSequence(undefined, batch(77))).toEqual({ kind: "append", begins: false });
  });

  test("must go on without a gap", () => {
    const entry = having(batch(0, 3)).entry(9);
    expect(judgeSequence(entry, batch(3)).kind).toBe("append");
    expect(judgeSequence(entry, batch(4))).toMatchObject(OUT_OF_ORDER);
    expect(judgeSequence(entry, batch(1))).toMatchObject(OUT_OF_ORDER);
  });

  test("recognises a retry of each of the last five batches, with the offset it was given, and of no older one", () => {
    const entry = having(batch(0, 2), batch(2), batch(3), batch(4), batch(5), batch(6)).entry(9);
    expect(judgeSequence(entry, batch(0, 2))).toMatchObject(OUT_OF_ORDER);
    for (let sequence = 2; sequence <= 6; sequence++) {
      expect(judgeSequence(entry, batch(sequence))).toMatchObject({
        kind: "duplicate",
        batch: { lastOffset: sequence },
      });
    }
    expect(judgeSequence(entry, batch(2, 2))).toMatchObject(OUT_OF_ORDER);
  });

  test("wraps to 0 after its largest value", () => {
    const entry = having(batch(MAX - 1, 2)).entry(9);
    expect(judgeSequence(entry, batch(0)).kind).toBe("append");
    expect(sequenceAfter(MAX, 1)).toBe(0);
  });

  test("starts at 0 in a new epoch, and an old epoch is fenced", () => {
    const entry = having(batch(0), batch(1)).entry(9);
    expect(judgeSequence(entry, batch(0, 1, 1)).kind).toBe("append");
    expect(judgeSequence(entry, batch(2, 1, 1))).toMatchObject(OUT_OF_ORDER);
    const newer = having(batch(0, 1, 1)).entry(9);
    expect(judgeSequence(newer, batch(1, 1, 0))).toMatchObject(FENCED);
    expect(judgeSequence(newer, batch(0, 1, 0))).toMatchObject(FENCED);
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

  test("outlives a snapshot: each of the last five batches is still recognised, also across the wrap", () => {
    for (const base of [0, 41, MAX - 1, MAX]) {
      const starts = [0, 3, 6, 9, 12, 15].map((delta) => sequenceAfter(base, delta));
      const state = having(...starts.map((start) => batch(start, 3)));
      const [entry] = decodeProducers(encodeProducers(state.entries()), 0);
      expect(entry).toEqual(state.entry(9));
      for (const [at, start] of starts.entries()) {
        const expected = at === 0 ? OUT_OF_ORDER : { kind: "duplicate", batch: { lastOffset: at * 3 + 2 } };
        expect(judgeSequence(entry, batch(start, 3))).toMatchObject(expected);
      }
      expect(judgeSequence(entry, batch(sequenceAfter(base, 18))).kind).toBe("append");
    }
  });

  test("of a snapshot that Kafka wrote, which holds the last batch only, goes on behind it", () => {
    const written = encodeProducers(having(batch(0), batch(1)).entries());
    const kafkas = Buffer.from(written.subarray(0, 6 + 4 + 46));
    kafkas.writeUInt32BE(crc32c(kafkas, 6), 2);
    const [entry] = decodeProducers(kafkas, 0);
    expect(judgeSequence(entry, batch(1)).kind).toBe("duplicate");
    expect(judgeSequence(entry, batch(2)).kind).toBe("append");
  });

  test("the marker of a transaction has no sequence number, and a newer epoch in it begins at 0", () => {
    const state = having(batch(0, 3));
    state.end(COMMIT, 3, 0, 0);
    expect(judgeSequence(state.entry(9), batch(3)).kind).toBe("append");
    state.end({ ...COMMIT, producerEpoch: 1 }, 4, 0, 0);
    expect(judgeSequence(state.entry(9), batch(3))).toMatchObject(FENCED);
    expect(judgeSequence(state.entry(9), { ...batch(0), producerEpoch: 1 }).kind).toBe("append");
    expect(judgeSequence(state.entry(9), { ...batch(3), producerEpoch: 1 })).toMatchObject(OUT_OF_ORDER);
  });

  test("a damaged snapshot is refused", () => {
    const snapshot = encodeProducers(having(batch(0)).entries());
    snapshot[10]! ^= 1;
    expect(() => decodeProducers(snapshot, 0)).toThrow(/checksum/);
  });
});

describe("the transactions of a partition", () => {
  const other = (each: ReturnType<typeof batch>) => ({ ...transactional(each), producerId: 8 });

  test("begin with the first transactional batch, which the coordinator must allow, and end with a marker", () => {
    const state = new ProducerState();
    expect(judgeSequence(undefined, transactional(batch(0)))).toEqual({ kind: "append", begins: true });
    state.note(transactional(batch(0)), 10, 0);
    expect(judgeSequence(state.entry(9), transactional(batch(1)))).toEqual({ kind: "append", begins: false });
    state.note(transactional(batch(1)), 11, 0);
    expect(state.open).toEqual([{ producerId: 9, firstOffset: 10 }]);
    expect(state.end(COMMIT, 12, 0, 0)).toBeUndefined();
    expect(state.open).toEqual([]);
    expect(judgeSequence(state.entry(9), transactional(batch(2)))).toEqual({ kind: "append", begins: true });
  });

  test("exclude batches of their producer that are not transactional", () => {
    const state = new ProducerState();
    state.note(transactional(batch(0)), 0, 0);
    expect(judgeSequence(state.entry(9), batch(1))).toMatchObject({ kind: "refused", error: "INVALID_TXN_STATE" });
  });

  test("hold back readers of committed records until their marker is readable", () => {
    const state = new ProducerState();
    state.note(transactional(batch(0)), 10, 0);
    state.note(other(batch(0)), 11, 0);
    expect(state.firstUnstable(12)).toBe(10);
    state.end(COMMIT, 12, 0, 0);
    expect(state.firstUnstable(12)).toBe(10);
    expect(state.firstUnstable(13)).toBe(11);
  });

  test("when aborted tell which ones had ended before: what begins later need not be looked for", () => {
    const state = new ProducerState();
    state.note(transactional(batch(0)), 10, 0);
    state.note(other(batch(0)), 11, 0);
    expect(state.end(ABORT, 12, 0, 0)).toEqual({
      producerId: 9,
      firstOffset: 10,
      lastOffset: 12,
      lastStableOffset: 11,
    });
    const last = { producerId: 8, firstOffset: 11, lastOffset: 13, lastStableOffset: 14 };
    expect(state.end({ ...ABORT, producerId: 8 }, 13, 0, 0)).toEqual(last);
  });

  test("that are open outlive a snapshot and their producer's expiry", () => {
    const state = new ProducerState();
    state.note(other(batch(0)), 3, 0);
    state.note(transactional(batch(0)), 4, 0);
    state.end({ ...COMMIT, producerId: 7 }, 5, 0, 0);
    const restored = new ProducerState();
    restored.restore(decodeProducers(encodeProducers([...state.entries()].reverse()), 0));
    expect(restored.open).toEqual(state.open);
    restored.expire(1000, 1);
    expect([restored.size, restored.firstUnstable(10)]).toEqual([2, 3]);
  });

  test("take no marker of an older producer or coordinator, and one without a transaction", () => {
    const state = having(batch(0, 1, 2));
    const entry = state.entry(9);
    expect(judgeMarker(entry, { ...COMMIT, producerEpoch: 1 })?.error).toBe("INVALID_PRODUCER_EPOCH");
    expect(judgeMarker(entry, { ...COMMIT, producerEpoch: 2 })).toBeUndefined();
    state.end({ ...COMMIT, producerEpoch: 3, coordinatorEpoch: 5 }, 1, 0, 0);
    expect(judgeMarker(entry, { ...COMMIT, producerEpoch: 3, coordinatorEpoch: 4 })?.error).toBe(
      "TRANSACTION_COORDINATOR_FENCED",
    );
    expect(judgeMarker(entry, { ...ABORT, producerEpoch: 3, coordinatorEpoch: 5 })).toBeUndefined();
    expect(judgeMarker(undefined, COMMIT)).toBeUndefined();
  });
});
