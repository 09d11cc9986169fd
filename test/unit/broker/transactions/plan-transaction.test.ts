import { describe, expect, test } from "vitest";
import {
  isExpired,
  judgeTransactionData,
  planAdd,
  planCompletion,
  planEnd,
  planInit,
  planTimeout,
  type TransactionPlan,
} from "../../../../src/broker/transactions/plan-transaction.js";
import {
  LAST_EPOCH,
  onlyPartition,
  type TransactionState,
} from "../../../../src/broker/transactions/transaction-state.js";

const T0 = onlyPartition("t", 0);
const T1 = onlyPartition("t", 1);
const NEW_ID = () => 77;
const unused = () => {
  throw new Error("no producer id is needed here");
};

/** The state that a plan moves to. */
function moved(plan: TransactionPlan): TransactionState {
  if (plan.kind !== "move") throw new Error(`the plan is to ${JSON.stringify(plan)}`);
  return plan.next;
}

function init(current: TransactionState | undefined, session?: { producerId: number; producerEpoch: number }) {
  const { producerId, producerEpoch } = session ?? { producerId: -1, producerEpoch: -1 };
  const command = { transactionalId: "x", timeoutMs: 1000, producerId, producerEpoch };
  return planInit(current, command, 50, current ? unused : () => 7);
}

const fresh = moved(init(undefined));
const session = { producerId: 7, producerEpoch: 0 };
const ongoing = moved(planAdd(fresh, session, T0, 1, 100));
const ongoing2 = moved(planAdd(fresh, session, T0, 2, 100));
const end = (current: TransactionState, isCommit: boolean, version: 1 | 2 = 1, by = session) =>
  planEnd(current, { ...by, isCommit, version }, 200, NEW_ID);
const ended = (current: TransactionState, isCommit: boolean, version: 1 | 2 = 1, by = session) =>
  planCompletion(moved(end(current, isCommit, version, by)), 300);

describe("InitProducerId", () => {
  test("gives a new id its producer id and epoch 0, and raises the epoch each time", () => {
    expect(fresh).toMatchObject({ producerId: 7, producerEpoch: 0, status: "Empty", timeoutMs: 1000, startMs: -1 });
    const next = moved(init(fresh));
    expect(next).toMatchObject({ producerId: 7, producerEpoch: 1, status: "Empty", lastEpoch: -1 });
    expect(moved(init(ended(ongoing, true)))).toMatchObject({ producerEpoch: 1, status: "Empty", startMs: -1 });
  });

  test("aborts an open transaction with an epoch for nobody first, and waits for an end", () => {
    const fenced = moved(init(ongoing));
    expect(fenced).toMatchObject({ status: "PrepareAbort", producerEpoch: 1, partitions: T0 });
    expect(init(fenced)).toEqual({ kind: "refuse", error: "CONCURRENT_TRANSACTIONS" });
    expect(moved(init(planCompletion(fenced, 60)))).toMatchObject({ status: "Empty", producerEpoch: 2 });
  });

  test("continues the current session only, and answers its repetition without another epoch (KIP-360)", () => {
    const continued = moved(init(fresh, session));
    expect(continued).toMatchObject({ producerEpoch: 1, lastEpoch: 0 });
    expect(init(continued, session)).toEqual({ kind: "keep" });
    const twice = moved(init(continued, { producerId: 7, producerEpoch: 1 }));
    expect(init(twice, session)).toEqual({ kind: "refuse", error: "PRODUCER_FENCED" });
    expect(init(moved(init(fresh)), session)).toEqual({ kind: "refuse", error: "PRODUCER_FENCED" });
    expect(init(fresh, { producerId: 8, producerEpoch: 0 })).toEqual({ kind: "refuse", error: "PRODUCER_FENCED" });
  });

  test("takes a new producer id when the epochs are used up", () => {
    const last = { ...fresh, producerEpoch: LAST_EPOCH };
    const anew = (by: { producerId: number; producerEpoch: number }, from: TransactionState = last) =>
      planInit(from, { transactionalId: "x", timeoutMs: 1, ...by }, 50, NEW_ID);
    const expected = { producerId: 77, producerEpoch: 0, previousProducerId: 7 };
    expect(moved(anew({ producerId: -1, producerEpoch: -1 }))).toMatchObject(expected);
    const continued = moved(anew({ producerId: 7, producerEpoch: LAST_EPOCH }));
    expect(continued).toMatchObject(expected);
    expect(anew({ producerId: 7, producerEpoch: LAST_EPOCH }, continued)).toEqual({ kind: "keep" });
    // The epoch that fenced the last session is no session's.
    expect(
      moved(anew({ producerId: -1, producerEpoch: -1 }, { ...last, producerEpoch: LAST_EPOCH + 1 })),
    ).toMatchObject(expected);
  });
});

describe("adding partitions", () => {
  test("begins a transaction, and keeps its start", () => {
    expect(ongoing).toMatchObject({ status: "Ongoing", startMs: 100, partitions: T0 });
    const wider = moved(planAdd(ongoing, session, T1, 1, 150));
    expect(wider).toMatchObject({ startMs: 100, partitions: new Map([["t", new Set([0, 1])]]) });
    expect(planAdd(wider, session, T0, 1, 160)).toEqual({ kind: "keep" });
    expect(moved(planAdd(ended(ongoing, true), session, T1, 1, 400))).toMatchObject({ startMs: 400, partitions: T1 });
  });

  test.each([
    ["no such id", undefined, session, "INVALID_PRODUCER_ID_MAPPING"],
    ["another producer id", fresh, { producerId: 8, producerEpoch: 0 }, "INVALID_PRODUCER_ID_MAPPING"],
    ["an older epoch", moved(init(fresh)), session, "PRODUCER_FENCED"],
    ["a transaction that is ending", moved(end(ongoing, true)), session, "CONCURRENT_TRANSACTIONS"],
  ] as const)("is refused for %s", (_, current, by, error) => {
    expect(planAdd(current, by, T0, 1, 100)).toEqual({ kind: "refuse", error });
    expect(judgeTransactionData(current, by, T0)).toBe(error);
  });

  test("data is allowed in the partitions of an open transaction only", () => {
    expect(judgeTransactionData(ongoing, session, T0)).toBeUndefined();
    expect(judgeTransactionData(ongoing, session, T1)).toBe("INVALID_TXN_STATE");
    expect(judgeTransactionData(ended(ongoing, true), session, T0)).toBe("INVALID_TXN_STATE");
  });
});

describe("EndTxn", () => {
  test.each([true, false])("of version 1 keeps the epoch, and knows its repetition (commit: %s)", (isCommit) => {
    const prepared = moved(end(ongoing, isCommit));
    expect(prepared).toMatchObject({ status: isCommit ? "PrepareCommit" : "PrepareAbort", producerEpoch: 0 });
    expect(end(prepared, isCommit)).toEqual({ kind: "refuse", error: "CONCURRENT_TRANSACTIONS" });
    expect(end(prepared, !isCommit)).toEqual({ kind: "refuse", error: "INVALID_TXN_STATE" });
    const complete = planCompletion(prepared, 300);
    expect(complete).toMatchObject({ producerEpoch: 0, status: isCommit ? "CompleteCommit" : "CompleteAbort" });
    expect(complete.partitions.size).toBe(0);
    expect(end(complete, isCommit)).toEqual({ kind: "keep" });
    expect(end(complete, !isCommit)).toEqual({ kind: "refuse", error: "INVALID_TXN_STATE" });
    expect(end(fresh, isCommit)).toEqual({ kind: "refuse", error: "INVALID_TXN_STATE" });
  });

  test("of version 2 raises the epoch, and knows its repetition by the epoch before", () => {
    const next = { producerId: 7, producerEpoch: 1 };
    const committed = ended(ongoing2, true, 2);
    expect(committed).toMatchObject({ ...next, status: "CompleteCommit" });
    expect(end(committed, true, 2)).toEqual({ kind: "keep" });
    expect(end(committed, false, 2)).toEqual({ kind: "refuse", error: "INVALID_TXN_STATE" });
    expect(end(committed, true, 2, next)).toEqual({ kind: "refuse", error: "INVALID_TXN_STATE" });
    const aborted = ended(committed, false, 2, next);
    expect(aborted).toMatchObject({ status: "CompleteAbort", producerEpoch: 2 });
    expect(end(aborted, false, 2, next)).toEqual({ kind: "keep" });
    expect(end(aborted, true, 2, next)).toEqual({ kind: "refuse", error: "INVALID_TXN_STATE" });
    expect(end(ongoing2, true, 2, next)).toEqual({ kind: "refuse", error: "PRODUCER_FENCED" });
    expect(moved(end(fresh, false, 2))).toMatchObject({ status: "PrepareAbort", producerEpoch: 1, startMs: 200 });
    expect(end(fresh, true, 2)).toEqual({ kind: "refuse", error: "INVALID_TXN_STATE" });
  });

  test("of version 2 goes on with a new producer id when the epochs are used up, and knows its repetition", () => {
    const last = { producerId: 7, producerEpoch: LAST_EPOCH };
    const committed = ended({ ...ongoing2, producerEpoch: LAST_EPOCH }, true, 2, last);
    expect(committed).toMatchObject({ producerId: 77, producerEpoch: 0, previousProducerId: 7, nextProducerId: -1 });
    expect(end(committed, true, 2, last)).toEqual({ kind: "keep" });
  });

  test("is carried out: until then each request is asked to come again, by the new producer id, too", () => {
    const last = { producerId: 7, producerEpoch: LAST_EPOCH };
    const ending = moved(end({ ...ongoing2, producerEpoch: LAST_EPOCH }, true, 2, last));
    const busy = { kind: "refuse", error: "CONCURRENT_TRANSACTIONS" };
    for (const by of [{ producerId: 77, producerEpoch: 0 }, last]) {
      expect(planAdd(ending, by, T0, 2, 250)).toEqual(busy);
      expect(judgeTransactionData(ending, by, T0)).toBe("CONCURRENT_TRANSACTIONS");
      expect(end(ending, true, 2, by)).toEqual(busy);
      expect(init(ending, by)).toEqual(busy);
    }
  });

  test("a producer whose transaction was aborted for it is not told the epoch that fenced it", () => {
    const timedOut = planCompletion(moved(planTimeout(ongoing2, 2000)), 2001);
    expect(timedOut).toMatchObject({ status: "CompleteAbort", producerEpoch: 1 });
    expect(end(timedOut, false, 2)).toEqual({ kind: "refuse", error: "PRODUCER_FENCED" });
    expect(end(timedOut, true, 2)).toEqual({ kind: "refuse", error: "PRODUCER_FENCED" });
    expect(end(timedOut, true)).toEqual({ kind: "refuse", error: "PRODUCER_FENCED" });
  });
});

test("a transaction is aborted after its timeout only, and an unused id forgotten", () => {
  expect(planTimeout(ongoing, 1100)).toEqual({ kind: "keep" });
  expect(planTimeout(ended(ongoing, true), 9999)).toEqual({ kind: "keep" });
  expect(moved(planTimeout(ongoing, 1101))).toMatchObject({ status: "PrepareAbort", producerEpoch: 1 });
  expect(isExpired(ongoing, 1_000_000, 10)).toBe(false);
  expect(isExpired(fresh, 59, 10)).toBe(false);
  expect(isExpired(fresh, 60, 10)).toBe(true);
});
