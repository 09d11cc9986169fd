import { expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { listTransactions } from "../../../../src/broker/handlers/list-transactions.js";
import { listTransactions as api } from "../../../../src/protocol/apis/list-transactions.js";
import { ErrorCodes } from "../../../../src/protocol/error-codes.js";
import { serve } from "../../../support/serve.js";

async function listed(transactionalIdPattern: string | null, ids: readonly string[]) {
  const transactions = ids.map((transactionalId) => {
    return { transactionalId, producerId: 1, status: "Ongoing", startMs: 0 };
  });
  const broker = { transactions: { list: () => transactions }, clock: new SimClock(), logger: silentLogger };
  const request = { stateFilters: [], producerIdFilters: [], transactionalIdPattern };
  const { errorCode, transactionStates } = await serve(listTransactions, api, 2, request, { broker });
  return errorCode === 0 ? transactionStates.map(({ transactionalId }) => transactionalId) : errorCode;
}

test("transactional ids are listed by a pattern, which must match them as a whole", async () => {
  const ids = ["orders-1", "orders-2", "my-orders-1"];
  expect(await listed("orders-.*", ids)).toEqual(["orders-1", "orders-2"]);
  expect(await listed("", ids)).toEqual(ids);
  expect(await listed(null, ids)).toEqual(ids);
  expect(await listed("(", ids)).toBe(ErrorCodes.INVALID_REGULAR_EXPRESSION);
});

test("a pattern that would take too long for the ids that there are is refused", async () => {
  const pattern = "(a|b|c|d){300}";
  expect(await listed(pattern, ["a".repeat(300)])).toEqual(["a".repeat(300)]);
  expect(await listed(pattern, ["a".repeat(30_000)])).toBe(ErrorCodes.INVALID_REGULAR_EXPRESSION);
});
