import { describe, expect, test } from "vitest";
import {
  decodeTransactionRecord,
  encodeTransactionRecord,
} from "../../../../src/broker/transactions/transaction-records.js";
import { NO_PARTITIONS, type TransactionState } from "../../../../src/broker/transactions/transaction-state.js";
import { MalformedError } from "../../../../src/protocol/malformed-error.js";

const state: TransactionState = {
  transactionalId: "x",
  producerId: 7,
  producerEpoch: 3,
  previousProducerId: -1,
  nextProducerId: -1,
  lastEpoch: -1,
  timeoutMs: 60_000,
  status: "Ongoing",
  partitions: new Map([["t", new Set([0, 2])]]),
  startMs: 1000,
  updateMs: 2000,
  version: 1,
};

const hex = (text: string) => text.replaceAll(" ", "");

describe("records of the transactions topic", () => {
  test("have Kafka's bytes", () => {
    const { key, value } = encodeTransactionRecord({ transactionalId: "x", state });
    expect(key.toString("hex")).toBe(hex("0000 0001 78"));
    const body = "0000000000000007 0003 0000ea60 01 02 02 74 03 00000000 00000002 00 00000000000007d0 00000000000003e8";
    expect(value!.toString("hex")).toBe(hex(`0001 ${body} 01 02 02 0001`));
  });

  test("read back as they were written, tombstones too", () => {
    const states: TransactionState[] = [
      state,
      { ...state, status: "Empty", partitions: NO_PARTITIONS },
      { ...state, status: "PrepareCommit", version: 2, nextProducerId: 9 },
      { ...state, status: "CompleteAbort", partitions: NO_PARTITIONS, previousProducerId: 5 },
    ];
    for (const each of states) {
      const { key, value } = encodeTransactionRecord({ transactionalId: "x", state: each });
      expect(decodeTransactionRecord(key, value)).toEqual({ transactionalId: "x", state: each });
    }
    const { key, value } = encodeTransactionRecord({ transactionalId: "x", state: null });
    expect(value).toBeNull();
    expect(decodeTransactionRecord(key, value)).toEqual({ transactionalId: "x", state: null });
  });

  test("of Kafka's older version are read, those of a newer one are not", () => {
    const { key } = encodeTransactionRecord({ transactionalId: "x", state: null });
    const old = "0000 0000000000000007 0003 0000ea60 00 ffffffff 00000000000007d0 ffffffffffffffff";
    const expected = { ...state, status: "Empty", partitions: NO_PARTITIONS, startMs: -1 };
    expect(decodeTransactionRecord(key, Buffer.from(hex(old), "hex"))).toEqual({
      transactionalId: "x",
      state: expected,
    });
    expect(decodeTransactionRecord(key, Buffer.from("0002", "hex"))).toBeUndefined();
    const damaged = hex("0000 0000000000000007 0003 0000ea60 09 ffffffff 00000000000007d0 ffffffffffffffff");
    expect(() => decodeTransactionRecord(key, Buffer.from(damaged, "hex"))).toThrow(MalformedError);
  });
});
