import { listTransactions as api } from "../../protocol/apis/list-transactions.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { defineHandler } from "../handler.js";
import { TRANSACTION_STATUSES } from "../transactions/transaction-state.js";

const KNOWN: ReadonlySet<string> = new Set(TRANSACTION_STATUSES);

/**
 * ListTransactions (key 66), v0-v2.
 * Lists transactional ids by state and producer id. v1: by how long their transaction is open. v2, by a pattern, is not
 * served: a client's pattern could hold up the broker.
 */
export const listTransactions = defineHandler(api, {
  versions: [0, 1],
  authorize: "by resource",
  handle({ stateFilters, producerIdFilters, durationFilter }, { broker, access }) {
    const states = new Set(stateFilters.filter((state) => KNOWN.has(state)));
    const unknownStateFilters = stateFilters.filter((state) => !KNOWN.has(state));
    const producerIds = new Set(producerIdFilters);
    const nowMs = broker.clock.nowMs();
    const listed = broker.transactions.list().filter(({ transactionalId, status, producerId, startMs }) => {
      if (!access.shows("DESCRIBE", "TRANSACTIONAL_ID", transactionalId)) return false;
      if (stateFilters.length > 0 && !states.has(status)) return false;
      if (producerIds.size > 0 && !producerIds.has(producerId)) return false;
      return durationFilter < 0 || (startMs >= 0 && nowMs - startMs > durationFilter);
    });
    const transactionStates = listed.map(({ transactionalId, producerId, status }) => {
      return { transactionalId, producerId, transactionState: status };
    });
    return { throttleTimeMs: 0, errorCode: ErrorCodes.NONE, unknownStateFilters, transactionStates };
  },
  refuse: (_, errorCode) => ({ throttleTimeMs: 0, errorCode, unknownStateFilters: [], transactionStates: [] }),
});
