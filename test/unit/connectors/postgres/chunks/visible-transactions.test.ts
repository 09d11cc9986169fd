import { expect, test } from "vitest";
import { VisibleTransactions } from "../../../../../connectors/postgres/chunks/visible-transactions.js";

test("a snapshot sees the transactions that had ended, also where ids wrap at 32 bits", () => {
  const visible = new VisibleTransactions("100:110:103,107");
  expect([99, 100, 103, 104, 107, 109, 110, 200].filter((xid) => visible.has(xid))).toEqual([99, 100, 104, 109]);
  expect(new VisibleTransactions("100:110:").has(109)).toBe(true);
  // xmax is 2^32 + 5: transactions just before the wrap are older.
  const wrapped = new VisibleTransactions("4294967290:4294967301:4294967299");
  expect([4294967290, 4294967295, 3, 4, 5, 6].filter((xid) => wrapped.has(xid))).toEqual([4294967290, 4294967295, 4]);
});
